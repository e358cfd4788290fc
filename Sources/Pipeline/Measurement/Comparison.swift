/// Runs of one model under several schedules and transports, in turns, so that a machine that gets slower for a while slows
/// all of them. Every trial is a whole run; in each round each candidate has one, in an order drawn anew.
public struct Comparison: Sendable {
    /// One way to run the model.
    public struct Candidate: Sendable {
        public let schedule: ScheduleKind
        public let transport: TransportKind
        public let plan: RunPlan

        public init(schedule: ScheduleKind, transport: TransportKind, plan: RunPlan) {
            self.schedule = schedule
            self.transport = transport
            self.plan = plan
        }
    }

    /// What one run of a candidate showed.
    public struct Trial: Sendable {
        /// The measured step that is neither among the faster half nor among the slower: it stands for the run, so that a
        /// single disturbed step does not count, and terms still add up.
        public let step: StepTimes
        public let breakdown: Breakdown
        public let whatIf: WhatIf
        /// Of all hand-offs in the measured steps, in seconds; empty with one stage.
        public let handoffSeconds: [Double]
        /// Of their receivers, how many slept.
        public let parked: Int
        /// Bits of the losses of all steps.
        public let losses: [UInt32]
        /// How much others disturbed the step that stands for the run; nil where ranks share CPUs.
        public let disturbance: Disturbance?
        /// How often the run was measured in its round; this is the quietest try.
        public fileprivate(set) var tries = 1

        init(_ result: RunResult) {
            let steps = result.timedSteps.map { result.times(ofStep: $0) }.sorted { $0.seconds < $1.seconds }
            let typical = steps[(steps.count - 1) / 2]
            step = typical
            breakdown = Breakdown(typical)
            whatIf = WhatIf(typical)
            let handoffs = result.handoffs()
            handoffSeconds = handoffs.flatMap(\.seconds.sorted)
            parked = handoffs.reduce(0) { $0 + $1.parked }
            losses = result.losses.map(\.bitPattern)
            disturbance = result.plan.placement.ownsAllCPUs ? Disturbance([typical]) : nil
        }
    }

    public let candidates: [Candidate]
    /// For each candidate, one for each round.
    public let trials: [[Trial]]
    /// The same model on one stage, once a round: what scaling efficiency is measured against.
    public let oneStage: [Trial]

    /// Runs all rounds.
    ///
    /// - Parameters:
    ///   - oneStage: with the same microbatches; its transport does not matter.
    ///   - seed: of the orders.
    ///   - progress: called before each run, with the runs done and the runs in all.
    /// - Throws: `RunError.failed` when a run fails, or when losses differ by more than the schedules promise;
    ///   `.configuration` when there is nothing to compare.
    public init(
        _ candidates: [Candidate], oneStage: RunPlan, rounds: Int, seed: UInt64,
        progress: (Int, Int) -> Void = { _, _ in }
    ) throws(RunError) {
        let plans = candidates.map(\.plan) + [oneStage]
        try Self.check(candidates, plans, rounds: rounds)
        var trials = plans.map { _ in [Trial]() }
        var done = 0
        for round in 0..<rounds {
            for index in drawnOrder(of: plans.count, round: round, seed: seed) {
                progress(done, rounds * plans.count)
                // Again within the round, so that it is still compared with its neighbours in time.
                let quietest = try Quietest(disturbance: \.disturbance) { _ throws(RunError) in
                    let trial = Trial(try plans[index].run())
                    if let text = Self.difference(of: trial, plans[index], trials, plans) {
                        throw .failed("losses differ between runs: what was measured was not the same work (\(text))")
                    }
                    return trial
                }
                var trial = quietest.outcome
                trial.tries = quietest.tries
                trials[index].append(trial)
                done += 1
            }
        }
        self.candidates = candidates
        self.trials = Array(trials.dropLast())
        self.oneStage = trials.last!
    }

    private static func check(_ candidates: [Candidate], _ plans: [RunPlan], rounds: Int) throws(RunError) {
        if rounds < 1 { throw .configuration(setting: "--trials", "\(rounds) is not allowed; at least 1") }
        if candidates.isEmpty { throw .configuration(setting: "--schedule", "there is nothing to compare") }
        if !plans.allSatisfy(\.configuration.keepsTimeline) {
            throw .configuration(setting: "--no-timeline", "a comparison needs the timelines of all runs")
        }
    }

