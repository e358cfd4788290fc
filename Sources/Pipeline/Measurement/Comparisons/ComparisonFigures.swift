// SPDX-License-Identifier: Apache-2.0

/// What a comparison says of its candidates, worked out once: table, verdict, JSON, CSV and page only render it.
public struct ComparisonFigures: Sendable {
    /// What the figures are of.
    public let comparison: Comparison
    /// In the comparison's order.
    public let candidates: [CandidateFigures]
    /// Of the same model on one stage.
    public let oneStageTokensPerSecond: Estimate
    /// How often the runs on one stage were measured.
    public let oneStageTries: Tries
    /// For each candidate, against the same schedule on the first transport; nil for those on it.
    public let acrossTransports: [Difference?]
    /// For each schedule but the first, in order, on the first transport: against the first schedule.
    public let acrossSchedules: [Difference]
    /// How many pairs of candidates are compared. The intervals of all their ratios hold together.
    public let pairCount: Int

    /// Works all of them out, intervals included.
    public init(_ comparison: Comparison) {
        self.comparison = comparison
        let all = comparison.candidates
        pairCount = comparison.pairCount
        candidates = all.indices.map { CandidateFigures(comparison, $0) }
        oneStageTokensPerSecond = Estimate(
            medianOf: comparison.oneStage.map { Double(comparison.tokensOfStep) / $0.seconds })
        oneStageTries = Tries(comparison.oneStage)
        let (schedule, transport) = (all[0].schedule, all[0].transport)
        acrossTransports = all.indices.map { index in
            guard all[index].transport != transport, let base = comparison.index(all[index].schedule, transport) else {
                return nil
            }
            return Difference(comparison, of: index, from: base)
        }
        acrossSchedules = all.indices.compactMap { index in
            all[index].schedule == schedule || all[index].transport != transport
                ? nil : Difference(comparison, of: index, from: 0)
        }
    }
}

/// How often runs were measured.
public struct Tries: Equatable, Sendable {
    /// Over all rounds, each of which has at least one.
    public let all: Int
    /// Runs that stayed disturbed.
    public let disturbed: Int

    init(_ trials: [Comparison.Trial]) {
        all = trials.reduce(0) { $0 + $1.tries }
        disturbed = trials.count { $0.disturbance?.isTooMuch == true }
    }
}

/// What a comparison says of one candidate.
public struct CandidateFigures: Sendable {
    /// A candidate's tokens/s over another's: the median over the rounds.
    public struct Ratio: Equatable, Sendable {
        /// 1 where both have as many tokens/s.
        public let estimate: Estimate
        /// Whether the other is the candidate itself.
        public let isToItself: Bool
    }

    /// Whose figures they are.
    public let candidate: Comparison.Candidate
    /// The step, in seconds: the median over the trials. Of its terms likewise, moved within their intervals as far as it takes for
    /// them to add up to the step (`Estimate.parts`).
    public let stepSeconds: Estimate
    private let terms: [Estimate]
    /// Tokens of a step over `stepSeconds`.
    public let tokensPerSecond: Estimate
    /// Tokens of all measured steps of all trials over their measured time: what was really delivered. Nil for made-up trials.
    public let deliveredTokensPerSecond: Double?
    /// What a person should know of the machine during its trials: sentences, without their ends.
    public let remarks: [String]
    /// Over the same schedule on threads; nil where that takes no part.
    public let overThreads: Ratio?
    /// Over GPipe on the same transport; nil where that takes no part.
    public let overGPipe: Ratio?
    /// Over the first schedule, of those on the first transport: what the verdict tells. Nil on others.
    public let overFirst: Ratio?
    /// Tokens/s over P times those of one stage.
    public let efficiency: Estimate
    /// The median over the trials of their median hand-offs; nil with one stage.
    public let handoffSeconds: Estimate?
    /// The share of receivers that slept rather than found their item there or spun for it: the median over the trials; 0 with one
    /// stage.
    public let parkedShare: Estimate
    /// From the step and its terms, and what equal stages took off it: the median over the trials.
    public let whatIf: WhatIf
    /// The step that stands for the candidate: of the trial in the middle.
    public let typicalStep: StepTimes
    /// How often its runs were measured.
    public let tries: Tries

    /// A term of the breakdown, in seconds.
    public subscript(term: Breakdown.Term) -> Estimate { terms[Breakdown.Term.allCases.firstIndex(of: term)!] }

    /// `GPipe on threads`.
    public var name: String { candidate.name }
    /// The candidate's.
    public var schedule: String { candidate.schedule }
    /// The candidate's.
    public var transport: TransportKind { candidate.transport }
    /// The candidate's.
    public var plan: RunPlan { candidate.plan }

    /// From the step, its terms and what it would be otherwise; the rank that has the most work is the typical step's.
    public var idleShares: IdleShares { IdleShares(Breakdown { self[$0].value }, whatIf, needed: typicalStep.needed) }

    /// What a CSV's column `notes` holds of it: without commas.
    package var notesColumn: String { MachineRemarks.column(plan.placement, remarks) }

