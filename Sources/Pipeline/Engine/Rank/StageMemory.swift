// SPDX-License-Identifier: Apache-2.0

import SharedTensor

/// A stage's memory, mapped: its parameters with what belongs to them, and the frames that its microbatches work in.
struct StageMemory {
    let weights: Arena
    let gradients: Arena
    /// The optimizer's, of the gradients' size.
    let states: [Tensor]
    /// For each microbatch, the frame that its forward works in, and the one of its backward: the same stash unless forwards
    /// are done again.
    let forwardFrames: [Frame]
    let backwardFrames: [Frame]
    let recomputes: Bool
}
