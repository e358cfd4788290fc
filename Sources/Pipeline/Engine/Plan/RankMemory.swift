// SPDX-License-Identifier: Apache-2.0

import SharedTensor

/// Where a rank's own memory lies, and what it is for: one private mapping that the rank itself makes and touches first.
///
///     for each of its stages:  weights | gradients | optimizer states | packed weights | stash frames | gradient frames
///     for each edge between two of its stages:  slots
///     once:                    scratch | packing buffers | inputs | targets | losses | step
///
/// What only backwards and updates use is empty where there are none.
struct RankMemory: Sendable {
    struct StageRegions: Sendable {
        let weights: Region
        let gradients: Region
        let states: [Region]
        let packed: Region
        let stash: Region
        let gradientStash: Region
        let stashFrames: Int
        /// For each microbatch, the stash frame that its forward uses, the one that its backward uses (another only when
        /// the forward is done again), and the gradient frame: as the schedule's `StageFrames` has them.
        let forwardFrame: [Int]
        let backwardFrame: [Int]
        let gradientFrame: [Int]
    }

    let layout: SegmentLayout
    /// Of all bytes of the layout.
    let account: MemoryAccount
    /// In the order of the rank's stages.
    let stages: [StageRegions]
    /// The slots of edges between two of its stages, neighbours and copies.
    let localSlots: [Edge: [Region]]
    let scratch: Region
    let scratchLayout: SegmentLayout
    /// One for each of the rank's threads.
    let workspace: Region
    /// [batch, sequence] tokens; empty on a rank without the first stage, or the last.
    let inputs: Region
    let targets: Region
    /// [microbatches]
    let losses: Region
    /// One number: the step that the rank is in.
    let step: Region

    init(
        rank: Int, _ schedule: Schedule, _ facts: ScheduleFacts, _ allStages: [Stage], _ edges: [Edge],
        _ configuration: RunConfiguration
    ) {
        let own = allStages.filter { schedule.rankOfStage[$0.index] == rank }
        var layout = AccountedLayout()
        stages = own.map { stage in
            let plan = stage.plan
            let frames = facts.frames[stage.index]
            let recomputes = configuration.recomputes
            let stashFrames = frames.stashCount(recomputes: recomputes)
            return StageRegions(
                weights: layout.reserve(.weights, plan.weights), gradients: layout.reserve(.gradients, plan.gradients),
                states: (0..<configuration.optimizer.states).map { _ in layout.reserve(.optimizer, plan.gradients) },
                packed: layout.reserve(.packed, plan.packed),
                stash: layout.reserve(.frames, plan.stash, count: stashFrames),
                gradientStash: layout.reserve(
                    .keptGradients, plan.gradientStash.peak, count: max(1, frames.gradient.count)),
                stashFrames: stashFrames,
                forwardFrame: (recomputes ? frames.forwardAlone : frames.stash).frameOfMicrobatch,
                backwardFrame: (recomputes ? frames.recomputed : frames.stash).frameOfMicrobatch,
                gradientFrame: frames.gradient.frameOfMicrobatch)
        }
        var localSlots: [Edge: [Region]] = [:]
        for edge in edges where schedule.rank(ofBothEnds: edge) == rank {
            localSlots[edge] = (0..<edge.slots).map { _ in layout.reserve(.slots, edge.shape) }
        }
        self.localSlots = localSlots
        scratchLayout = own.map(\.plan.scratch.peak).max { $0.bytes < $1.bytes } ?? SegmentLayout()
        scratch = layout.reserve(.scratch, scratchLayout)
        workspace = layout.reserve(.scratch, Kernels.workspaceShape(members: configuration.threadsPerRank))
        let tokenBytes = 4 * configuration.batchSize * configuration.model.sequenceLength
        inputs = layout.reserve(.batch, bytes: own.contains(where: \.isFirst) ? tokenBytes : 0)
        targets = layout.reserve(.batch, bytes: own.contains(where: \.isLast) ? tokenBytes : 0)
        losses = layout.reserve(.batch, Shape(schedule.microbatches))
        step = layout.reserve(.batch, bytes: 4)
        if own.contains(where: \.plan.isTooLarge) { _ = layout.reserve(.scratch, bytes: SegmentLayout.bytesMax + 1) }
        (self.layout, account) = (layout.layout, layout.account)
    }
}

extension Schedule {
    /// The rank that both stages of an edge are on; nil when they are on different ones.
    func rank(ofBothEnds edge: Edge) -> Int? {
        let rank = rankOfStage[edge.from]
        return rank == rankOfStage[edge.to] ? rank : nil
    }
}
