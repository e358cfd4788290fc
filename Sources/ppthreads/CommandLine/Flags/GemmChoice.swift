// SPDX-License-Identifier: Apache-2.0

import SharedTensor

/// Who computes matrix products: what `--gemm` says.
enum GemmChoice: Equatable {
    case builtin
    case openBLAS
    case library(path: String)

    init(_ text: String) throws(FlagValueError) {
        switch text {
        case "builtin": self = .builtin
        case "openblas": self = .openBLAS
        case let path where path.contains("/") || path.contains(".so"): self = .library(path: path)
        default: throw FlagValueError(allowed: "builtin, openblas, or the path of a library with cblas_sgemm")
        }
    }

    /// Loads what was chosen; nil for our own kernels.
    func library() throws(CommandError) -> BLASLibrary? {
        let names: [String]
        switch self {
        case .builtin: return nil
        case .openBLAS: names = BLASLibrary.openBLASNames
        case .library(let path): names = [path]
        }
        do throws(BLASError) {
            return try BLASLibrary(anyOf: names)
        } catch {
            throw CommandError(code: .usage, message: "--gemm: no library with cblas_sgemm: \(error)")
        }
    }
}
