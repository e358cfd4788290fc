// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Threads

/// The result of a run as one JSON object, for programs: the columns of the results' CSV that have a key here
/// (`ResultColumn.jsonKey`), and what a row has no room for, whose keys are these names in snake case. Times are in seconds,
/// memory in bytes; a loss that is no number is the string "NaN", "Infinity" or "-Infinity".
package struct RunJSON: Encodable {
    private let row: ResultRow
    private let rest: Rest

    package init(_ row: ResultRow, _ figures: RunFigures, _ notes: RunNotes) {
        self.row = row
        rest = Rest(figures, notes)
    }

    func text() throws(CommandError) -> String { try JSONText.encode(self) }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: TextKey.self)
        for column in ResultColumn.all {
            guard let key = column.jsonKey, let value = column.value(of: row) else { continue }
            try container.encode(value, forKey: TextKey(stringValue: key))
        }
        try rest.encode(to: encoder)
    }
}

extension RunJSON {
    /// What a row of the CSV has no room for.
    private struct Rest: Encodable {
        /// null for random tokens.
        let data: DataJSON?
        /// How results compare with those of one stage: `as one stage`, to the bit, or `to rounding`.
        let bits: String
        /// The cut, as `--partition` takes it.
        let layout: String
        let parameters: Int
        /// The signal that has stopped the run, such as SIGINT; otherwise there is no such key.
        let stoppedBy: String?
        /// Distance of the quartiles over the median.
        let stepSpread: Double
        /// Every measured step.
        let stepS: [Double]
        /// Matrix products of a step, all ranks.
        let productFlops: Double
        /// Of the whole run, and of that, before its first step.
        let totalS: Double
        let setUpS: Double
        /// One for each step, warm-up first.
        let lossHistory: [Float]
        /// For each rank, the high-water mark that was measured.
        let peakActivationBytes: [Int]
        let peakInFlight: [Int]
        let weightBytes: [Int]
        let memoryPlannedBytes: [Int]
        /// Not there where the system does not tell; then neither is what follows from it.
        let memoryMeasuredBytes: [Int]?
        /// Of the measured bytes, pages of the program's file and its libraries'.
        let memoryCodeBytes: [Int]?
        /// The planned bytes by what they are for.
        let memoryKinds: [MemoryKinds]
        /// Of ranks that are processes: the one that has forked them.
        let memorySupervisor: SupervisorMemory?
        /// For each rank, its share of the matrix products.
        let workShare: [Double]
        /// For each thread of each rank, the CPU it was pinned to, or null.
        let cpus: [Int?]
        /// For each rank, the host that its process is on; no such key where this program starts the ranks.
        let hosts: [String]?
        /// Bytes of activations and gradients that were copied on their way between stages.
        let handoffBytesCopied: Int
        /// Where the mean step went, and what it would be under other circumstances; null with `--no-timeline`.
        let breakdown: Terms?
        /// What a replay with the hand-offs of `--expect-link` expects of the mean step; there is no such key without.
        let expectedStepS: Double?
        /// For each rank, by how much its clock was ahead of rank 0's, and by how much that may be wrong; no such keys where all read one.
        let clockAheadS: [Double]?
        let clockErrorS: [Double]?
        /// Where the step went for each rank, and each edge's hand-offs.
        let ranks: [RankTerms]
        let handoffs: [EdgeHandoffs]
        let notes: [String]

        init(_ figures: RunFigures, _ notes: RunNotes) {
            let result = figures.result
            let plan = result.plan
            data = DataJSON(plan.configuration)
            bits = plan.facts.bits.label
            layout = plan.layout
            parameters = plan.parameters.reduce(0) { $0 + $1.shape.count }
            stoppedBy = result.steps < plan.configuration.steps ? Signals.noted?.description : nil
            stepSpread = figures.steps.relativeSpread
            stepS = result.measuredStepSeconds
            productFlops = plan.productFLOPs
            totalS = result.totalSeconds
            setUpS = result.setUpSeconds
            lossHistory = result.losses
            peakActivationBytes = result.ranks.map(\.activationBytesPeak)
            peakInFlight = result.ranks.map(\.inFlightPeak)
            weightBytes = plan.weightBytesOfRank
            memoryPlannedBytes = plan.memory.ranks.map(\.total)
            memoryMeasuredBytes = figures.memory.measuredBytesOfRank
            memorySupervisor = SupervisorMemory(figures.memory)
            memoryKinds = plan.memory.ranks.map(MemoryKinds.init)
            memoryCodeBytes = figures.memory.codeBytesOfRank
            workShare = plan.productShareOfRank
            cpus = result.ranks.flatMap(\.pinnings).map(\.cpu)
            hosts = plan.job.map { $0.hosts.prefix(plan.schedule.ranks).map(\.name) }
            handoffBytesCopied = result.ranks.reduce(0) { $0 + $1.handoffBytesCopied }
            breakdown = figures.timed.map(Terms.init)
            expectedStepS = notes.expectedStep
            let clocks = result.clocks.isEmpty ? nil : result.clocks
            clockAheadS = clocks?.map { Double($0.ahead) / 1e9 }
            clockErrorS = clocks?.map { Double($0.error) / 1e9 }
            ranks = figures.timed?.ranks.map(RankTerms.init) ?? []
            handoffs = figures.timed?.handoffs.map(EdgeHandoffs.init) ?? []
            self.notes = notes.lines
        }
    }
}

extension Pinning {
    /// The CPU a thread was kept on; nil when it was not.
    fileprivate var cpu: Int? { if case .pinned(let cpu) = self { cpu } else { nil } }
}
