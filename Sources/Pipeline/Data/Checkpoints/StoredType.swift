// SPDX-License-Identifier: Apache-2.0

/// How a checkpoint stores a tensor's elements. In memory they are fp32.
public enum StoredType: String, CaseIterable, Sendable {
    case f32
    /// IEEE 754 binary16.
    case f16
    /// The upper half of an fp32.
    case bf16

    /// As safetensors spells it.
    var name: String { rawValue.uppercased() }
    var bytes: Int { self == .f32 ? 4 : 2 }

    /// The elements that little-endian bytes hold: exact, whatever the type.
    package func values(_ bytes: [UInt8]) -> [Float] {
        stride(from: 0, to: bytes.count, by: self.bytes).map { index in
            switch self {
            case .f32: Float(bitPattern: bytes.littleEndian(UInt32.self, at: index))
            case .f16: Self.float(f16: UInt32(bytes.littleEndian(UInt16.self, at: index)))
            case .bf16: Float(bitPattern: UInt32(bytes.littleEndian(UInt16.self, at: index)) << 16)
            }
        }
    }

    /// In operations that have normal numbers only: the threads that read checkpoints flush others to 0, and the library's
    /// conversion would lose the smallest half of binary16's exponents with them.
    private static func float(f16 bits: UInt32) -> Float {
        let (sign, exponent, fraction) = ((bits >> 15) << 31, bits >> 10 & 31, bits & 0x3FF)
        if exponent == 0 {
            let value = Float(fraction) * 0x1p-24
            return sign == 0 ? value : -value
        }
        let exponentOfFloat = exponent == 31 ? 255 : exponent + 112
        return Float(bitPattern: sign | exponentOfFloat << 23 | fraction << 13)
    }

    /// The bits nearest to a value, ties to even; beyond the largest finite number, infinity. As PyTorch converts.
    /// Of `f16` and `bf16`.
    package func halfBits(_ value: Float) -> UInt16 {
        if self == .f16 { return Float16(value).bitPattern }
        if value.isNaN { return UInt16(truncatingIfNeeded: value.bitPattern >> 16) | 0x40 }
        let bits = value.bitPattern
        return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
    }

    /// Of `f16` and `bf16`: whether bits stand for a number.
    func isFinite(halfBits bits: UInt16) -> Bool {
        let exponent: UInt16 = self == .f16 ? 0x7C00 : 0x7F80
        return bits & exponent != exponent
    }
}
