// SPDX-License-Identifier: Apache-2.0

import SharedTensor

/// What the ranks that a process starts share with it, mapped before any of them starts. Where each rank is a process of its own, on
/// whatever host, each has it for itself, and what the others' hold is told at the end of the run (`JobRun`).
struct RunMemory: Sendable {
    let control: ControlBlock
    let losses: StepLosses
    let timeline: Timeline?
    /// The parameters after the last step, and the gradients of it, where they are wanted.
    let weights, gradients: CheckpointImage?

    init(_ plan: RunPlan) throws(SegmentError) {
        let (configuration, transport) = (plan.configuration, plan.configuration.transport)
        control = try ControlBlock(ranks: plan.schedule.ranks, transport)
        losses = try StepLosses(steps: configuration.steps, transport)
        timeline =
            configuration.keepsTimeline ? try Timeline(plan.graph, steps: configuration.steps, transport) : nil
        let image = CheckpointImage.Plan(plan.parameters)
        func mapped(_ isWanted: Bool) throws(SegmentError) -> CheckpointImage? {
            isWanted ? CheckpointImage(image, segment: try transport.resultMemory(bytes: image.layout.bytes)) : nil
        }
        weights = try mapped(configuration.keepsWeights)
        gradients = try mapped(configuration.keepsGradients)
    }
}
