import FoundationEssentials
import Pipeline

/// The result of a run as a CSV header and row. The first thirteen columns are the reference runner's, in its order and
/// with its meanings (its tokens/s are over the mean step); ours follow;
/// a column without a figure is empty.
struct RunCSV {
    private let columns: [(name: String, value: String)]

    init(_ options: RunOptions, _ result: RunResult) {
        let steps = Statistics(result.measuredStepSeconds)
        let configuration = result.plan.configuration
        let schedule = result.plan.schedule
        let model = options.model
        let tokens = options.batch * model.sequenceLength
        let terms = result.timedSteps.isEmpty ? nil : Breakdown(meanOf: result.breakdowns())
        let run: [(name: String, value: String)] = [
            ("schedule", options.schedule.rawValue), ("world_size", String(schedule.ranks)),
            ("layers", String(model.layers)), ("heads", String(model.heads)), ("hidden_dim", String(model.dim)),
            ("seq_len", String(model.sequenceLength)), ("batch_size", String(options.batch)),
            ("microbatches", String(schedule.microbatches)), ("threads", String(options.threads)),
            ("avg_step_time_s", String(steps.mean)), ("total_time_s", String(steps.total)),
            ("tokens_per_s", String(Double(tokens) / steps.mean)), ("timestamp", Date.now.formatted(.iso8601)),
            ("transport", options.transport.rawValue), ("arch", model.architecture.rawValue),
            ("partition", options.partition.rawValue), ("recompute", String(options.recompute)),
            ("forward_only", String(options.forwardOnly)),
            ("virtual_stages", String(schedule.stages / schedule.ranks)),
            ("ffn", String(model.ffn ?? model.architecture.standardHidden(dim: model.dim))),
            ("vocab_size", String(configuration.model.vocabulary)), ("optimizer", options.optimizer.rawValue),
            ("simd", configuration.simd.rawValue), ("gemm", configuration.blas?.path ?? "builtin"),
            ("dropout", String(options.dropout)),
            ("warmup_steps", String(options.warmup)),
            ("measure_steps", String(options.measure)), ("step_s_median", String(steps.median)),
            ("step_s_min", String(steps.min)), ("step_s_max", String(steps.max)),
            ("loss", String(result.losses.last!)),
            ("peak_activation_bytes", String(result.ranks.map(\.activationBytesPeak).max()!)),
        ]
        columns =
            run + Breakdown.Term.allCases.map { term in ("\(term.rawValue)_s", terms.map { "\($0[term])" } ?? "") }
    }

    /// Header and row. No value holds a comma or a quote: names and numbers alone.
    var text: String {
        columns.map(\.name).joined(separator: ",") + "\n" + columns.map(\.value).joined(separator: ",")
    }
}
