// SPDX-License-Identifier: Apache-2.0

import Pipeline

extension TokenFile {
    /// What was read of it and how, in a line.
    var summary: String { "\(path.visible): \(count.grouped) token\(count == 1 ? "" : "s"), read as \(layoutName)" }

    var notes: [String] { suspicion.map { ["--data \(path.visible): \($0)"] } ?? [] }
}

/// The same in JSON.
struct DataJSON: Encodable {
    let path: String
    let layout: String
    let tokens: Int

    /// nil for random tokens.
    init?(_ configuration: RunConfiguration) {
        guard case .file(let file) = configuration.tokens else { return nil }
        (path, layout, tokens) = (file.path, file.layoutName, file.count)
    }
}

extension RunConfiguration {
    /// What there is to say of the files that the run reads.
    var fileNotes: [String] {
        var notes: [String] = []
        if case .file(let file) = tokens { notes += file.notes }
        guard let initial else { return notes }
        notes.append(
            "--init \(initial.path.visible) gave the weights alone: the optimizer's state, the step and the position in the data began anew"
        )
        if !initial.convertedTypes.isEmpty {
            notes.append(
                "--init \(initial.path.visible) holds \(initial.convertedTypes.joined(separator: " and ")), converted to fp32"
            )
        }
        if !CheckpointSettings.tellsHeads(initial) {
            notes.append(
                "--init \(initial.path.visible) does not say how many heads its model has; that --heads is right cannot be checked"
            )
        }
        return notes
    }
}
