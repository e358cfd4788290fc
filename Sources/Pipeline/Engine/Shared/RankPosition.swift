// SPDX-License-Identifier: Apache-2.0

/// Where a rank is: the last thing it started on.
public struct RankPosition: Codable, Equatable, Sendable {
    /// What a rank does in a step.
    public enum Activity: Codable, Equatable, Sendable {
        /// It makes its tokens, or, before the first step, its memory and weights.
        case preparing
        /// It waits for all others to come to the step.
        case atBarrier
        /// It is at its task of this index, waiting or working.
        case task(Int)
        /// Its last step is done, and it waits for all others to come that far.
        case atEnd

        var code: UInt32 {
            switch self {
            case .preparing: 0
            case .atBarrier: 1
            case .atEnd: 2
            case .task(let index): UInt32(index) + 3
            }
        }

        init(code: UInt32) {
            switch code {
            case 0: self = .preparing
            case 1: self = .atBarrier
            case 2: self = .atEnd
            default: self = .task(Int(code - 3))
            }
        }
    }

    /// Counts from 0, warm-up included; messages count from 1, as the progress line does.
    public let step: Int
    /// What it started on last, in this step or before it.
    public let activity: Activity

    /// With these values.
    public init(step: Int, activity: Activity) {
        self.step = step
        self.activity = activity
    }

    /// For messages, such as `in step 3, at action 1F2`.
    /// - Parameter tasks: the rank's.
    func description(_ tasks: [RankTask]) -> String {
        if activity == .atEnd { return "after step \(step + 1), the last" }
        guard case .task(let index) = activity, tasks.indices.contains(index) else { return "before step \(step + 1)" }
        return "in step \(step + 1), at \(tasks[index])"
    }
}

extension TaskGraph {
    /// The rank that holds everybody up behind whom a rank waits: from the rank to the one that it waits for, and on, to one
    /// that waits for nobody. It is the rank itself when it waits for nobody.
    ///
    /// - Parameters:
    ///   - rank: the one that waits.
    ///   - positions: of all ranks, at about the same time.
    public func blocker(of rank: Int, _ positions: [RankPosition]) -> Int {
        var (current, passed) = (rank, Set<Int>())
        while passed.insert(current).inserted, let next = awaited(by: current, positions) { current = next }
        return current
    }

    private func awaited(by rank: Int, _ positions: [RankPosition]) -> Int? {
        let own = positions[rank]
        switch own.activity {
        case .preparing: return nil
        case .atBarrier:
            return positions.firstIndex { $0.step < own.step || $0.step == own.step && $0.activity == .preparing }
        case .atEnd: return positions.firstIndex { $0.activity != .atEnd }
        case .task(let task):
            let senders = senders(of: Node(rank: rank, task: task))
            return senders.first { !isDone($0, inStep: own.step, positions) }?.rank
        }
    }

    private func isDone(_ node: Node, inStep step: Int, _ positions: [RankPosition]) -> Bool {
        let other = positions[node.rank]
        if other.activity == .atEnd { return true }
        guard other.step == step, case .task(let current) = other.activity else { return other.step > step }
        return current > node.task
    }
}
