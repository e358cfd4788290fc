// SPDX-License-Identifier: Apache-2.0

/// An order that a search came upon.
public struct FoundOrder: Equatable, Sendable {
    /// What the search made the order from.
    public enum Start: Equatable, Sendable, CustomStringConvertible {
        /// An order that can be made by name.
        case named(ScheduleKind)
        /// An order made as it would be worked off, by the rules of that number.
        case list(Int)

        /// `v-half`, or `list 12`.
        public var description: String {
            switch self {
            case .named(let kind): kind.rawValue
            case .list(let number): "list \(number)"
            }
        }
    }

    /// Why a search went no further.
    public enum End: Equatable, Sendable {
        /// No order is shorter.
        case bound
        /// It made as many evaluations as it was allowed, or found nothing more to evaluate.
        case evaluations
        /// It ran for as long as it was allowed, and would have gone on.
        case time
    }

    /// The order: sound, within memory, and of one stage's bits.
    public let schedule: Schedule
    /// What `OrderTimes` finds for it.
    public let makespan: Double
    /// What no order is shorter than, whatever ranks may hold.
    public let bound: MakespanBound
    /// What no order is shorter than that keeps to what ranks may hold and goes through microbatches in ascending order: at least
    /// the bound, and no more than that for very large problems.
    public let leastMakespan: Double
    /// What each rank holds; empty where there was no memory to keep to.
    public let bytesOfRank: [Int]
    /// What it was made from.
    public let start: Start
    /// The shortest of the named orders that fit, with its makespan; nil where none has the placement and fits.
    public let bestNamed: Named?
    /// How many orders were replayed or made for it.
    public let evaluations: Int
    /// Why the search went no further.
    public let end: End

    /// A named order and what it takes.
    public struct Named: Equatable, Sendable {
        /// Which.
        public let kind: ScheduleKind
        /// What `OrderTimes` finds for it.
        public let makespan: Double
    }

    /// By how much of `leastMakespan` it is longer than that: 0 where it is proven that no order is shorter.
    public var gap: Double { leastMakespan > 0 ? max(0, makespan / leastMakespan - 1) : 0 }
}
