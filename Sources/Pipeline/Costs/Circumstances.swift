// SPDX-License-Identifier: Apache-2.0

/// What ranks have to share, and whether they hand on beside their work.
public struct Circumstances: Equatable, Sendable {
    /// Items that leave one after the other.
    public enum SharedLink: String, CaseIterable, Sendable {
        /// Those of an edge in one direction: each has a link of its own.
        case edge
        /// All that a rank hands on, as by its network card.
        case rank
        /// All of all ranks, as by a bus.
        case all
    }

    /// The CPU of each rank: those of one have equal parts of it while they work. Each rank has one of its own where this is nil.
    public var cpuOfRank: [Int]?
    /// Which items wait for each other.
    public var sharedLink = SharedLink.rank
    /// Whether a rank that hands on does nothing else until the item has left it.
    public var transfersBlock = false

    /// CPUs for each, a link for each that sends, and transfers beside the work.
    public init() {}

    /// Whether a replay in the order of causes is enough, as it is where nobody shares anything with other ranks.
    var areSeparate: Bool { cpuOfRank == nil && sharedLink == .rank && !transfersBlock }
}