    init(_ comparison: Comparison, _ index: Int) {
        let trials = comparison.trials[index]
        candidate = comparison.candidates[index]
        let step = Estimate(medianOf: trials.map(\.seconds))
        stepSeconds = step
        terms = Estimate.parts(
            of: Breakdown.Term.allCases.map { term in trials.map { $0.step.breakdown[term] } }, addingUpTo: step.value)
        tokensPerSecond = Double(comparison.tokensOfStep) / step
        let whole = trials.compactMap(\.whole)
        let delivered: Double? =
            whole.isEmpty
            ? nil
            : Double(comparison.tokensOfStep * whole.reduce(0) { $0 + $1.stepSeconds.count })
                / whole.reduce(0) { $0 + $1.measuredSeconds }
        deliveredTokensPerSecond = delivered
        remarks =
            CandidateRemarks(
                trials, quota: candidate.plan.placement.quota, tokensPerSecond: tokensPerSecond.value,
                delivered: delivered ?? tokensPerSecond.value
            ).sentences
        func ratio(over other: Int?) -> Ratio? {
            other.map { Ratio(estimate: comparison.ratio(index, over: $0), isToItself: $0 == index) }
        }
        overThreads = ratio(over: comparison.index(candidate.schedule, .threads))
        overGPipe = ratio(over: comparison.indexOfGPipe(candidate.transport))
        overFirst = ratio(over: candidate.transport == comparison.candidates[0].transport ? 0 : nil)
        let ranks = Double(candidate.plan.schedule.ranks)
        efficiency = Estimate(
            medianOf: zip(trials, comparison.oneStage).map { $1.seconds / $0.seconds / ranks })
        let medians = trials.filter { !$0.handoffSeconds.isEmpty }.map { Statistics($0.handoffSeconds).median }
        handoffSeconds = medians.isEmpty ? nil : Estimate(medianOf: medians)
        parkedShare = Estimate(medianOf: trials.map { Double($0.parked) / Double(max(1, $0.handoffSeconds.count)) })
        let transport = terms[Breakdown.Term.allCases.firstIndex(of: .transport)!].value
        let equal = Statistics(trials.map { $0.step.whatIf.equalStages - $0.seconds }).median
        whatIf = WhatIf(step: step.value, transport: transport, equalStages: step.value + equal)
        let sorted = trials.sorted { $0.step.times.seconds < $1.step.times.seconds }
        typicalStep = sorted[(sorted.count - 1) / 2].step.times
        tries = Tries(trials)
    }
}

/// How one candidate differs from another: the median over the rounds.
public struct Difference: Sendable {
    /// The faster of the two where `ratio` is above 1.
    public let candidate: Comparison.Candidate
    /// Of tokens/s.
    public let ratio: Estimate
    /// The term of the step that differs most.
    public let term: Breakdown.Term
    /// How much longer that term is than the other's, in seconds; below 0 where it is shorter.
    public let change: Estimate

    /// Whether the trials tell the two from each other; nil where there are too few of them to say.
    public var isSeen: Bool? { ratio.excludes(1) }
    /// Whether the trials tell the term's change from none.
    public var hasReason: Bool { change.excludes(0) == true }

    init(_ comparison: Comparison, of index: Int, from base: Int) {
        candidate = comparison.candidates[index]
        ratio = comparison.ratio(index, over: base)
        let changes = comparison.terms.map { ($0, comparison.change(index, over: base, in: $0)) }
        (term, change) = changes.max { abs($0.1.value) < abs($1.1.value) }!
    }
}

extension Comparison {
    /// The index of GPipe on a transport, if it takes part.
    fileprivate func indexOfGPipe(_ transport: TransportKind) -> Int? { index(ScheduleKind.gpipe.title, transport) }

    /// The candidates that one of them is compared with, by table or verdict.
    private func bases(of index: Int) -> [Int] {
        let (candidate, first) = (candidates[index], candidates[0])
        let bases = [
            self.index(candidate.schedule, .threads), indexOfGPipe(candidate.transport),
            self.index(candidate.schedule, first.transport), candidate.transport == first.transport ? 0 : nil,
        ]
        return bases.compactMap(\.self).filter { $0 != index }
    }

    /// The terms that a step of any candidate can have.
    public var terms: [Breakdown.Term] {
        Breakdown.Term.all(withCopies: candidates.contains { $0.plan.schedule.copies > 1 })
    }

    /// Each pair that is compared, whichever of them is over the other, once.
    fileprivate var pairCount: Int {
        Set(candidates.indices.flatMap { index in bases(of: index).map { Set([index, $0]) } }).count
    }

    /// How many times as many tokens/s one candidate has as another: the median over the rounds.
    fileprivate func ratio(_ index: Int, over other: Int) -> Estimate {
        if index == other { return Estimate(value: 1, interval: nil) }
        return Estimate(ratios: zip(trials[index], trials[other]).map { $1.seconds / $0.seconds }, among: pairCount)
    }

    /// How much longer one candidate is in a term than another, in seconds: the median over the rounds. The term that changed
    /// most is found among all terms of all pairs, and so the interval is one of as many.
    fileprivate func change(_ index: Int, over other: Int, in term: Breakdown.Term) -> Estimate {
        Estimate(
            medianOf: zip(trials[index], trials[other]).map { $0.step.breakdown[term] - $1.step.breakdown[term] },
            among: pairCount * terms.count)
    }
}

extension Comparison.Candidate {
    /// `GPipe on threads`.
    public var name: String { "\(schedule) on \(transport.rawValue)" }
}
