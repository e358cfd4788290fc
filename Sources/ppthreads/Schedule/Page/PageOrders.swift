import Pipeline
import Threads

/// The orders of a page, as its script reads them: which there are, and each rank's actions for all sizes.
struct PageOrders: Encodable {
    let orders: [Order]
    /// The key of the order that is shown first, and of the one to compare it with.
    let first: String
    let other: String?
    /// In the order given.
    let ranks, microbatches: [Int]

    /// One with a name, and a number of stages a rank.
    struct Order: Encodable {
        /// What the page's inputs call it.
        let key: String
        let title: String
        let virtualStages: Int
        let about: About?
        let notes: [String]
        let sizes: [Size]

        fileprivate init(_ kind: ScheduleKind, _ virtualStages: Int, _ sizes: [Size]) {
            let isChoice = kind.stagesOfRank == .any || kind.stagesOfRank == .even
            key = isChoice ? "\(kind.rawValue):\(virtualStages)" : kind.rawValue
            title = virtualStages == 1 && !isChoice ? kind.title : "\(kind.title), v = \(virtualStages)"
            self.virtualStages = virtualStages
            about = About(kind.about)
            notes = []
            self.sizes = sizes
        }

        fileprivate init(_ file: Schedule, notes: [String]) throws(CommandError) {
            (key, title, virtualStages) = ("file:\(file.name)", file.name, file.virtualStages)
            about = nil
            self.notes = notes
            sizes = [Size(file)]
        }
    }

    /// What a kind says of itself.
    struct About: Encodable {
        let authors, paper, summary, idle, peak, constraints: String

        fileprivate init(_ about: ScheduleKind.About) {
            (authors, paper, summary) = (about.authors, about.paper, about.summary)
            (idle, peak, constraints) = (about.idle, about.peak, about.constraints)
        }
    }

    /// An order of P and M, or the reason why there is none.
    struct Size: Encodable {
        let ranks, microbatches: Int
        let refusal: String?
        let rankOfStage: [Int]
        /// Each rank's, with a blank between two: `0F0 0B0`.
        let actions: [String]
        /// Why results are equal to rounding alone; nil where they are equal to the bit.
        let rounding: String?

        fileprivate init(_ schedule: Schedule) {
            self.init(schedule, ranks: schedule.ranks)
        }

        fileprivate init(_ schedule: Schedule, ranks: Int) {
            (self.ranks, microbatches) = (ranks, schedule.microbatches)
            do throws(ScheduleError) {
                let facts = try schedule.validated()
                if case .toRounding(let reason) = facts.bits { rounding = reason } else { rounding = nil }
                refusal = nil
                rankOfStage = schedule.rankOfStage
                actions = schedule.actions.map { $0.map(\.description).joined(separator: " ") }
            } catch {
                (refusal, rounding, rankOfStage, actions) = (error.description, nil, [], [])
            }
        }
    }
}

extension PageOrders {
    /// - Parameter choice: what is shown first; nil for no wish.
    init(_ choice: ScheduleName?, _ options: ScheduleOptions) throws(CommandError) {
        var file: Order?
        let sizes: SchedulePageSizes
        if let choice, case .file = choice {
            let (schedule, notes) = try options.order(choice)
            sizes = try SchedulePageSizes(schedule, options)
            file = try Order(schedule, notes: notes)
        } else {
            sizes = try SchedulePageSizes(options)
        }
        let named = ScheduleKind.allCases.flatMap { kind in
            sizes.virtualStages(of: kind).map { Order(kind, $0, Self.all(kind, $0, sizes)) }
        }
        orders = named + [file].compactMap(\.self)
        let wish = choice.flatMap { if case .kind(let kind) = $0 { kind } else { nil } } ?? .oneFOneB
        first = file?.key ?? orders.first { $0.key.split(separator: ":")[0] == wish.rawValue }?.key ?? orders[0].key
        other = choice == nil ? ScheduleKind.gpipe.rawValue : nil
        (ranks, microbatches) = (sizes.ranks, sizes.microbatches)
    }

    private static func all(_ kind: ScheduleKind, _ virtualStages: Int, _ sizes: SchedulePageSizes) -> [Size] {
        sizes.ranks.flatMap { ranks in
            sizes.microbatches.map { microbatches in
                Size(kind.make(ranks: ranks, virtualStages: virtualStages, microbatches: microbatches), ranks: ranks)
            }
        }
    }

    /// What the page holds, for the terminal: how many orders, and each size that makes none, with the reason.
    var lines: [String] {
        let all = orders.flatMap { order in order.sizes.map { (order.title, $0) } }
        let refused = all.compactMap { title, size in
            size.refusal.map { "not with P=\(size.ranks), M=\(size.microbatches): \($0)" }
        }
        let made = "\(counted(orders.count, "order")) of \(counted(ranks.count * microbatches.count, "size"))"
        return ["\(made): \(all.count - refused.count) drawings"] + refused
    }
}
