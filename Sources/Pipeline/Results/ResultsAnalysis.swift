// SPDX-License-Identifier: Apache-2.0

/// What a file of results says about each group of runs: medians over repeats, and ratios to other groups.
///
/// Groups are compared when all their settings but those named are the same, the machine included. Where there is no such
/// group, there is no ratio.
public struct ResultsAnalysis {
    /// What is analyzed.
    public let results: Results
    /// Groups that differ in their schedule alone, which are next to each other.
    public let blocks: [Range<Int>]
    /// For each group the one under GPipe.
    private let gpipe: [Int?]
    /// For each group the one of the same model on one stage.
    private let oneStage: [Int?]
    private let speedups: RatioEstimator
    private let efficiencies: RatioEstimator

    /// Finds for each group those that it is compared with.
    public init(_ results: Results) {
        self.results = results
        // They differ in the settings by which groups are sorted last, so that sorting by the others keeps their order.
        blocks = results.alike(but: Self.ofSchedule).ranges
        gpipe = Self.gpipe(results, blocks)
        oneStage = Self.oneStage(results)
        speedupCount = Self.intervals(results, gpipe)
        speedups = RatioEstimator(among: speedupCount)
        efficiencies = RatioEstimator(among: 1)
    }

    /// How many speedups have enough repeats for an interval: their intervals hold together.
    public let speedupCount: Int

    private static func intervals(_ results: Results, _ bases: [Int?]) -> Int {
        results.groups.count { group in
            guard let base = bases[group], base != group else { return false }
            return results.samples(group).count >= Estimate.countLeast
                && results.samples(base).count >= Estimate.countLeast
        }
    }

    /// All of the results', in their order.
    public var groups: Range<Int> { results.groups }

    // MARK: Other groups

    /// Settings in which a group may differ from the GPipe run that it is compared with; the last ones in the groups' order.
    private static let ofSchedule: [RunSetting] = [.schedule, .virtualStages]
    /// Settings that mean nothing on one stage.
    private static let ofPipeline: [RunSetting] = [
        .schedule, .virtualStages, .ranks, .replicas, .transport, .partition, .injectedLink,
    ]

    private static func gpipe(_ results: Results, _ blocks: [Range<Int>]) -> [Int?] {
        var bases = Array(repeating: Int?.none, count: results.groups.count)
        for block in blocks {
            let base = block.first { results.text($0, .schedule) == "gpipe" && !results.samples($0).isEmpty }
            for group in block { bases[group] = base }
        }
        return bases
    }

    /// GPipe on threads counts where several runs have one stage: without a pipeline they should not differ.
    private static func oneStage(_ results: Results) -> [Int?] {
        var bases = Array(repeating: Int?.none, count: results.groups.count)
        func rank(_ group: Int) -> Int {
            (results.text(group, .schedule) == "gpipe" ? 0 : 2) + (results.text(group, .transport) == "threads" ? 0 : 1)
        }
        let (groups, ranges) = results.alike(but: ofPipeline)
        for range in ranges {
            let alike = groups[range].lazy.map(Int.init)
            let candidates = alike.filter { results.count($0, .ranks) == 1 && !results.samples($0).isEmpty }
            guard let base = candidates.min(by: { rank($0) < rank($1) }) else { continue }
            for group in alike { bases[group] = base }
        }
        return bases
    }

    /// Whether two groups have the same settings, some aside.
    public func areAlike(_ a: Int, _ b: Int, but others: [RunSetting]) -> Bool {
        results.areAlike(a, b, but: others)
    }

    /// Whether a group has a GPipe run to be compared with.
    public func hasGPipe(_ group: Int) -> Bool { gpipe[group] != nil }
    /// Whether a group has a one-stage run to be compared with.
    public func hasOneStage(_ group: Int) -> Bool { oneStage[group] != nil }

    // MARK: Figures

    /// P.
    public func ranks(_ group: Int) -> Int { results.count(group, .ranks)! }

    private func sample(_ group: Int, _ figure: (RunSample) -> Double?) -> [Double]? {
        let values = results.samples(group).compactMap(figure)
        return values.isEmpty ? nil : values
    }

    /// The median over the group's runs; nil when none of it went well.
    public func tokensPerSecond(_ group: Int) -> Estimate? {
        sample(group, \.tokensPerSecond).map(Estimate.init(medianOf:))
    }
    /// The median over the group's runs, of each its mean step; nil when none of it went well.
    public func stepSeconds(_ group: Int) -> Estimate? { sample(group, \.stepSeconds).map(Estimate.init(medianOf:)) }
    /// The median over the group's runs, of each its measured steps together; nil where the CSV does not tell.
    public func totalSeconds(_ group: Int) -> Estimate? { sample(group, \.totalSeconds).map(Estimate.init(medianOf:)) }

    /// Tokens/s over those of GPipe, all other settings being the same.
    public func speedup(_ group: Int) -> Estimate? { gpipe[group].flatMap { ratio(group, over: $0, by: speedups) } }

    /// What the reference study calls scaling efficiency: the speedup vs GPipe over P.
    public func referenceEfficiency(_ group: Int) -> Estimate? {
        speedup(group).map { $0 / Double(ranks(group)) }
    }

    /// Tokens/s over P times those of the same model on one stage, at the same M and threads.
    public func efficiency(_ group: Int) -> Estimate? {
        oneStage[group].flatMap { ratio(group, over: $0, by: efficiencies) }.map { $0 / Double(ranks(group)) }
    }

    /// A group over itself is 1, without an interval.
    private func ratio(_ group: Int, over other: Int, by estimator: RatioEstimator) -> Estimate? {
        if group == other { return Estimate(value: 1, interval: nil) }
        let (above, below) = (results.samples(group), results.samples(other))
        return above.isEmpty || below.isEmpty ? nil : estimator.ratio(of: group, above, over: below)
    }

    /// The mean of each term over those runs that have them.
    public func breakdown(_ group: Int) -> Breakdown? {
        let breakdowns = results.samples(group).compactMap(\.breakdown)
        return breakdowns.isEmpty ? nil : Breakdown(meanOf: breakdowns)
    }

    // MARK: Ideals

    /// P times the tokens/s of one stage, times the part of the step in which a rank of a pipeline with equal stages and free
    /// hand-offs works: vM / (vM + P - 1), with v = 1 for GPipe and 1F1B.
    public func idealTokensPerSecond(_ group: Int, virtualStages: Int? = nil) -> Double? {
        guard let base = oneStage[group].flatMap(tokensPerSecond), let share = idealShare(group, virtualStages) else {
            return nil
        }
        return base.value * Double(ranks(group)) * share
    }

    /// The step of one stage over P, over that part.
    public func idealStepSeconds(_ group: Int) -> Double? {
        guard let base = oneStage[group].flatMap(stepSeconds), let share = idealShare(group, nil) else { return nil }
        return base.value / Double(ranks(group)) / share
    }

    private func idealShare(_ group: Int, _ virtualStages: Int?) -> Double? {
        guard let microbatches = results.count(group, .microbatches) else { return nil }
        let kind = ScheduleKind(rawValue: results.text(group, .schedule))
        let replicas = results.count(group, .replicas) ?? 1
        return kind?.idealShare?(
            ranks(group) / replicas, virtualStages ?? results.count(group, .virtualStages) ?? 1, microbatches / replicas
        )
    }
}
