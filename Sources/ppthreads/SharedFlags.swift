import SharedTensor

extension Flag {
    /// `--simd`: a level, or the best that this CPU can run.
    static func simd(set path: WritableKeyPath<Options, SIMDLevel>) -> Flag {
        let allowed = (["auto"] + SIMDLevel.allCases.map(\.rawValue)).joined(separator: ", ")
        return Flag(
            names: ["--simd"], placeholder: "NAME",
            help: "vector level of the kernels: \(allowed); auto is \(SIMDLevel.best.rawValue) here", standard: "auto"
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