    /// What differs from a run before: from one whose schedule promises the bits of one stage, if there has been one.
    private static func difference(
        of trial: Trial, _ plan: RunPlan, _ trials: [[Trial]], _ plans: [RunPlan]
    ) -> String? {
        let before = zip(trials, plans).filter { !$0.0.isEmpty }
        guard let (done, other) = before.first(where: { $0.1.facts.bits == .asOneStage }) ?? before.first else {
            return nil
        }
        let agreement = other.facts.bits == .asOneStage ? plan.agreement : other.agreement
        return agreement.difference(ofLosses: trial.losses, from: done[0].losses)
    }

    /// How often a candidate's runs were measured, those of the one stage for nil, and how many of them stayed disturbed.
    public func tries(_ candidate: Int?) -> (all: Int, disturbed: Int) {
        let runs = candidate.map { trials[$0] } ?? oneStage
        return (runs.reduce(0) { $0 + $1.tries }, runs.count { $0.disturbance?.isTooMuch == true })
    }

    /// Of all candidates.
    public var tokensAStep: Int {
        let configuration = candidates[0].plan.configuration
        return configuration.batchSize * configuration.model.sequenceLength
    }

    /// The place of a candidate, if it takes part.
    public func place(_ schedule: ScheduleKind, _ transport: TransportKind) -> Int? {
        candidates.firstIndex { $0.schedule == schedule && $0.transport == transport }
    }

    // MARK: Figures of a candidate

    /// A term of the breakdown, in seconds: the mean over the half of the trials whose steps are in the middle, so that terms
    /// add up to the step, and a trial on a disturbed machine does not count.
    public func seconds(_ candidate: Int, in term: Breakdown.Term) -> Estimate {
        typical(candidate) { $0.breakdown[term] }
    }

    public func stepSeconds(_ candidate: Int) -> Estimate { typical(candidate, \.breakdown.step) }

    private func typical(_ candidate: Int, _ value: (Trial) -> Double) -> Estimate {
        Estimate(trials[candidate]) { Self.middle($0).mean(value) }
    }

    /// Without the fastest quarter, and without the slowest.
    private static func middle(_ trials: [Trial]) -> [Trial] {
        let cut = trials.count / 4
        return Array(trials.sorted { $0.breakdown.step < $1.breakdown.step }.dropFirst(cut).dropLast(cut))
    }

    public func tokensPerSecond(_ candidate: Int) -> Estimate {
        let step = stepSeconds(candidate)
        let tokens = Double(tokensAStep)
        return Estimate(value: tokens / step.value, low: tokens / step.high, high: tokens / step.low)
    }

    public var oneStageTokensPerSecond: Estimate {
        Estimate(medianOf: oneStage.map { Double(tokensAStep) / $0.breakdown.step })
    }

    /// How many times as many tokens/s one candidate has as another: the median over the rounds.
    public func ratio(_ candidate: Int, over other: Int) -> Estimate {
        Estimate(
            medianOf: zip(trials[candidate], trials[other]).map { $1.breakdown.step / $0.breakdown.step })
    }

    /// How much longer one candidate is in a term than another, in seconds: the median over the rounds.
    public func change(_ candidate: Int, over other: Int, in term: Breakdown.Term) -> Estimate {
        Estimate(medianOf: zip(trials[candidate], trials[other]).map { $0.breakdown[term] - $1.breakdown[term] })
    }

    /// Tokens/s over P times those of one stage.
    public func efficiency(_ candidate: Int) -> Estimate {
        let ranks = Double(candidates[candidate].plan.schedule.ranks)
        return Estimate(
            medianOf: zip(trials[candidate], oneStage).map { $1.breakdown.step / $0.breakdown.step / ranks })
    }

    /// The median hand-off, in seconds; nil with one stage.
    public func handoffSeconds(_ candidate: Int) -> Estimate? {
        let medians = trials[candidate].filter { !$0.handoffSeconds.isEmpty }.map {
            Statistics($0.handoffSeconds).median
        }
        return medians.isEmpty ? nil : Estimate(medianOf: medians)
    }

    /// The share of receivers that slept rather than found their item there or spun for it; 0 with one stage.
    public func parkedShare(_ candidate: Int) -> Estimate {
        Estimate(meanOf: trials[candidate].map { Double($0.parked) / Double(max(1, $0.handoffSeconds.count)) })
    }

    public func whatIf(_ candidate: Int) -> WhatIf { WhatIf(meanOf: Self.middle(trials[candidate]).map(\.whatIf)) }

    /// The step that stands for a candidate: of the trial in the middle.
    public func typicalStep(_ candidate: Int) -> StepTimes {
        let sorted = trials[candidate].sorted { $0.step.seconds < $1.step.seconds }
        return sorted[(sorted.count - 1) / 2].step
    }
}
