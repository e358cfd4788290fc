// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

/// All parameters of a model (or their gradients) under their names, in one segment that every rank can write to.
///
/// Each rank copies its own stages' tensors in; the caller of the run compares them or writes them to a file.
public final class CheckpointImage: Sendable {
    /// The model's parameters in its own order.
    public let parameters: [ParameterSpec]
    private let regions: [String: Region]
    private let segment: Segment
    /// What a file says besides.
    private let metadata: [(key: String, value: String)]

    /// Where the parameters lie in an image, and how large it is.
    struct Plan: Sendable {
        let parameters: [ParameterSpec]
        private(set) var layout = SegmentLayout()
        private(set) var regions: [String: Region] = [:]

        init(_ parameters: [ParameterSpec]) {
            self.parameters = parameters
            for parameter in parameters { regions[parameter.name] = layout.reserve(parameter.shape) }
        }
    }

    convenience init(_ plan: Plan, segment: Segment) { self.init(plan.parameters, plan.regions, segment, []) }

    private init(
        _ parameters: [ParameterSpec], _ regions: [String: Region], _ segment: Segment,
        _ metadata: [(key: String, value: String)]
    ) {
        (self.parameters, self.regions, self.segment, self.metadata) = (parameters, regions, segment, metadata)
    }

    /// The same tensors, with what their file is to say besides.
    func described(by metadata: [(key: String, value: String)]) -> CheckpointImage {
        CheckpointImage(parameters, regions, segment, metadata)
    }

    /// A parameter by its name, which must be one of the model's.
    public func tensor(_ parameter: ParameterSpec) -> Tensor {
        segment.tensor(regions[parameter.name]!, parameter.shape)
    }

    /// The elements of some parameters, one after the other, as bytes.
    func bytes(of parameters: [ParameterSpec]) -> [UInt8] {
        parameters.flatMap { segment.bytes(of: elements($0)) }
    }

    /// Overwrites the elements of some parameters.
    func write(_ bytes: [UInt8], of parameters: [ParameterSpec]) {
        var offset = 0
        for parameter in parameters {
            let region = elements(parameter)
            segment.write(Array(bytes[offset..<offset + region.bytes]), to: region)
            offset += region.bytes
        }
    }

    /// Without the padding behind them.
    private func elements(_ parameter: ParameterSpec) -> Region {
        regions[parameter.name]!.part(offset: 0, bytes: parameter.shape.count * 4)
    }

    /// The names of parameters whose bits differ between two images of one model.
    public func differences(from other: CheckpointImage) -> [String] {
        parameters.filter { parameter in
            let mine = tensor(parameter).values.map(\.bitPattern)
            return mine != other.tensor(parameter).values.map(\.bitPattern)
        }.map(\.name)
    }

    /// Writes a safetensors file with PyTorch's names and shapes, and the model's settings in its metadata.
    /// - Parameters:
    ///   - path: a file there is replaced when the new one is whole.
    ///   - type: how the elements are stored; what it cannot hold is rounded, or becomes infinite.
    /// - Throws: `DataError`; the file is then as it was before.
    public func write(_ path: String, as type: StoredType = .f32) throws(DataError) {
        try write(to: OutputFile(path), as: type)
    }

    /// The same for a file that was looked at before the run.
    public func write(to file: OutputFile, as type: StoredType = .f32) throws(DataError) {
        let header = SafetensorsHeader.bytes(
            parameters.map { ($0.name, $0.shape.dimensions) }, type: type, metadata: metadata)
        try file.write { descriptor throws(SystemError) in
            // Sound: bytes have no gaps between them, which nobody may read.
            unsafe try writeAll(header.span.bytes, to: descriptor)
            for parameter in parameters { try write(tensor(parameter), as: type, to: descriptor) }
        }
    }

    private func write(_ tensor: Tensor, as type: StoredType, to descriptor: Int32) throws(SystemError) {
        if type == .f32 {
            // Sound: `self` holds the segment, which the bytes lie in, until the write is over.
            let bytes = unsafe tensor.withBytes { UnsafeRawBufferPointer($0) }
            return unsafe try writeAll(RawSpan(_unsafeBytes: bytes), to: descriptor)
        }
        let bits = tensor.values.map { type.halfBits($0).littleEndian }
        // Sound: numbers of two bytes have no gaps either.
        unsafe try writeAll(bits.span.bytes, to: descriptor)
    }

    /// How many elements are finite here and would not be as this type.
    public func countBeyond(_ type: StoredType) -> Int {
        if type == .f32 { return 0 }
        return parameters.reduce(0) { sum, parameter in
            sum + tensor(parameter).values.count { $0.isFinite && !type.isFinite(halfBits: type.halfBits($0)) }
        }
    }
}

extension SafetensorsFile {
    /// Checks that the file holds a model's parameters: all of them, in their shapes, and nothing else.
    /// - Throws: `DataError` with the first name that is missing, has another shape, or is too much.
    public func check(holds parameters: [ParameterSpec]) throws(DataError) {
        for parameter in parameters {
            guard let shape = shape(of: parameter.name) else {
                throw DataError(path: path, reason: "has no tensor \(parameter.name)")
            }
            if shape != parameter.shape.dimensions {
                throw DataError(
                    path: path, reason: "tensor \(parameter.name) has shape \(shape), the model's is \(parameter.shape)"
                )
            }
        }
        let known = Set(parameters.map(\.name))
        if let stranger = names.first(where: { !known.contains($0) }) {
            throw DataError(path: path, reason: "tensor \(stranger.shortened) is none of the model's")
        }
    }
}
