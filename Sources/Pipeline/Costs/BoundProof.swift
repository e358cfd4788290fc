// SPDX-License-Identifier: Apache-2.0

extension MakespanBound {
    /// What shows that no order is done sooner.
    public enum Proof: Equatable, Sendable, CustomStringConvertible {
        /// Actions each of which has to come after the one before: they alone, with the hand-offs between them, take as long.
        case chain([Action])
        /// Actions of one rank, which does one at a time: none can begin before `before`, they take `work`, and after the last,
        /// whichever it is, `after` has to follow. The three add up to the bound.
        case rank(Int, before: Double, work: Double, after: Double)
        /// No order fits: each needs room for one microbatch of each of the rank's stages, which it does not have.
        case room(rank: Int)

        /// A sentence's subject: `the longest chain, 0F0 to 0B0`.
        public var description: String {
            switch self {
            case .chain(let actions):
                let ends = [actions.first, actions.last].compactMap { $0?.description }
                return "the longest chain, \(ends.joined(separator: " to "))"
            case .rank(let rank, let before, let work, let after):
                let around = [before > 0 ? "\(before) before it" : nil, after > 0 ? "\(after) after it" : nil]
                let text = around.compactMap(\.self).joined(separator: " and ")
                return "rank \(rank)'s own work, \(work)" + (text.isEmpty ? "" : ", with \(text)")
            case .room(let rank): return "rank \(rank), which has no room for one microbatch of each of its stages"
            }
        }
    }

    /// - Parameters:
    ///   - jobs: of each rank.
    ///   - chain: the longest, which is taken where it is all that the bound needs.
    static func proof(_ value: Double, _ rank: Int, _ jobs: [[PreemptiveMachine.Job]], _ chain: BoundChain) -> Proof {
        // The same sum in another order may be rounded otherwise.
        if chain.length >= value * (1 - 1e-12) { return .chain(chain.actions) }
        let busy = PreemptiveMachine.busiest(jobs[rank])
        return .rank(rank, before: busy.before, work: busy.work, after: busy.after)
    }
}

/// Actions that have to come one after the other.
struct BoundChain {
    var length = 0.0
    var actions: [Action] = []
}
