import Glibc
import Pipeline
import SharedTensor
import Threads

/// The result of a run for a person.
struct RunTable {
    let options: RunOptions
    let result: RunResult

    init(_ options: RunOptions, _ result: RunResult) {
        self.options = options
        self.result = result
    }

    var text: String {
        let timed = result.timeline == nil ? [] : [TimelineTable(result).text, ""]
        return ([header, "", figures, ""] + timed + [ranks] + notes.map { "\nnote: \($0)" }).joined(separator: "\n")
    }

    private var plan: RunPlan { result.plan }
    private var configuration: RunConfiguration { plan.configuration }
    private var schedule: Schedule { plan.schedule }

    private var header: String {
        let count = plan.parameters.reduce(0) { $0 + $1.shape.count }
        let stages = schedule.stages > schedule.ranks ? ", v=\(schedule.stages / schedule.ranks)" : ""
        let threads = configuration.threadsPerRank > 1 ? " of \(configuration.threadsPerRank) threads" : ""
        return "\(configuration.model.name), \(count.grouped) parameters; \(schedule.name) on "
            + "\(configuration.transport.name), P=\(schedule.ranks)\(stages)\(threads), M=\(schedule.microbatches), "
            + "\(configuration.partition.rawValue) partition, \(schedule.isForwardOnly ? "forward only, " : configuration.recomputes ? "recomputing, " : "")\(configuration.simd.rawValue) kernels"
            + (configuration.dropout > 0 && !schedule.isForwardOnly ? ", dropout \(configuration.dropout)" : "")
            + (configuration.blas.map { ", products by \($0.path)" } ?? "")
    }

    private var figures: String {
        let steps = Statistics(result.measuredStepSeconds)
        let tokens = configuration.batchSize * configuration.model.sequenceLength
        let gigaFLOPs = plan.productFLOPs / 1e9
        return """
            tokens/s   \(result.tokensPerSecond.grouped)   (\(tokens.grouped) \(tokens == 1 ? "token" : "tokens") a step, median step)
            step       \(steps.median.milliseconds) median; quartiles \(steps.quantile(0.25).milliseconds) to \
            \(steps.quantile(0.75).milliseconds), range \(steps.min.milliseconds) to \(steps.max.milliseconds) \
            (\(counted(steps.sorted.count, "step")) after \(configuration.warmupSteps) of warm-up)
            products   \(gigaFLOPs.fixed(1)) GFLOP a step, \((gigaFLOPs / steps.median).fixed(1)) GFLOP/s over all ranks
            loss       \(loss)
            time       \(result.totalSeconds.fixed(2)) s in all, \(result.setUpSeconds.fixed(2)) s of them before the first step
            """ + data
    }

    /// Nothing for random tokens.
    private var data: String {
        guard case .file(let file) = configuration.tokens else { return "" }
        return "\ndata       \(file.summary)"
    }

    /// Of an evaluation, the mean is what counts; its last step is one batch like another.
    private var loss: String {
        let losses = result.losses
        if !schedule.isForwardOnly { return "\(losses.last!) at the last step, \(losses.first!) at the first" }
        let tokens = result.measuredSteps * configuration.batchSize * configuration.model.sequenceLength
        return "\(result.loss), the mean over \(tokens == 1 ? "1 token" : "\(tokens.grouped) tokens") of "
            + "\(counted(result.measuredSteps, "measured step"))"
    }

    private var ranks: String {
        let rows =
            [["rank", "stages", "holds", "CPU", "work", "weights", "activations", "in flight"]]
            + result.ranks.map(row)
        return TextTable(rows, leading: 3).text
    }

    private func row(_ report: RankReport) -> [String] {
        let stages = schedule.stages(ofRank: report.rank)
        return [
            String(report.rank), stages.map(String.init).joined(separator: ","),
            stages.map { holds(plan.partition.ranges[$0]) }.joined(separator: "; "),
            report.pinnings.map(\.label).joined(separator: ","),
            "\((plan.productShareOfRank[report.rank] * 100).fixed(0)) %",
            ByteCount(plan.weightBytesOfRank[report.rank]).description,
            ByteCount(report.activationBytesPeak).description, String(report.inFlightPeak),
        ]
    }

    private func holds(_ range: Range<Int>) -> String {
        let names = configuration.model.units[range].map(\.name)
        return names.count == 1 ? names[0] : "\(names.first!) .. \(names.last!)"
    }

    var notes: [String] {
        var notes: [String] = []
        if options.data == nil { notes.append(randomTokens) }
        if options.schedule == .interleaved && schedule.stages == schedule.ranks {
            notes.append("with one stage a rank, Interleaved-1F1B is plain 1F1B: \(interleaving)")
        }
        notes += configuration.fileNotes
        if case .toRounding(let reason) = plan.facts.bits {
            notes.append("results are those of one stage to rounding, not to the bit: \(reason)")
        }
        if let sharing = plan.placement.note { notes.append(sharing) }
        let shares = plan.productShareOfRank
        if let most = shares.max(), configuration.partition == .uniform, most * Double(shares.count) > 1.1 {
            notes.append(
                "uniform layers give rank \(shares.firstIndex(of: most)!) \((most * 100).fixed(0)) % of the work (even "
                    + "would be \((100 / Double(shares.count)).fixed(0)) %); --partition balanced cuts finer")
        }
        for report in result.ranks {
            for case .refused(let cpu, let error) in report.pinnings {
                notes.append("rank \(report.rank) could not be pinned to CPU \(cpu): \(error)")
            }
        }
        return notes
    }
}

extension RunTable {
    /// What the losses can tell. An attention without a mask sees the targets among the tokens, and in the end learns to copy.
    private var randomTokens: String {
        let vocabulary = configuration.model.vocabulary
        let guess = "ln \(vocabulary) = \(log(Double(vocabulary)).fixed(2))"
        let meaning =
            options.model.architecture == .gpt
            ? "the loss cannot stay below a guess's, \(guess)"
            : "a guess's loss is \(guess), and only an attention that copies the targets, which no mask hides, gets below it"
        return "tokens are random: \(meaning); --data FILE trains on a text"
    }

    /// What there is to interleave, where nothing was.
    private var interleaving: String {
        let parts = configuration.partition == .uniform ? options.model.layers : configuration.model.units.count
        let what = counted(parts, configuration.partition == .uniform ? "layer" : "unit")
        let most = min(parts / schedule.ranks, Limits.virtualStages.upperBound)
        return most > 1 && schedule.ranks > 1
            ? "--virtual-stages takes up to \(most) here (\(what) on \(counted(schedule.ranks, "rank")))"
            : "\(what) on \(counted(schedule.ranks, "rank")) \(parts == 1 ? "leaves" : "leave") nothing to interleave"
    }
}

extension Pinning {
    /// The CPU a rank was kept on, `any` when it was not.
    var label: String {
        switch self {
        case .free: "any"
        case .pinned(let cpu): String(cpu)
        case .refused: "any (refused)"
        }
    }
}
