// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A BLAS of the system, loaded at run time: for comparison, and for CPUs where it is the faster one.
///
/// Its own threads are told to be one, through the environment before it is loaded (a BLAS that starts threads would
/// make forks impossible).
@safe
public struct BLASLibrary: Sendable {
    /// What was loaded, as the dynamic linker found it.
    public let path: String
    // Sound: the library is never unloaded.
    private let sgemm: SGEMM

    private typealias SGEMM =
        @convention(c) (
            _ order: Int32, _ transposeA: Int32, _ transposeB: Int32, _ m: Int32, _ n: Int32, _ k: Int32,
            _ alpha: Float, _ a: UnsafePointer<Float>, _ lda: Int32, _ b: UnsafePointer<Float>, _ ldb: Int32,
            _ beta: Float, _ c: UnsafeMutablePointer<Float>, _ ldc: Int32
        ) -> Void

    /// Names that OpenBLAS has on common systems.
    public static let openBLASNames = ["libopenblas.so.0", "libopenblas.so"]

    /// Loads the first library of these that has `cblas_sgemm` with 32-bit integers.
    /// - Throws: `BLASError`, with the dynamic linker's words.
    public init(anyOf names: [String]) throws(BLASError) {
        for variable in ["OPENBLAS", "GOTO", "MKL", "BLIS", "OMP"] {
            unsafe setenv("\(variable)_NUM_THREADS", "1", 1)
        }
        var reasons: [String] = []
        for name in names {
            guard let library = unsafe dlopen(name, RTLD_NOW | RTLD_LOCAL) else {
                reasons.append(unsafe dlerror().map { unsafe String(cString: $0) } ?? "\(name): cannot be loaded")
                continue
            }
            guard let symbol = unsafe dlsym(library, "cblas_sgemm") else {
                reasons.append("\(name): has no cblas_sgemm")
                continue
            }
            path = name
            // Sound: CBLAS fixes this function's type.
            unsafe sgemm = unsafeBitCast(symbol, to: SGEMM.self)
            return
        }
        throw BLASError(reasons: reasons)
    }

    /// c = a b + beta c, row-major; either factor transposed or not.
    func multiply(_ a: Matrix, _ b: Matrix, into c: Matrix, beta: Float) {
        func order(_ matrix: Matrix) -> Int32 { matrix.isTransposed ? 112 : 111 }
        unsafe sgemm(
            101, order(a), order(b), Int32(c.rows), Int32(c.columns), Int32(a.columns), 1, a.base, Int32(a.stride),
            b.base, Int32(b.stride), beta, c.base, Int32(c.stride))
    }
}

/// No usable BLAS was found.
public struct BLASError: Error, Equatable, CustomStringConvertible {
    /// One for each library that was tried: the dynamic linker's words, or what the library lacks.
    public let reasons: [String]
    public var description: String { reasons.joined(separator: "; ") }
}
