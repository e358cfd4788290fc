// SPDX-License-Identifier: Apache-2.0

/// The model's settings in a checkpoint's metadata. Tensors alone do not tell how many heads share a layer's columns.
///
/// What is not there is not checked: PyTorch's files say nothing of it, and a model that is none of the built-in ones has
/// no such settings.
public enum CheckpointSettings {
    private static let prefix = "ppthreads."

    /// A setting under its name in the metadata, with the flag that changes it.
    private static func settings(_ spec: ModelSpec) -> [(key: String, flag: String, value: String)] {
        [
            ("architecture", "--arch", spec.architecture.rawValue), ("layers", "--layers", "\(spec.layers)"),
            ("heads", "--heads", "\(spec.heads)"), ("dim", "--dim", "\(spec.dim)"), ("ffn", "--ffn", "\(spec.hidden)"),
            ("vocab_size", "--vocab-size", "\(spec.vocabulary)"),
        ]
    }

    /// What a run's checkpoint says. It is the same for all schedules, transports and partitions, as the tensors are.
    /// - Parameter steps: that were run.
    static func written(by configuration: RunConfiguration, steps: Int) -> [(key: String, value: String)] {
        let trained = configuration.schedule.isForwardOnly ? 0 : steps
        var texts = configuration.checkpointNotes
        if let spec = configuration.model.spec {
            for setting in settings(spec) { texts[prefix + setting.key] = setting.value }
            // Not checked: a decoder has no positions, and a gpt's are a tensor of that length.
            texts[prefix + "seq_len"] = "\(spec.sequenceLength)"
        }
        texts[prefix + "steps"] = "\(trained)"
        return texts.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// - Throws: `DataError` with the first setting in which the checkpoint's model is another one.
    static func check(_ file: SafetensorsFile, suits model: Model) throws(DataError) {
        guard let spec = model.spec else { return }
        for setting in settings(spec) {
            guard let text = file.metadata[prefix + setting.key], text != setting.value else { continue }
            throw DataError(
                path: file.path,
                reason: "is of a model with \(setting.key) \(text.shortened); \(setting.flag) is \(setting.value) here")
        }
    }

    /// Whether a checkpoint says how many heads its model has.
    public static func tellsHeads(_ file: SafetensorsFile) -> Bool { file.metadata[prefix + "heads"] != nil }
}
