// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

extension RunConfiguration {
    /// Checks every number of it, whatever program computed it; the schedule has been validated.
    func check() throws(RunError) {
        try check("--batch-size", batchSize, in: 1...Int.max)
        try check("--measure-steps", measuredSteps, in: 1...Self.stepsMost)
        try check("--warmup-steps", warmupSteps, in: 0...Self.stepsMost)
        try check("--threads", threadsPerRank, in: 1...CPUSet.capacity)
        if batchSize % schedule.microbatches != 0 {
            if schedule.kind == nil {
                throw .configuration(
                    setting: "--batch-size",
                    "\(counted(batchSize, "sequence")) cannot be split into the \(schedule.microbatches) equal microbatches of "
                        + "\(schedule.name); a multiple of \(schedule.microbatches) can")
            }
            let replicas = schedule.replicas
            let parts =
                (replicas > 1 ? "\(replicas) replicas of " : "")
                + "\(schedule.microbatches / replicas) equal microbatches"
            throw .configuration(
                setting: "--microbatches",
                "a batch of \(counted(batchSize, "sequence")) cannot be split into \(parts)")
        }
        let tokens = batchSize.multipliedReportingOverflow(by: model.sequenceLength)
        if tokens.overflow || tokens.partialValue > SegmentLayout.bytesMax {
            throw .configuration(
                setting: "--batch-size",
                "\(batchSize) sequences of \(model.sequenceLength) tokens are more than any machine has memory for")
        }
        try check("--dropout", dropout, 0..<1 ~= dropout, "at least 0 and below 1")
        try check(
            "--timeout", timeoutSeconds, timeoutSeconds > 0 && timeoutSeconds <= Self.timeoutMost,
            "more than 0 and at most \(Int(Self.timeoutMost)) seconds")
        let rate = optimizer.rate
        try check("--lr", rate, rate >= 0 && rate.isFinite, "a finite number, at least 0")
        if case .list(let cpus) = pin, cpus.isEmpty {
            throw .configuration(setting: "--pin", "a list of no CPUs is not allowed; at least one")
        }
        if !simd.isSupported {
            throw .configuration(
                setting: "--simd", "this CPU cannot run \(simd.rawValue); its best is \(SIMDLevel.best.rawValue)")
        }
    }

    /// The learning rate of each step, where a function decides.
    func rates() throws(RunError) -> [Double] {
        guard let rateFactor else { return [] }
        var rates: [Double] = []
        rates.reserveCapacity(steps)
        for step in 0..<steps {
            let factor = rateFactor(step)
            try check(
                "rateFactor", factor, factor >= 0 && factor.isFinite, "in step \(step), a finite number, at least 0")
            rates.append(optimizer.rate * factor)
        }
        return rates
    }

    /// Steps of either kind: what their times alone take is then still memory that machines have.
    private static let stepsMost = 100_000_000
    /// Thirty years; in nanoseconds it fits 64 bits.
    private static let timeoutMost = 1e9

    private func check(_ setting: String, _ value: Int, in range: ClosedRange<Int>) throws(RunError) {
        if range.contains(value) { return }
        let most = value > range.upperBound ? "at most \(range.upperBound)" : "at least \(range.lowerBound)"
        throw .configuration(setting: setting, "\(value) is not allowed; \(most)")
    }

    private func check(
        _ setting: String, _ value: Double, _ isAllowed: Bool, _ allowed: String
    ) throws(RunError) {
        if !isAllowed { throw .configuration(setting: setting, "\(value) is not allowed; \(allowed)") }
    }
}
