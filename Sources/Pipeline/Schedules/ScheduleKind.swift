// SPDX-License-Identifier: Apache-2.0

/// A schedule that can be made by name: what it is called, which sizes it takes, and its order. Everything that tells one
/// schedule from another stands in its own file, as a static member of this type; `allCases` lists them.
public struct ScheduleKind: RawRepresentable, CaseIterable, Hashable, Sendable {
    /// Ranks with their stages, and each rank's actions in its order.
    public typealias Order = (rankOfStage: [Int], actions: [[Action]])

    /// How many stages a rank runs (v).
    public enum StagesOfRank: Equatable, Sendable {
        case exactly(Int)
        case any
        /// 2, 4, 6, ...
        case even
    }

    /// What is said of it to people, in Markdown: P ranks (r from 0), M microbatches, v stages a rank, F, I and W the times of a
    /// stage's forward and of the two parts of its backward, B both together.
    public struct About: Equatable, Sendable {
        /// Who published it: `Huang et al.`, and where: the number of an arXiv paper.
        public let authors, paper: String
        /// What its order is, in a sentence or a few.
        public let summary: String
        /// Of each rank in a step of equal stages, with hand-offs that cost nothing.
        public let idle: String
        /// The most microbatches (or chunks) in flight on rank r.
        public let peak: String
        /// What sizes it takes; `none` for all.
        public let constraints: String
    }

    /// In the order of their invention, which tables and legends have too.
    public static let allCases: [ScheduleKind] = [
        .gpipe, .oneFOneB, .interleaved, .chimera, .eagerOneFOneB, .loopedBFS, .hanayo, .zeroBubble, .zeroBubbleH2,
        .interleavedZeroBubble, .zeroBubbleV, .vHalf, .vMin, .dualPipe, .dualPipeV,
    ]

    /// Those that hold one copy of the stages, in the same order: what runs train by.
    public static let ofOneCopy: [ScheduleKind] = allCases.filter { $0.copies == 1 }

    /// Those of the reference study.
    public static let studied: [ScheduleKind] = [.gpipe, .oneFOneB, .interleaved]

    /// What flags and results call it.
    public let rawValue: String
    /// What its paper calls it.
    public let title: String
    /// For docs and lists.
    public let about: About
    /// The v that its order can be made for.
    public let stagesOfRank: StagesOfRank
    /// Whether its order depends on N (`ScheduleSizes.groupSize`).
    public let takesGroupSize: Bool
    /// How many copies of the model's stages it holds, each with weights of its own; a rank's v stages count those of all.
    public let copies: Int
    /// How many actions a stage has for each microbatch.
    let actionsOfMicrobatch: Int
    /// The title of the schedule whose order it has with one stage a rank.
    let sameWithOneStage: String?
    /// The part of a step in which a rank works, of P ranks with v equal stages each, M microbatches and hand-offs that cost
    /// nothing; nil where it also depends on how long backwards' parts take.
    public let idealShare: (@Sendable (_ ranks: Int, _ virtualStages: Int, _ microbatches: Int) -> Double)?
    /// Why there is no order for sizes, which are all from 1 and have a v that it takes; nil where there is one.
    private let obstacle: @Sendable (ScheduleSizes) -> String?
    /// For sizes without an obstacle.
    private let order: @Sendable (ScheduleSizes) -> Order

    init(
        _ name: String, title: String, about: About, stagesOfRank: StagesOfRank = .exactly(1),
        takesGroupSize: Bool = false, copies: Int = 1, actionsOfMicrobatch: Int = 2, sameWithOneStage: String? = nil,
        idealShare: (@Sendable (Int, Int, Int) -> Double)? = nil,
        obstacle: @escaping @Sendable (ScheduleSizes) -> String? = { _ in nil },
        order: @escaping @Sendable (ScheduleSizes) -> Order
    ) {
        rawValue = name
        self.title = title
        self.about = about
        self.stagesOfRank = stagesOfRank
        self.takesGroupSize = takesGroupSize
        self.copies = copies
        self.actionsOfMicrobatch = actionsOfMicrobatch
        self.sameWithOneStage = sameWithOneStage
        self.idealShare = idealShare
        self.obstacle = obstacle
        self.order = order
    }

