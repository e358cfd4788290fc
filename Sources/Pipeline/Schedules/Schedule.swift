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
    /// Why a generator could make no order of the sizes it was given; `validated()` throws it.
    let refusal: ScheduleError?

    /// Any order at all; `validated()` tells whether it can be run.
    public init(name: String, microbatches: Int, rankOfStage: [Int], actions: [[Action]]) {
        self.init(name: name, microbatches: microbatches, rankOfStage: rankOfStage, actions: actions, refusal: nil)
    }

    private init(
        name: String, microbatches: Int, rankOfStage: [Int], actions: [[Action]], refusal: ScheduleError?
    ) {
        self.name = name
        self.microbatches = microbatches
        self.rankOfStage = rankOfStage
        self.actions = actions
        self.refusal = refusal
        isForwardOnly = actions.allSatisfy { $0.allSatisfy { $0.kind == .forward } }
    }

    /// The forwards of this schedule, in its order, without the backwards.
    public func forwardOnly() -> Schedule {
        Schedule(
            name: name, microbatches: microbatches, rankOfStage: rankOfStage,
            actions: actions.map { $0.filter { $0.kind == .forward } }, refusal: refusal)
    }

    /// Whether an action is the last that its stage does with a microbatch.
    func ends(_ action: Action) -> Bool { isForwardOnly || action.kind.endsMicrobatch }

    public var ranks: Int { actions.count }
    public var stages: Int { rankOfStage.count }

    /// The stages a rank runs, in ascending order.
    public func stages(ofRank rank: Int) -> [Int] { (0..<stages).filter { rankOfStage[$0] == rank } }

    /// Loop placement: stage s on rank s mod P (Megatron's, 2104.04473).
    public static func loopPlacement(ranks: Int, stages: Int) -> [Int] {
        ranks >= 1 && stages >= 1 ? (0..<stages).map { $0 % ranks } : []
    }
}

extension Schedule {
    /// The most actions that a generator makes; a schedule of more would fill a machine's memory by itself.
    static let actionsMost = 1 << 24

    /// A generator's schedule, or, for sizes that make none, one without actions that `validated()` refuses with the reason.
    static func generated(
        _ kind: ScheduleKind, ranks: Int, virtualStages: Int = 1, microbatches: Int, actionsOfMicrobatch: Int = 2,
        _ make: () -> (rankOfStage: [Int], actions: [[Action]])
    ) -> Schedule {
        func made(_ order: (rankOfStage: [Int], actions: [[Action]]), _ refusal: ScheduleError?) -> Schedule {
            Schedule(
                name: kind.title, microbatches: microbatches, rankOfStage: order.rankOfStage, actions: order.actions,
                refusal: refusal)
        }
        let sizes = [("ranks", ranks), ("stages a rank", virtualStages), ("microbatches", microbatches)]
        for (what, count) in sizes where count < 1 {
            return made(([], []), .size("\(count) \(what): at least 1 is needed"))
        }
        if virtualStages > 1 && !kind.allowsVirtualStages {
            return made(([], []), .size("\(virtualStages) stages a rank: \(kind.title) runs one"))
        }
        // Divided, because the product might not fit an Int.
        let left = [virtualStages, microbatches, actionsOfMicrobatch].reduce(actionsMost) { $0 / $1 }
        if ranks > left {
            let text = sizes.map { "\($0.1) \($0.0)" }.joined(separator: " x ")
            return made(([], []), .size("\(text) are more than \(actionsMost) actions"))
        }
        return made(make(), nil)
    }
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

    /// The schedule for P ranks with `virtualStages` stages each and M microbatches. Of sizes below 1, or several stages a
    /// rank where the kind allows one, it makes a schedule that `validated()` refuses.
    public func make(ranks: Int, virtualStages: Int, microbatches: Int) -> Schedule {
        if virtualStages != 1 && !allowsVirtualStages {
            return .generated(self, ranks: ranks, virtualStages: virtualStages, microbatches: microbatches) { ([], []) }
        }
        return switch self {
        case .gpipe: .gpipe(ranks: ranks, microbatches: microbatches)
        case .oneFOneB: .oneFOneB(ranks: ranks, microbatches: microbatches)
        case .zeroBubble: .zeroBubble(ranks: ranks, microbatches: microbatches)
        case .interleaved: .interleaved(ranks: ranks, virtualStages: virtualStages, microbatches: microbatches)
        }
    }
}
