/// The order in which each rank works: the one value that validator, executor and reports all read.
public struct Schedule: Equatable, Sendable {
    /// For people: `GPipe`, `1F1B`, a file's name.
    public let name: String
    public let microbatches: Int
    /// The rank that runs each stage; its count is the number of stages.
    public let rankOfStage: [Int]
    /// Each rank's actions, in the order it does them.
    public let actions: [[Action]]
    /// Whether there are forwards and nothing else: evaluation instead of training.
    public let isForwardOnly: Bool

    /// Any order at all; `validated()` tells whether it can be run.
    public init(name: String, microbatches: Int, rankOfStage: [Int], actions: [[Action]]) {
        precondition(microbatches >= 1 && !rankOfStage.isEmpty && !actions.isEmpty, "a schedule is not empty")
        self.name = name
        self.microbatches = microbatches
        self.rankOfStage = rankOfStage
        self.actions = actions
        isForwardOnly = actions.allSatisfy { $0.allSatisfy { $0.kind == .forward } }
    }

    /// The forwards of this schedule, in its order, without the backwards.
    public func forwardOnly() -> Schedule {
        Schedule(
            name: name, microbatches: microbatches, rankOfStage: rankOfStage,
            actions: actions.map { $0.filter { $0.kind == .forward } })
    }

    /// Whether an action is the last that its stage does with a microbatch.
    func ends(_ action: Action) -> Bool { isForwardOnly || action.kind.endsMicrobatch }

    public var ranks: Int { actions.count }
    public var stages: Int { rankOfStage.count }

    /// The stages a rank runs, in ascending order.
    public func stages(ofRank rank: Int) -> [Int] { (0..<stages).filter { rankOfStage[$0] == rank } }

    /// Loop placement: stage s on rank s mod P (Megatron's, 2104.04473).
    public static func loopPlacement(ranks: Int, stages: Int) -> [Int] { (0..<stages).map { $0 % ranks } }
}

/// The schedules that can be made by name.
public enum ScheduleKind: String, CaseIterable, Sendable {
    case gpipe
    case oneFOneB = "1f1b"
    case interleaved
    case zeroBubble = "zb-h1"

    /// Those of the reference study.
    public static let studied: [ScheduleKind] = [.gpipe, .oneFOneB, .interleaved]

    /// What the paper calls it.
    public var title: String {
        switch self {
        case .gpipe: "GPipe"
        case .oneFOneB: "1F1B"
        case .interleaved: "Interleaved-1F1B"
        case .zeroBubble: "ZB-H1"
        }
    }

    /// Whether a rank may run several stages under it.
    public var allowsVirtualStages: Bool { self == .interleaved }

    /// The schedule for P ranks with `virtualStages` stages each and M microbatches, all at least 1.
    public func make(ranks: Int, virtualStages: Int, microbatches: Int) -> Schedule {
        precondition(ranks >= 1 && virtualStages >= 1 && microbatches >= 1, "a schedule has no empty dimension")
        precondition(virtualStages == 1 || allowsVirtualStages, "\(title) runs one stage a rank")
        return switch self {
        case .gpipe: .gpipe(ranks: ranks, microbatches: microbatches)
        case .oneFOneB: .oneFOneB(ranks: ranks, microbatches: microbatches)
        case .zeroBubble: .zeroBubble(ranks: ranks, microbatches: microbatches)
        case .interleaved: .interleaved(ranks: ranks, virtualStages: virtualStages, microbatches: microbatches)
        }
    }
}
