// SPDX-License-Identifier: Apache-2.0

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

    /// Whether those that can be made by name are among them.
    var hasNamed: Bool { orders.contains { $0.name != nil } }

    /// One with a name, and a number of stages a rank.
    struct Order: Encodable {
        /// What the page's inputs call it.
        let key: String
        /// What flags call it; nil for one that cannot be made by name alone.
        var name: String? { key.hasPrefix(Self.own) ? nil : String(key.prefix { $0 != ":" }) }
        let title: String
        let virtualStages: Int
        let about: About?
        let notes: [String]
        let sizes: [Size]

        /// What the key of an order begins with that no name and number of stages makes.
        private static let own = "file:"

        init(_ kind: ScheduleKind, _ virtualStages: Int, _ sizes: [Size]) {
            let isChoice = kind.stagesOfRank == .any || kind.stagesOfRank == .even
            key = isChoice ? "\(kind.rawValue):\(virtualStages)" : kind.rawValue
            title = virtualStages == 1 && !isChoice ? kind.title : "\(kind.title), v = \(virtualStages)"
            self.virtualStages = virtualStages
            about = About(kind.about)
            notes = []
            self.sizes = sizes
        }

        /// One that none of these makes: a file's, or a kind's with other choices.
        init(_ own: Schedule, notes: [String] = []) {
            (key, title, virtualStages) = ("\(Self.own)\(own.name)", own.name, own.virtualStages)
            about = own.kind.map { About($0.about) }
            self.notes = notes
            sizes = [Size(own)]
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
        /// How many times the chain of stages is there.
        let copies: Int
        /// Each rank's, with a blank between two: `0F0 0B0`.
        let actions: [String]
        /// Why results are equal to rounding alone; nil where they are equal to the bit.
        let rounding: String?

        init(_ schedule: Schedule) { self.init(schedule, ranks: schedule.ranks) }

        /// - Parameter ranks: what was asked for; an order that there is none of has no ranks.
        init(_ schedule: Schedule, ranks: Int) {
            (self.ranks, microbatches, copies) = (ranks, schedule.microbatches, schedule.copies)
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
    /// What an order is made with: the v that it must have, or those wished for.
    static func virtualStages(of kind: ScheduleKind, _ wished: [Int]) -> [Int] {
        if case .exactly(let count) = kind.stagesOfRank { [count] } else { wished }
    }

    /// A page of more actions would be of tens of megabytes.
    static let actionsMost = 1e6

    /// How many actions all orders that have a name may have, of all these sizes together: up to three for each microbatch and
    /// stage. A Double, which does not overflow.
    static func actionsOfNamed(ranks: [Int], microbatches: [Int], virtualStages wished: [Int]) -> Double {
        let cells = [ranks, microbatches].map { $0.reduce(0.0) { $0 + Double($1) } }.reduce(1, *)
        let chunks = ScheduleKind.allCases.flatMap { virtualStages(of: $0, wished) }.reduce(0.0) { $0 + Double($1) }
        return cells * chunks * 3
    }

    /// Every order that has a name, of all these sizes.
    ///
    /// - Parameter wished: v, for orders that leave a choice.
    static func named(ranks: [Int], microbatches: [Int], virtualStages wished: [Int]) -> [Order] {
        ScheduleKind.allCases.flatMap { kind in
            virtualStages(of: kind, wished).map { stages in
                Order(
                    kind, stages,
                    ranks.flatMap { ranks in
                        microbatches.map { microbatches in
                            Size(
                                kind.make(ranks: ranks, virtualStages: stages, microbatches: microbatches), ranks: ranks
                            )
                        }
                    })
            }
        }
    }
}
