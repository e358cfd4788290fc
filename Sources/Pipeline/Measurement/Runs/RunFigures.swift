// SPDX-License-Identifier: Apache-2.0

/// What was measured in a run, worked out once: table, JSON, CSV, page and trace only render it.
public struct RunFigures: Sendable {
    /// What the figures are of.
    public let result: RunResult
    /// The measured steps, in seconds.
    public let steps: Statistics
    /// What the timeline tells; nil without one.
    public let timed: TimedFigures?
    /// What was held of memory after the last step.
    public let memory: MemoryFigures
    /// How often the run was measured; these figures are those of the quietest try.
    public var tries = 1

    /// - Parameter result: with at least one measured step.
    public init(_ result: RunResult) {
        self.result = result
        steps = Statistics(result.measuredStepSeconds)
        memory = MemoryFigures(result)
        timed = result.timedSteps.isEmpty ? nil : TimedFigures(result)
    }

    /// How much others disturbed it; nil where that cannot be told.
    public var disturbance: Disturbance? { timed?.disturbance }

    /// Tokens of one step.
    public var tokensOfStep: Int {
        result.plan.configuration.batchSize * result.plan.configuration.model.sequenceLength
    }

    /// Tokens of a step over the median measured step: what an undisturbed step gives.
    public var tokensPerSecond: Double { Double(tokensOfStep) / steps.median }

    /// Tokens of all measured steps over the time from the release into the first of them to the end of the last: what was
    /// really delivered.
    public var deliveredTokensPerSecond: Double {
        Double(tokensOfStep * steps.sorted.count) / result.measuredSeconds
    }
    /// Where the two rates differ by more than this, as a share of the larger, both are told to a person.
    public static let deliveredLimit = 0.02

    /// The part of the measured time of the ranks' CPUs for which a quota stopped them; nil without a quota.
    public var throttledShare: Double? { share(of: result.taken?.throttledSeconds) }
    /// The part of it for which the hypervisor had them; nil where the system does not say.
    public var stolenShare: Double? { share(of: result.taken?.stolenSeconds) }
    /// More stolen time than this is told to a person.
    public static let stolenLimit = 0.01

    private func share(of seconds: Double?) -> Double? {
        seconds.map { $0 / (result.measuredSeconds * Double(result.plan.placement.cpuCount)) }
    }

    /// What a person should know of the machine while the run was measured: sentences, without their ends.
    public var remarks: [String] { RunRemarks(self).sentences }
    /// What a CSV's column `notes` holds of it: without commas.
    package var notesColumn: String { MachineRemarks.column(result.plan.placement, remarks) }

    /// The same over the mean one, as the reference study has it.
    public var tokensPerMeanSecond: Double { Double(tokensOfStep) / steps.mean }
}

/// What a run's timeline tells of its measured steps, as far as it still has them.
public struct TimedFigures: Sendable {
    /// At least one, the first being `firstStep` of the run.
    public let steps: [StepFigures]
    /// Counts from 0, the warm-up's steps included.
    public let firstStep: Int
    /// Of the mean step.
    public let breakdown: Breakdown
    /// Of the mean step.
    public let whatIf: WhatIf
    /// Of the mean step.
    public let idleShares: IdleShares
    /// For each rank, of the mean step.
    public let ranks: [RankBreakdown]
    /// One for each edge between two ranks, in the order of the stages; hand-offs between copies are no part of them.
    public let handoffs: [Handoffs]
    /// All hand-offs, in seconds; nil where there are none.
    public let handoffSeconds: Statistics?
    /// How much others disturbed the steps; nil where ranks share CPUs, or a quota, and so take the time from each other.
    public let disturbance: Disturbance?

    init(_ result: RunResult) {
        let plan = result.plan
        self.init(
            result.timedSteps.map { result.times(ofStep: $0) }, firstStep: result.timedSteps.lowerBound,
            edges: plan.edges.filter { plan.schedule.rank(ofBothEnds: $0) == nil },
            ownsAllCPUs: plan.placement.ownsAllCPUs)
    }

    /// - Parameters:
    ///   - times: of at least one step.
    ///   - firstStep: its number.
    ///   - edges: those between two ranks.
    ///   - ownsAllCPUs: whether ranks lose nothing to each other; only then is there a disturbance.
    init(_ times: [StepTimes], firstStep: Int = 0, edges: [Edge], ownsAllCPUs: Bool = false) {
        steps = times.map(StepFigures.init)
        self.firstStep = firstStep
        breakdown = Breakdown(meanOf: steps.map(\.breakdown))
        whatIf = WhatIf(meanOf: steps.map(\.whatIf))
        ranks = times[0].tasks.indices.map { rank in
            RankBreakdown(meanOf: times.map { RankBreakdown($0, rank: rank) })
        }
        idleShares = IdleShares(breakdown, whatIf, needed: ranks.map(\.busy))
        handoffs = edges.compactMap { Handoffs($0, times) }
        let seconds = handoffs.flatMap(\.seconds.sorted)
        handoffSeconds = seconds.isEmpty ? nil : Statistics(seconds)
        disturbance = ownsAllCPUs ? Disturbance(steps) : nil
    }

    /// The step that is neither among the faster half nor among the slower: it stands for the run where a single disturbed step
    /// must not count, and terms must add up.
    public var typicalStep: StepFigures {
        let sorted = steps.sorted { $0.times.seconds < $1.times.seconds }
        return sorted[(sorted.count - 1) / 2]
    }
}
