// SPDX-License-Identifier: Apache-2.0

import SharedTensor

extension CostsWorkload {
    /// What a run's tasks are: of the same settings they take the same time, whatever the order and the cut.
    public init(_ configuration: RunConfiguration) {
        let (model, spec) = (configuration.model, configuration.model.spec)
        let sizes: [(String, Int?)] = [
            ("--n-layers", model.layers), ("--n-heads", spec?.heads), ("--dim", spec?.dim), ("--ffn", spec?.hidden),
            ("--vocab-size", model.vocabulary), ("--seq-len", model.sequenceLength),
            (Self.microbatch, configuration.batchShape.sequences), ("--threads", configuration.threadsPerRank),
        ]
        let names = [
            ("--simd", configuration.simd.rawValue), ("--gemm", configuration.blas?.path ?? "builtin"),
            ("--dropout", "\(configuration.dropout)"),
        ]
        self.init(
            [("--arch", spec?.architecture.rawValue ?? model.name)] + sizes.map { ($0.0, $0.1.map(String.init) ?? "") }
                + names, ranks: configuration.schedule.ranks / configuration.schedule.replicas)
    }

    /// Sequences of a microbatch.
    static let microbatch = "--batch-size over --microbatches"
}
