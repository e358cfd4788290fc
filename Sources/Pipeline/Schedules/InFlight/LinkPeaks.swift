// SPDX-License-Identifier: Apache-2.0

/// The most items of each link that can be out at once, whatever the timing.
///
/// When a sender reserves its n-th slot, it has its own inputs already, and can count on having back those slots whose last user
/// on the other side is known to have finished. Slots come back in order, so the oldest one still out decides. What is known
/// follows from the order: an action knows its rank's earlier ones, its causes, and all that these know (Lamport's
/// happened-before). A whole vector clock for each action would take actions x ranks; here one rank's progress is followed at
/// a time, and only within the blocks in which others can learn of it (`RankBlocks`).
struct LinkPeaks {
    private let order: ScheduleOrder
    private let stages: StageActions
    private let stagesOfRanks: [[Int]]
    private let blocks: RankBlocks
    private var activations: [Int]
    private var gradients: [Int]

    private init(_ order: ScheduleOrder, _ stages: StageActions) {
        self.order = order
        self.stages = stages
        stagesOfRanks = order.schedule.stagesOfRanks
        blocks = RankBlocks(order.schedule)
        activations = Array(repeating: 0, count: order.schedule.stages)
        gradients = activations
    }

    /// Of each stage's links, by the sending stage.
    ///
    /// - Complexity: O(actions x ranks of the largest block): linear where ranks are in a line.
    /// - Throws: `ScheduleError.deadlock`.
    static func slots(
        _ order: ScheduleOrder, _ stages: StageActions
    ) throws(ScheduleError) -> (activations: [Int], gradients: [Int]) {
        var peaks = LinkPeaks(order, stages)
        var progress = try KnownProgress(order, peaks.blocks)
        peaks.addLocal()
        for (block, ranks) in peaks.blocks.ranks.enumerated() {
            for holder in ranks {
                progress.follow(holder, in: block)
                peaks.add(to: holder, in: block, progress)
            }
        }
        return (peaks.activations, peaks.gradients)
    }

    // MARK: Links

    /// A link by its ends' stages: forwards to the next one, gradients to the one before.
    private struct Link {
        let sender: Int
        let receiver: Int
        var isForward: Bool { receiver > sender }
    }

    private var schedule: Schedule { order.schedule }

    /// To each stage, from the one before and the next one, where these are.
    private func links(toStage stage: Int) -> [Link] {
        let senders = (schedule.isFirst(stage) ? [] : [stage - 1]) + (schedule.isLast(stage) ? [] : [stage + 1])
        return senders.map { Link(sender: $0, receiver: stage) }
    }

    /// Of links within one rank, which knows all that it has done.
    private mutating func addLocal() {
        for (stage, rank) in schedule.rankOfStage.enumerated() {
            for link in links(toStage: stage) where schedule.rankOfStage[link.sender] == rank {
                set(link) { index in index }
            }
        }
    }

    /// Of the links from a block's other ranks to the one that was followed.
    private mutating func add(to holder: Int, in block: Int, _ progress: KnownProgress) {
        for stage in stagesOfRanks[holder] {
            for link in links(toStage: stage) where blocks.ofEdge(above: min(link.sender, stage)) == block {
                let rank = schedule.rankOfStage[link.sender]
                set(link) { index in progress.atSend(rank, index) }
            }
        }
    }

    /// - Parameter known: how many of the holder's actions have finished for sure when the sender's action of that index starts.
    private mutating func set(_ link: Link, known: (Int) -> Int) {
        let list = schedule.actions[schedule.rankOfStage[link.sender]]
        let end: ActionTable.Step = schedule.isForwardOnly ? .forward : .end
        var (sent, oldest, peak) = ([Int32](), 0, 0)
        for index in stages.indices(link.sender) {
            let action = list[Int(index)]
            guard link.isForward ? action.kind == .forward : action.kind.givesInputGradient else { continue }
            sent.append(Int32(action.microbatch))
            let known = known(Int(index))
            while order.table.index(end, link.receiver, Int(sent[oldest])) < known { oldest += 1 }
            peak = max(peak, sent.count - oldest)
        }
        if link.isForward { activations[link.sender] = peak } else { gradients[link.sender] = peak }
    }
}
