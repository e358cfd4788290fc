/// A step's times with what they say: each worked out once.
public struct StepFigures: Sendable {
    /// What the figures are worked out from.
    public let times: StepTimes
    /// Where the step's time went.
    public let breakdown: Breakdown
    /// What the step would have taken otherwise.
    public let whatIf: WhatIf
    /// For how long the critical path stood still for want of a CPU: up to the last backward, and in the last update.
    let lostSeconds: Double

    /// Works all of them out.
    public init(_ times: StepTimes) {
        self.times = times
        breakdown = Breakdown(times)
        whatIf = WhatIf(times, breakdown)
        lostSeconds = breakdown.oversubscription + min(times.lastUpdate?.displaced ?? 0, breakdown.optimizer)
    }
}

extension StepTimes {
    /// The update that ended last; nil where nothing is trained.
    fileprivate var lastUpdate: TaskTimes? {
        zip(tasks, graph.tasks).flatMap { zip($0, $1).compactMap { $1 == .update ? $0 : nil } }
            .max { $0.end < $1.end }
    }
}
