// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor

extension Flag {
    /// `--group-size`: N, where an order leaves that choice.
    static func groupSize(set path: WritableKeyPath<Options, Int?>) -> Flag {
        .number(
            "--group-size", set: path, in: Limits.microbatches, standard: "the order's own choice",
            help: "N: microbatches that pass a rank's stages together (interleaved, interleaved-zb)")
    }

    /// `--waves`: v by another name.
    static func waves(set path: WritableKeyPath<Options, Int?>) -> Flag {
        .number(
            "--waves", set: path, in: 1...Limits.virtualStages.upperBound / 2, standard: "1",
            help: "w: waves of hanayo, v = 2w")
    }
}

/// How ranks of MPI that are on one host hand on.
enum IntraNode: String, CaseIterable {
    case rings, mpi

    /// The transport that was asked for, with that choice.
    func applied(to kind: TransportKind) -> TransportKind { self == .mpi && kind == .mpi ? .mpiOnly : kind }

    /// Refuses a choice that would change none of the transports, or make two of them the same.
    func check(isFor kinds: [TransportKind]) throws(CommandError) {
        if self == .rings { return }
        let names = kinds.map(\.rawValue).joined(separator: ",")
        if kinds.contains(.mpi) && kinds.contains(.mpiOnly) {
            throw CommandError(
                code: .usage,
                message:
                    "--intra-node: 'mpi' makes two of --transport \(names) the same; leave out mpi or mpi-only there")
        }
        if kinds.contains(.mpi) || kinds.contains(.mpiOnly) { return }
        throw CommandError(
            code: .usage,
            message:
                "--intra-node: 'mpi' is not allowed with --transport \(names); it is for mpi and mpi-only, alone or in a list"
        )
    }
}

extension Flag {
    /// `--intra-node`: of the transport mpi.
    static func intraNode(set path: WritableKeyPath<Options, IntraNode>, standard: Options) -> Flag {
        .choice(
            "--intra-node", set: path, standard: standard,
            help: "how ranks of one host hand on under --transport mpi; mpi makes it mpi-only")
    }
}

extension Flag {
    /// `--simd`: a level, or the best that this CPU can run.
    static func simd(set path: WritableKeyPath<Options, SIMDLevel>) -> Flag {
        let words = ["auto"] + SIMDLevel.allCases.map(\.rawValue)
        let allowed = words.joined(separator: ", ")
        return Flag(
            names: ["--simd"], placeholder: "NAME",
            help: "vector level of the kernels; auto is the widest that this CPU has", standard: "auto",
            values: FlagValues(words: words, told: ": \(allowed)")
        ) { options, text throws(FlagValueError) in
            guard let level = text == "auto" ? .best : SIMDLevel(rawValue: text) else {
                throw FlagValueError(allowed: allowed)
            }
            options[keyPath: path] = level
        }
    }
}

extension Flag {
    /// `--dropout`: a probability.
    static func dropout(set path: WritableKeyPath<Options, Double>) -> Flag {
        Flag(
            names: ["--dropout"], placeholder: "P",
            help: "probability of setting an element to 0 in training; the reference study has 0.1", standard: "0"
        ) { options, text throws(FlagValueError) in
            guard let rate = Double(text), (0..<1).contains(rate) else {
                throw FlagValueError(allowed: "at least 0 and below 1")
            }
            options[keyPath: path] = rate
        }
    }
}

extension Flag {
    /// A file to write as safetensors, whose name must not promise another format.
    static func safetensors(_ name: String, set path: WritableKeyPath<Options, String?>, help: String) -> Flag {
        Flag(names: [name], placeholder: "FILE", help: help, standard: nil, values: .file) {
            options, text throws(FlagValueError) in
            if text.isEmpty { throw FlagValueError(allowed: "a file's path") }
            if let ending = otherFormats.first(where: { text.lowercased().hasSuffix(".\($0)") }) {
                let stem = text.dropLast(ending.utf8.count + 1)
                throw FlagValueError(allowed: "safetensors is what is written: \(stem).safetensors, say")
            }
            options[keyPath: path] = text
        }
    }

    private static var otherFormats: [String] {
        [
            "pt", "pth", "ptl", "bin", "npz", "npy", "onnx", "gguf", "ggml", "h5", "hdf5", "keras", "ckpt", "pkl",
            "pickle",
            "msgpack", "tflite", "mlmodel", "pb", "zip", "tar", "gz", "json", "csv", "txt",
        ]
    }
}
