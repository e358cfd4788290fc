// SPDX-License-Identifier: Apache-2.0

import Foundation
import Pipeline
import SharedTensor
import Testing

@Suite("checkpoints of two bytes an element") struct StoredTypeTests {
    /// What the formats' definitions say of bits: sign, exponent, fraction.
    private func value(_ bits: UInt16, exponentBits: Int) -> Double {
        let fractionBits = 15 - exponentBits
        let (most, bias) = ((1 << exponentBits) - 1, (1 << (exponentBits - 1)) - 1)
        let fraction = Double(Int(bits) & ((1 << fractionBits) - 1)) / Double(1 << fractionBits)
        let exponent = Int(bits) >> fractionBits & most
        let sign: Double = bits >> 15 == 1 ? -1 : 1
        if exponent == most { return fraction == 0 ? sign * .infinity : .nan }
        return exponent == 0
            ? sign * fraction * pow(2, Double(1 - bias)) : sign * (1 + fraction) * pow(2, Double(exponent - bias))
    }

    @Test("every pattern of 16 bits is read as its value, and written back as it was", arguments: StoredType.halves)
    func patterns(type: StoredType) {
        let exponentBits = type == .f16 ? 5 : 8
        for bits in UInt16.min...UInt16.max {
            let read = type.values([UInt8(truncatingIfNeeded: bits), UInt8(bits >> 8)])[0]
            let expected = value(bits, exponentBits: exponentBits)
            if expected.isNaN {
                #expect(read.isNaN && value(type.halfBits(read), exponentBits: exponentBits).isNaN)
            } else if Double(read) != expected || type.halfBits(read) != bits {
                Issue.record("\(bits) is read as \(read), and stands for \(expected)")
            }
        }
    }

    @Test("a value between two is rounded to the nearer, and halfway to the even one", arguments: StoredType.halves)
    func rounding(type: StoredType) {
        let largest: UInt16 = type == .f16 ? 0x7BFF : 0x7F7F
        func read(_ bits: UInt16) -> Double {
            Double(type.values([UInt8(truncatingIfNeeded: bits), UInt8(bits >> 8)])[0])
        }
        for bits in stride(from: UInt16(0), to: largest, by: 1) {
            let (low, high) = (read(bits), read(bits + 1))
            let middle = Float((low + high) / 2)
            let even = bits % 2 == 0 ? bits : bits + 1
            if type.halfBits(middle) != even || type.halfBits(middle.nextDown) != bits
                || type.halfBits(middle.nextUp) != bits + 1 || type.halfBits(-middle) != even | 0x8000
            {
                Issue.record("around \(middle), between \(bits) and the next")
            }
        }
        #expect(type.halfBits(.greatestFiniteMagnitude) == largest + 1)
    }

    @Test("weights are saved rounded, tell so, and are where the next run starts", arguments: StoredType.allCases)
    func files(type: StoredType) throws {
        let folder = try Folder()
        let path = folder.path("w.safetensors")
        let first = try train(.gpt, .oneFOneB(ranks: 2, microbatches: 4))
        try first.weights!.write(path, as: type)
        let file = try SafetensorsFile(path: path)
        #expect(file.convertedTypes == (type == .f32 ? [] : [type.rawValue.uppercased()]))
        let parameters = first.weights!.parameters
        for parameter in parameters {
            let rounded = first.weights!.tensor(parameter).values.map { value in
                type == .f32
                    ? value : Float(self.value(type.halfBits(value), exponentBits: type == .f16 ? 5 : 8))
            }
            #expect(try file.values(parameter.name).map(\.bitPattern) == rounded.map(\.bitPattern))
        }
        let size = try #require(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
        let elements = parameters.reduce(0) { $0 + $1.shape.count }
        #expect((1...8192).contains(size - elements * (type == .f32 ? 4 : 2)))
        // Without an update, what a run ends with is what it started from.
        let second = try train(.gpt, .oneFOneB(ranks: 2, microbatches: 4)) {
            ($0.initial, $0.optimizer) = (file, .sgd(rate: 0))
        }
        for parameter in parameters {
            #expect(try second.weights!.tensor(parameter).values == file.values(parameter.name))
        }
    }

    @Test("a tensor longer than a piece is converted whole") func long() throws {
        let count = 70_001
        let folder = try Folder()
        let header = #"{"x":{"dtype":"BF16","shape":[\#(count)],"data_offsets":[0,\#(2 * count)]}}"#
        // Numbers that do not come again after a piece.
        let data = (0..<count).flatMap { [UInt8($0 % 251), UInt8($0 / 251 % 126)] }
        let length = (0..<8).map { UInt8(truncatingIfNeeded: header.utf8.count >> (8 * $0)) }
        let file = try SafetensorsFile(path: folder.file("x", length + Array(header.utf8) + data))
        var layout = SegmentLayout()
        let region = layout.reserve(Shape(count))
        let segment = try Segment(bytes: layout.bytes, backing: .privateMemory)
        let tensor = segment.tensor(region, Shape(count))
        try file.read("x", into: tensor)
        #expect(try tensor.values == file.values("x"))
        #expect(tensor[65_537].bitPattern == 0x091A << 16 && tensor[300].bitPattern == 0x0131 << 16)
    }

    @Test("values beyond a type's range are counted: they become infinite") func beyond() throws {
        let result = try train(.gpt, .gpipe(ranks: 1, microbatches: 4))
        let weights = result.weights!
        #expect(weights.countBeyond(.f16) == 0)
        let parameter = weights.parameters[0]
        weights.tensor(parameter)[0] = 65_520
        weights.tensor(parameter)[1] = -1e30
        weights.tensor(parameter)[2] = 65_519
        weights.tensor(parameter)[3] = .infinity
        #expect(weights.countBeyond(.f16) == 2 && weights.countBeyond(.bf16) == 0 && weights.countBeyond(.f32) == 0)
        weights.tensor(parameter)[0] = .greatestFiniteMagnitude
        #expect(weights.countBeyond(.bf16) == 1)
    }
}

extension StoredType {
    fileprivate static let halves = [StoredType.f16, .bf16]
}
