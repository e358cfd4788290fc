// SPDX-License-Identifier: Apache-2.0

import SharedTensor

// Parameters on their way in and out: before the first step and after the last.
extension LocalStage {
    /// Gives the parameters their first values: those of the checkpoint that the run starts from, or the seed's.
    func initializeParameters(_ configuration: RunConfiguration, _ kernels: Kernels) throws(RankFailure.Reason) {
        for parameter in stage.plan.parameters {
            var problem: DataError?
            try RankFailure.Reason.ofMemory { () throws(SegmentError) in
                try parameter.store(in: memory.weights, kernels) { values in
                    do throws(DataError) {
                        if let file = configuration.initial { return try file.read(parameter.name, into: values) }
                        parameter.initialize(values, seed: configuration.seed)
                    } catch {
                        problem = error
                    }
                }
            }
            if let problem { throw .data(problem) }
        }
    }

    /// Copies the weights into their share of an image.
    func exportWeights(to image: CheckpointImage, _ kernels: Kernels) { export(memory.weights, to: image, kernels) }

    /// The same for the gradients as they are now.
    func exportGradients(to image: CheckpointImage, _ kernels: Kernels) { export(memory.gradients, to: image, kernels) }

    /// What tells the weights, as they are now, from others, to the bit: FNV-1a of the numbers' bits, 32 of them at a time.
    var weightMark: UInt64 {
        let weights = memory.weights.floats
        var mark = Fingerprint.start
        for index in 0..<weights.count { mark = Fingerprint.next(mark, UInt64(weights[index].bitPattern)) }
        return mark
    }

    private func export(_ arena: Arena, to image: CheckpointImage, _ kernels: Kernels) {
        // Copies hold the same.
        if stage.copy > 0 { return }
        for parameter in stage.plan.parameters {
            parameter.load(into: image.tensor(parameter), from: arena, kernels)
        }
    }
}
