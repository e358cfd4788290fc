// SPDX-License-Identifier: Apache-2.0

/// The order in which each rank works: the one value that validator, executor and reports all read.
public struct Schedule: Equatable, Sendable {
    /// For people: `GPipe`, `1F1B`, a file's name.
    public let name: String
    /// Which of those that can be made by name it is; nil for any other order.
    public let kind: ScheduleKind?
    /// N, where it was made for groups of that size; nil for its own choice, and for orders that have none.
    public let groupSize: Int?
    /// M: how many parts a step's batch is cut into.
    public let microbatches: Int
    /// The rank that runs each stage, copy after copy; its count is the number of stages.
    public let rankOfStage: [Int]
    /// How many copies of the chain of stages there are, each with weights of its own; each microbatch goes through one of them.
    public let copies: Int
    /// How many times the order stands side by side with itself, on ranks and microbatches of its own (`replicated`).
    public let replicas: Int
    /// K: how many stages each copy has, which are the model's.
    public let stagesOfCopy: Int
    /// Each rank's actions, in the order it does them.
    public let actions: [[Action]]
    /// Whether there are forwards and nothing else: evaluation instead of training.
    public let isForwardOnly: Bool
    /// Why a generator could make no order of the sizes it was given; `validated()` throws it.
    package let refusal: ScheduleError?

    /// Any order at all; `validated()` tells whether it can be run.
    ///
    /// - Parameters:
    ///   - name: for people.
    ///   - microbatches: M, over all copies.
    ///   - rankOfStage: the rank of each stage, copy after copy.
    ///   - copies: how many times the chain of stages is there.
    ///   - actions: each rank's, in the order it does them.
    public init(name: String, microbatches: Int, rankOfStage: [Int], copies: Int = 1, actions: [[Action]]) {
        self.init((name, nil, nil), microbatches, (rankOfStage, actions), (copies, 1), refusal: nil)
    }

    /// - Parameter refusal: why there is no order.
    init(_ kind: ScheduleKind, _ sizes: ScheduleSizes, _ order: ScheduleKind.Order, refusal: ScheduleError?) {
        self.init(
            (kind.title, kind, sizes.groupSize), sizes.microbatches, order, (kind.copies, 1), refusal: refusal)
    }

    /// What it is called, and what it was made for.
    typealias Origin = (name: String, kind: ScheduleKind?, groupSize: Int?)
    /// How many times the chain of stages is there, and how many times the order.
    typealias Multiples = (copies: Int, replicas: Int)

    init(
        _ origin: Origin, _ microbatches: Int, _ order: ScheduleKind.Order, _ multiples: Multiples,
        refusal: ScheduleError?
    ) {
        (name, kind, groupSize) = origin
        self.microbatches = microbatches
        (rankOfStage, actions) = order
        (copies, replicas) = multiples
        stagesOfCopy = copies > 0 ? rankOfStage.count / copies : 0
        self.refusal = refusal
        isForwardOnly = actions.allSatisfy { $0.allSatisfy { $0.kind == .forward } }
    }

    /// The forwards of this schedule, in its order, without the backwards.
    public func forwardOnly() -> Schedule {
        let forwards = actions.map { $0.filter { $0.kind == .forward } }
        return Schedule(
            (name, kind, groupSize), microbatches, (rankOfStage, forwards), (copies, replicas), refusal: refusal)
    }

    /// Whether an action is the last that its stage does with a microbatch.
    func ends(_ action: Action) -> Bool { isForwardOnly || action.kind.endsMicrobatch }

    /// What flags and results call it: the name by which it can be made, or a file's.
    public var identifier: String { kind?.rawValue ?? name }

    /// The part of a step without updates for which each rank idles where stages are equal and hand-offs cost nothing, as the order's
    /// authors have it: (P - 1)/(vM + P - 1) for most. Nil for orders from files, for those whose idle time also depends on how long
    /// backwards' parts take, and for forwards alone.
    public var idleShareByFormula: Double? {
        if isForwardOnly { return nil }
        return kind?.idealShare.map { 1 - $0(ranks / replicas, virtualStages, microbatches / replicas) }
    }

    /// P: how many there are, which are numbered from 0.
    public var ranks: Int { actions.count }
    /// How many there are over all ranks and copies, which are numbered from 0.
    public var stages: Int { rankOfStage.count }

    /// v: the most stages that a rank runs.
    public var virtualStages: Int {
        var counts: [Int: Int] = [:]
        for rank in rankOfStage { counts[rank, default: 0] += 1 }
        return counts.values.max() ?? 0
    }

    /// What is to be said of its order, where it is another schedule's: a sentence without its end, or nil.
    public var remark: String? {
        guard let kind, let same = kind.sameWithOneStage, virtualStages == 1 else { return nil }
        return "with one stage a rank, \(kind.title) is plain \(same)"
    }

    /// For each rank the stages that it runs, in ascending order.
    public var stagesOfRanks: [[Int]] { Self.stagesOfRanks(rankOfStage, ranks: ranks) }

    /// The same of a placement; a stage whose rank is not there is no rank's.
    static func stagesOfRanks(_ rankOfStage: [Int], ranks: Int) -> [[Int]] {
        var stages = [[Int]](repeating: [], count: ranks)
        for (stage, rank) in rankOfStage.enumerated() where stages.indices.contains(rank) { stages[rank].append(stage) }
        return stages
    }

    /// Loop placement: stage s on rank s mod P (Megatron's, 2104.04473).
    public static func loopPlacement(ranks: Int, stages: Int) -> [Int] {
        ranks >= 1 && stages >= 1 ? (0..<stages).map { $0 % ranks } : []
    }
    /// V placement: down the ranks and back up, stages r and 2P - 1 - r on rank r.
    public static func vPlacement(ranks: Int) -> [Int] { wavePlacement(ranks: ranks, stages: 2 * ranks) }

    /// Wave placement (Hanayo's, 2308.15762): down the ranks, back up, and so on; a rank that turns runs two in a row.
    public static func wavePlacement(ranks: Int, stages: Int) -> [Int] {
        loopPlacement(ranks: ranks, stages: stages).enumerated().map { stage, rank in
            stage / ranks % 2 == 0 ? rank : ranks - 1 - rank
        }
    }
}
