// SPDX-License-Identifier: Apache-2.0

import Threads

/// Runs of one model under several schedules and transports, in turns, so that a machine that gets slower for a while slows
/// all of them. Every trial is a whole run; in each round each candidate has one, in an order drawn anew.
public struct Comparison: Sendable {
    /// One way to run the model.
    public struct Candidate: Sendable {
        /// What the candidate is found and named by, together with the schedule.
        public let transport: TransportKind
        /// What each of its trials runs.
        public let plan: RunPlan

        /// Of a plan with this transport, which nothing checks.
        public init(transport: TransportKind, plan: RunPlan) {
            self.transport = transport
            self.plan = plan
        }

        /// What the candidate is found and named by, together with the transport: its schedule's name.
        public var schedule: String { plan.schedule.name }
    }

    /// What one run of a candidate showed.
    public struct Trial: Sendable {
        /// The typical one of the measured steps stands for the run.
        public let step: StepFigures
        /// Of all hand-offs in the measured steps, in seconds; empty with one stage.
        public let handoffSeconds: [Double]
        /// Of their receivers, how many slept.
        public let parked: Int
        /// Bits of the losses of all steps.
        public let losses: [UInt32]
        /// How much others disturbed the step that stands for the run; nil where ranks share CPUs or a quota.
        public let disturbance: Disturbance?
        /// What else the whole run showed; nil for a made-up one.
        public let whole: WholeRun?
        /// How often the run was measured in its round; this is the quietest try.
        public fileprivate(set) var tries = 1

        /// All measured steps of a run, rather than the one that stands for it.
        public struct WholeRun: Sendable {
            /// Of each, in order.
            public let stepSeconds: [Double]
            /// From the release into the first to the end of the last.
            public let measuredSeconds: Double
            /// As `RunFigures` has them.
            public let throttledShare, stolenShare: Double?

            /// With these values.
            public init(
                stepSeconds: [Double], measuredSeconds: Double, throttledShare: Double? = nil,
                stolenShare: Double? = nil
            ) {
                (self.stepSeconds, self.measuredSeconds) = (stepSeconds, measuredSeconds)
                (self.throttledShare, self.stolenShare) = (throttledShare, stolenShare)
            }
        }

        /// Made up of its parts.
        public init(
            step: StepFigures, handoffSeconds: [Double] = [], parked: Int = 0, losses: [UInt32] = [],
            disturbance: Disturbance? = nil, whole: WholeRun? = nil
        ) {
            self.step = step
            self.whole = whole
            self.handoffSeconds = handoffSeconds
            self.parked = parked
            self.losses = losses
            self.disturbance = disturbance
        }

        /// Of a run with a timeline; one without traps.
        init(_ figures: RunFigures) {
            guard let timed = figures.timed else { trap("a trial without a timeline") }
            let (result, step) = (figures.result, timed.typicalStep)
            self.init(
                step: step, handoffSeconds: timed.handoffSeconds?.sorted ?? [],
                parked: timed.handoffs.reduce(0) { $0 + $1.parked }, losses: result.losses.map(\.bitPattern),
                disturbance: result.plan.placement.ownsAllCPUs ? Disturbance([step]) : nil,
                whole: WholeRun(
                    stepSeconds: result.measuredStepSeconds, measuredSeconds: result.measuredSeconds,
                    throttledShare: figures.throttledShare, stolenShare: figures.stolenShare))
        }

        /// Seconds of the step, as its terms add up to it.
        var seconds: Double { step.breakdown.step }
    }

    /// As they were given, whatever order the rounds had.
    public let candidates: [Candidate]
    /// For each candidate, one for each round.
    public let trials: [[Trial]]
    /// The same model on one stage, once a round: what scaling efficiency is measured against.
    public let oneStage: [Trial]

    /// Of rounds that were run.
    ///
    /// - Parameters:
    ///   - candidates: at least one.
    ///   - trials: for each candidate, one a round; at least one round.
    ///   - oneStage: one a round.
    public init(_ candidates: [Candidate], trials: [[Trial]], oneStage: [Trial]) {
        require(
            !candidates.isEmpty && trials.count == candidates.count && !oneStage.isEmpty
                && trials.allSatisfy { $0.count == oneStage.count }, "a comparison of rounds that are not whole")
        self.candidates = candidates
        self.trials = trials
        self.oneStage = oneStage
    }

    /// Runs all rounds.
    ///
    /// - Parameters:
    ///   - candidates: at least one.
    ///   - oneStage: with the same microbatches; its transport does not matter.
    ///   - rounds: how often each is run, at least once; each round has an order of its own.
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
        // All or none: the quietest of three tries on one stage would be held against first tries.
        let isJudged = Self.isJudged(candidates)
        func disturbance(_ trial: Trial) -> Disturbance? { isJudged ? trial.disturbance : nil }
        var trials = plans.map { _ in [Trial]() }
        var done = 0
        for round in 0..<rounds {
            for index in drawnOrder(of: plans.count, round: round, seed: seed) {
                progress(done, rounds * plans.count)
                // Again within the round, so that it is still compared with its neighbours in time.
                let quietest = try Quietest(disturbance: disturbance) { _ throws(RunError) in
                    let result = try plans[index].run()
                    let trial = Trial(RunFigures(result))
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
        self.init(candidates, trials: Array(trials.dropLast()), oneStage: trials.last!)
    }

    /// Whether disturbed runs are told from others and measured again: where the ranks of all candidates have CPUs of their own, and
    /// no quota.
    public var isJudged: Bool { Self.isJudged(candidates) }
    private static func isJudged(_ candidates: [Candidate]) -> Bool {
        candidates.allSatisfy(\.plan.placement.ownsAllCPUs)
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

    /// Tokens of a step, of all candidates.
    public var tokensOfStep: Int {
        let configuration = candidates[0].plan.configuration
        return configuration.batchSize * configuration.model.sequenceLength
    }

    /// The index of a candidate, if it takes part.
    public func index(_ schedule: String, _ transport: TransportKind) -> Int? {
        candidates.firstIndex { $0.schedule == schedule && $0.transport == transport }
    }
}
