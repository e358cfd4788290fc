/// A schedule that can be made by name: what it is called, which placements it has, and its order. Everything that tells one
/// schedule from another stands in its own file, as a static member of this type; `allCases` lists them.
public struct ScheduleKind: RawRepresentable, CaseIterable, Hashable, Sendable {
    /// Ranks with their stages, and each rank's actions in its order.
    public typealias Order = (rankOfStage: [Int], actions: [[Action]])

    /// How many stages a rank runs (v).
    public enum StagesOfRank: Equatable, Sendable {
        case exactly(Int)
        case any
    }

    /// In the order of their invention, which tables and legends have too.
    public static let allCases: [ScheduleKind] = [.gpipe, .oneFOneB, .interleaved, .zeroBubble]

    /// Those of the reference study.
    public static let studied: [ScheduleKind] = [.gpipe, .oneFOneB, .interleaved]

    /// What flags and results call it.
    public let rawValue: String
    /// What its paper calls it.
    public let title: String
    /// The v that its order can be made for.
    public let stagesOfRank: StagesOfRank
    /// How many actions a stage has for each microbatch.
    let actionsOfMicrobatch: Int
    /// The title of the schedule whose order it has with one stage a rank.
    let sameWithOneStage: String?
    /// The part of a step in which a rank works, of P ranks with v equal stages each, M microbatches and hand-offs that cost
    /// nothing; nil where it also depends on how long backwards' parts take.
    public let idealShare: (@Sendable (_ ranks: Int, _ virtualStages: Int, _ microbatches: Int) -> Double)?
    /// For sizes from 1.
    private let order: @Sendable (_ ranks: Int, _ virtualStages: Int, _ microbatches: Int) -> Order

    init(
        _ name: String, title: String, stagesOfRank: StagesOfRank = .exactly(1), actionsOfMicrobatch: Int = 2,
        sameWithOneStage: String? = nil, idealShare: (@Sendable (Int, Int, Int) -> Double)? = nil,
        order: @escaping @Sendable (_ ranks: Int, _ virtualStages: Int, _ microbatches: Int) -> Order
    ) {
        rawValue = name
        self.title = title
        self.stagesOfRank = stagesOfRank
        self.actionsOfMicrobatch = actionsOfMicrobatch
        self.sameWithOneStage = sameWithOneStage
        self.idealShare = idealShare
        self.order = order
    }

    /// The schedule of that name; nil when there is none.
    public init?(rawValue: String) {
        guard let kind = Self.allCases.first(where: { $0.rawValue == rawValue }) else { return nil }
        self = kind
    }

    public static func == (a: ScheduleKind, b: ScheduleKind) -> Bool { a.rawValue == b.rawValue }
    public func hash(into hasher: inout Hasher) { hasher.combine(rawValue) }

    /// v where nobody asked for another: what it must be, or two for a schedule that takes any.
    public var usualVirtualStages: Int { if case .exactly(let count) = stagesOfRank { count } else { 2 } }

    /// Whether ranks may run so many stages each.
    public func allows(virtualStages: Int) -> Bool { stagesOfRank == .any || stagesOfRank == .exactly(virtualStages) }
}

extension ScheduleKind {
    /// The most actions that are made; a schedule of more would fill a machine's memory by itself.
    private static let actionsMost = 1 << 24

    /// The schedule for P ranks with v stages each and M microbatches; v is the usual one unless given.
    ///
    /// Of sizes that make none it makes one without actions, which `validated()` refuses with the reason.
    public func make(ranks: Int, virtualStages: Int? = nil, microbatches: Int) -> Schedule {
        let virtualStages = virtualStages ?? usualVirtualStages
        let sizes = [("ranks", ranks), ("stages a rank", virtualStages), ("microbatches", microbatches)]
        if let refusal = refusal(sizes) {
            return Schedule(self, microbatches: microbatches, ([], []), refusal: refusal)
        }
        return Schedule(self, microbatches: microbatches, order(ranks, virtualStages, microbatches), refusal: nil)
    }

    private func refusal(_ sizes: [(what: String, count: Int)]) -> ScheduleError? {
        for (what, count) in sizes where count < 1 { return .size("\(count) \(what): at least 1 is needed") }
        if case .exactly(let count) = stagesOfRank, sizes[1].count != count {
            return .size("\(sizes[1].count) stages a rank: \(title) runs \(count == 1 ? "one" : "\(count)")")
        }
        // Divided, because the product might not fit an Int.
        let left = sizes.dropFirst().reduce(Self.actionsMost / actionsOfMicrobatch) { $0 / $1.count }
        if sizes[0].count <= left { return nil }
        let text = sizes.map { "\($0.count) \($0.what)" }.joined(separator: " x ")
        return .size("\(text) are more than \(Self.actionsMost) actions")
    }

    /// Of schedules that idle for (P - 1)(F + B) in the times of one of a rank's v stages.
    @Sendable
    static func shareWithWholeBackwards(_ ranks: Int, _ virtualStages: Int, _ microbatches: Int) -> Double {
        let work = Double(virtualStages) * Double(microbatches)
        return work / (work + Double(ranks - 1))
    }
}
