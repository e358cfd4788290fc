// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor
import Threads

/// The result of a run for a person.
package struct RunTable {
    private let figures: RunFigures
    private let notes: [String]
    private let showsMemory: Bool

    /// - Parameter memory: whether each rank's is to be shown.
    package init(_ figures: RunFigures, _ notes: RunNotes, memory: Bool) {
        self.figures = figures
        showsMemory = memory
        self.notes = notes.lines
    }

    package var text: String {
        let timed = figures.timed.map { [TimelineTable($0, schedule).text, ""] } ?? []
        let memory = showsMemory ? ["", MemoryTable(figures.memory).text] : []
        return ([header, "", speed, ""] + timed + [ranks] + memory + notes.map { "\nnote: \($0)" })
            .joined(separator: "\n")
    }

    private var result: RunResult { figures.result }
    private var plan: RunPlan { result.plan }
    private var configuration: RunConfiguration { plan.configuration }
    private var schedule: Schedule { plan.schedule }

    private var header: String {
        let count = plan.parameters.reduce(0) { $0 + $1.shape.count }
        let stages =
            (schedule.virtualStages > 1 ? ", v=\(schedule.virtualStages)" : "")
            + (schedule.groupSize.map { ", N=\($0)" } ?? "")
            + (schedule.replicas > 1 ? " in \(schedule.replicas) replicas" : "")
        let threads = configuration.threadsPerRank > 1 ? " of \(configuration.threadsPerRank) threads" : ""
        return "\(configuration.model.name), \(count.grouped) parameters; \(schedule.name) on "
            + "\(configuration.transport.name), P=\(schedule.ranks)\(stages)\(threads), M=\(schedule.microbatches), "
            + "\(configuration.partition.title) partition, \(schedule.isForwardOnly ? "forward only, " : configuration.recomputes ? "recomputing, " : "")\(configuration.simd.rawValue) kernels"
            + (configuration.dropout > 0 && !schedule.isForwardOnly ? ", dropout \(configuration.dropout)" : "")
            + (configuration.blas.map { ", products by \($0.path)" } ?? "")
    }

    private var speed: String {
        let (steps, tokens) = (figures.steps, figures.tokensOfStep)
        let gigaFLOPs = plan.productFLOPs / 1e9
        return """
            tokens/s   \(figures.tokensPerSecond.grouped)   (\(tokens.grouped) \(tokens == 1 ? "token" : "tokens") a step, median step\(delivered))
            step       \(steps.median.milliseconds) median; quartiles \(steps.quantile(0.25).milliseconds) to \
            \(steps.quantile(0.75).milliseconds), range \(steps.min.milliseconds) to \(steps.max.milliseconds) \
            (\(counted(steps.sorted.count, "step")) after \(configuration.warmupSteps) of warm-up)
            products   \(gigaFLOPs.fixed(1)) GFLOP a step, \((gigaFLOPs / steps.median).fixed(1)) GFLOP/s over all ranks\(configuration.recomputes ? "; forwards that are done again are not counted" : "")
            layout     \(plan.layout)
            loss       \(loss)
            memory     \(MemoryTable.brief(figures.memory))
            time       \(result.totalSeconds.fixed(2)) s in all, \(result.setUpSeconds.fixed(2)) s of them before the first step
            """ + data
    }

    /// Where it is another rate than the median step's.
    private var delivered: String {
        let (median, delivered) = (figures.tokensPerSecond, figures.deliveredTokensPerSecond)
        if abs(1 - delivered / median) <= RunFigures.deliveredLimit { return "" }
        return "; \(delivered.grouped) delivered over the measured time"
    }

    /// Nothing for random tokens.
    private var data: String {
        guard case .file(let file) = configuration.tokens else { return "" }
        return "\ndata       \(file.summary)"
    }

    /// Of an evaluation, the mean is what counts; its last step is one batch like another.
    private var loss: String {
        let losses = result.losses
        if !schedule.isForwardOnly {
            return "\(losses.last!.text) at the last step, \(losses.first!.text) at the first"
        }
        let tokens = result.measuredSteps * figures.tokensOfStep
        return "\(result.loss.text), the mean over \(tokens == 1 ? "1 token" : "\(tokens.grouped) tokens") of "
            + "\(counted(result.measuredSteps, "measured step"))"
    }

    private var ranks: String {
        let rows =
            [["rank", "stages", "holds", "CPU", "share", "weights", "activations", "in flight"]]
            + result.ranks.map(row)
        return TextTable(rows, leading: 3).text
    }

    private func row(_ report: RankReport) -> [String] {
        let stages = schedule.stagesOfRanks[report.rank]
        return [
            String(report.rank), stages.map(String.init).joined(separator: ","),
            stages.map { plan.holds(stage: $0) }.joined(separator: "; "),
            report.pinnings.map(\.label).joined(separator: ","),
            "\((plan.productShareOfRank[report.rank] * 100).fixed(0)) %",
            ByteCount(plan.weightBytesOfRank[report.rank]).description,
            ByteCount(report.activationBytesPeak).description, String(report.inFlightPeak),
        ]
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
