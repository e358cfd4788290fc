// SPDX-License-Identifier: Apache-2.0

import CKernels

/// How wide the vectors are that the kernels use. Bits are equal between runs of one level, not between levels.
public enum SIMDLevel: String, CaseIterable, Sendable, Codable {
    case portable, avx2, avx512

    /// The highest level that this CPU can run.
    public static var best: SIMDLevel { SIMDLevel(ppt_simd_best()) }

    /// Whether this CPU can run it.
    public var isSupported: Bool { unsafe ppt_kernels_at(raw) != nil }

    var raw: ppt_simd_level {
        switch self {
        case .portable: PPT_SIMD_PORTABLE
        case .avx2: PPT_SIMD_AVX2
        case .avx512: PPT_SIMD_AVX512
        }
    }

    private init(_ raw: ppt_simd_level) {
        switch raw {
        case PPT_SIMD_AVX512: self = .avx512
        case PPT_SIMD_AVX2: self = .avx2
        default: self = .portable
        }
    }
}