    /// The schedule of that name; nil when there is none.
    public init?(rawValue: String) {
        guard let kind = Self.allCases.first(where: { $0.rawValue == rawValue }) else { return nil }
        self = kind
    }

    public static func == (a: ScheduleKind, b: ScheduleKind) -> Bool { a.rawValue == b.rawValue }
    public func hash(into hasher: inout Hasher) { hasher.combine(rawValue) }

    /// v where nobody asked for another: what it must be, or two for a schedule that takes several.
    public var usualVirtualStages: Int { if case .exactly(let count) = stagesOfRank { count } else { 2 } }

    /// Whether ranks may run so many stages each.
    public func allows(virtualStages: Int) -> Bool {
        switch stagesOfRank {
        case .exactly(let count): virtualStages == count
        case .any: true
        case .even: virtualStages % 2 == 0
        }
    }
}

extension ScheduleKind {
    /// The most actions that are made; a schedule of more would fill a machine's memory by itself.
    static let actionsMost = 1 << 24

    /// The schedule for P ranks with v stages each and M microbatches; v is the usual one unless given.
    ///
    /// Of sizes that make none it makes one without actions, which `validated()` refuses with the reason.
    public func make(ranks: Int, virtualStages: Int? = nil, microbatches: Int) -> Schedule {
        make(
            ScheduleSizes(
                ranks: ranks, virtualStages: virtualStages ?? usualVirtualStages, microbatches: microbatches))
    }

    /// The schedule for these sizes.
    ///
    /// Of sizes that make none it makes one without actions, which `validated()` refuses with the reason.
    public func make(_ sizes: ScheduleSizes) -> Schedule {
        if let refusal = refusal(sizes) {
            return Schedule(self, sizes, ([], []), refusal: refusal)
        }
        return Schedule(self, sizes, order(sizes), refusal: nil)
    }

    private func refusal(_ sizes: ScheduleSizes) -> ScheduleError? {
        let counts = [
            ("ranks", sizes.ranks), ("stages a rank", sizes.virtualStages), ("microbatches", sizes.microbatches),
        ]
        for (what, count) in counts where count < 1 { return .size("\(count) \(what): at least 1 is needed") }
        if !allows(virtualStages: sizes.virtualStages) {
            return .size("\(sizes.virtualStages) stages a rank: \(title) runs \(stagesOfRank)")
        }
        // Divided, because the product might not fit an Int.
        let left = counts.dropFirst().reduce(Self.actionsMost / actionsOfMicrobatch) { $0 / $1.1 }
        if sizes.ranks > left {
            let text = counts.map { "\($0.1) \($0.0)" }.joined(separator: " x ")
            return .size("\(text) are more than \(Self.actionsMost) actions")
        }
        if let size = sizes.groupSize {
            if !takesGroupSize { return .size("groups of \(size) microbatches: \(title) has none") }
            if size < 1 { return .size("groups of \(size) microbatches: at least 1 is needed") }
        }
        return obstacle(sizes).map { .size("\(title) \($0)") }
    }

    /// Of schedules that idle for (P - 1)(F + B) in the times of one of a rank's v stages, and with M < P for as long besides as
    /// the P - M that are missing would take on v - 1 of them.
    @Sendable
    static func shareWithWholeBackwards(_ ranks: Int, _ virtualStages: Int, _ microbatches: Int) -> Double {
        let work = Double(virtualStages) * Double(microbatches)
        let missing = Double(max(0, ranks - microbatches)) * Double(virtualStages - 1)
        return work / (work + Double(ranks - 1) + missing)
    }
}

extension ScheduleKind.StagesOfRank: CustomStringConvertible {
    /// `one`, `2`, `any number`, `2, 4, 6, ...`.
    public var description: String {
        switch self {
        case .exactly(let count): count == 1 ? "one" : "\(count)"
        case .any: "any number"
        case .even: "2, 4, 6, ..."
        }
    }
}
