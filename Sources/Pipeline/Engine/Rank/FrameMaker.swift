// SPDX-License-Identifier: Apache-2.0

import SharedTensor

/// Makes the frames of a rank's stages out of its mapped memory.
struct FrameMaker {
    let plan: RunPlan
    let layout: RankMemory
    let arena: Arena
    let kernels: Kernels

    func memory(of stage: Stage, _ regions: RankMemory.StageRegions) -> StageMemory {
        let packing = plan.schedule.microbatchThatPacks(stage.index)
        func frames(_ stashFrame: [Int], packs: Int?) -> [Frame] {
            stashFrame.enumerated().map { microbatch, stash in
                frame(stage, regions, microbatch, stash: stash, packsWeights: microbatch == packs)
            }
        }
        return StageMemory(
            weights: arena.part(regions.weights, of: stage.plan.weights),
            gradients: arena.part(regions.gradients, of: stage.plan.gradients),
            states: regions.states.map { arena.part($0, of: stage.plan.gradients).floats },
            forwardFrames: frames(regions.forwardFrame, packs: packing),
            backwardFrames: frames(regions.backwardFrame, packs: nil), recomputes: plan.configuration.recomputes)
    }

    private func frame(
        _ stage: Stage, _ regions: RankMemory.StageRegions, _ microbatch: Int, stash: Int, packsWeights: Bool
    ) -> Frame {
        let configuration = plan.configuration
        let (batch, microbatches) = (configuration.batchShape, plan.schedule.microbatches)
        let rows = microbatch * batch.tokens..<(microbatch + 1) * batch.tokens
        return Frame(
            plan: stage.plan.id, weights: arena.part(regions.weights, of: stage.plan.weights),
            gradients: arena.part(regions.gradients, of: stage.plan.gradients),
            stash: arena.part(regions.stash, copy: stash, of: stage.plan.stash),
            gradientStash: arena.part(
                regions.gradientStash, copy: regions.gradientFrame[microbatch], of: stage.plan.gradientStash.peak),
            scratch: arena.part(layout.scratch, of: layout.scratchLayout),
            packed: arena.part(regions.packed, of: stage.plan.packed), packsWeights: packsWeights,
            kernels: kernels, batch: batch,
            dropout: DropoutState(
                rate: configuration.effectiveDropout, seed: configuration.seed, microbatch: microbatch,
                step: arena.tokens(layout.step)),
            tokens: stage.isFirst ? arena.tokens(layout.inputs)[rows] : .none,
            targets: stage.isLast ? arena.tokens(layout.targets)[rows] : .none,
            gradientScale: 1 / Float(microbatches),
            loss: arena.tensor(layout.losses, Shape(microbatches)).elements(microbatch..<microbatch + 1))
    }
}
