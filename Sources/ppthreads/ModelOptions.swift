import Pipeline
import SharedTensor
import Threads

/// The sizes of a model as flags give them.
struct ModelOptions {
    var architecture = Architecture.decoder
    var layers = 4
    var heads = 4
    var dim = 240
    var ffn: Int?
    var vocabulary: Int?
    var sequenceLength = 64

    /// Columns inside the feed-forward.
    var hidden: Int { ffn ?? architecture.standardHidden(dim: dim) }

    /// The model's sizes, with the defaults that depend on other flags filled in.
    func spec(standardVocabulary: Int = 10000) throws(CommandError) -> ModelSpec {
        if dim % heads != 0 {
            throw CommandError(code: .usage, message: "--heads: \(heads) heads do not divide --dim \(dim)")
        }
        var spec = ModelSpec()
        spec.architecture = architecture
        spec.layers = layers
        spec.heads = heads
        spec.dim = dim
        spec.hidden = hidden
        spec.vocabulary = vocabulary ?? standardVocabulary
        spec.sequenceLength = sequenceLength
        return spec
    }
}

/// The largest sizes that flags take: far beyond what runs here, and small enough that no product overflows.
enum Limits {
    static let layers = 1...1024
    static let heads = 1...1024
    static let dim = 1...65536
    static let ffn = 1...262144
    static let vocabulary = 2...(1 << 24)
    static let sequence = 1...65536
    static let batch = 1...65536
    static let stages = 1...256
    static let threads = 1...256
    static let virtualStages = 1...64
    static let steps = 0...1_000_000
}

extension RunError {
    /// As the command line reports it.
    var commandError: CommandError {
        switch self {
        case .configuration, .model: CommandError(code: .usage, message: description)
        case .data: CommandError(code: .data, message: description)
        case .failed: CommandError(code: .failed, message: description)
        }
    }
}
