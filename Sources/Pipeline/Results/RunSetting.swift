/// What tells one run from another.
///
/// The order is that in which groups are sorted: runs that differ in the last two alone are next to each other. The raw value
/// is a setting's place in a list of all.
public enum RunSetting: Int, CaseIterable, Sendable {
    case host, cpu, layers, heads, ranks, microbatches, transport, arch, dim, ffn, vocabulary, sequenceLength, batch,
        threads
    case partition, recompute, forwardOnly, optimizer, lr, dropout, seed, data, initial, simd, gemm, pin, warmupSteps
    case measuredSteps, timeline, schedule
    case virtualStages

    /// Its column in a results CSV.
    public var column: String {
        switch self {
        case .ranks: "world_size"
        case .dim: "hidden_dim"
        case .vocabulary: "vocab_size"
        case .sequenceLength: "seq_len"
        case .batch: "batch_size"
        case .forwardOnly: "forward_only"
        case .warmupSteps: "warmup_steps"
        case .measuredSteps: "measure_steps"
        case .virtualStages: "virtual_stages"
        case .initial: "init"
        default: "\(self)"
        }
    }

    /// Names of its column, ours first; then the reference study's summary's.
    var columns: [String] { self == .ranks ? [column, "Processes"] : [column] }

    /// Whether its values are whole numbers.
    var isCount: Bool {
        switch self {
        case .layers, .heads, .ranks, .microbatches, .dim, .ffn, .vocabulary, .sequenceLength, .batch, .threads,
            .warmupSteps, .measuredSteps, .virtualStages:
            true
        default: false
        }
    }

    /// The largest whole number that one may be: the product of any two fits in an `Int`.
    static let countMost = Int(Int32.max)
    /// The longest name that one may be, in bytes of UTF-8: gemm may be a path.
    static let nameBytesMost = 4096

    /// What its values may be.
    var allowed: String {
        if self == .seed { return "a whole number from 0 to \(Int.max)" }
        if isNumber { return self == .lr ? "a number above 0" : "a number from 0 and below 1" }
        if !isCount { return "a name of at most \(Self.nameBytesMost) bytes" }
        return "a whole number from \(self == .warmupSteps ? 0 : 1) to \(Self.countMost)"
    }

    /// Whether its values are numbers that need not be whole.
    var isNumber: Bool { self == .lr || self == .dropout }

    /// Whether such a number can be its value.
    func allows(_ number: Double) -> Bool { self == .lr ? number > 0 && number.isFinite : (0..<1).contains(number) }

    /// Those without which a results CSV is none.
    static let required: [RunSetting] = [.schedule, .ranks, .layers, .heads]
}

/// A figure that a results CSV has for each run.
enum RunFigure: String, CaseIterable {
    case tokensPerSecond = "tokens_per_s"
    case stepSeconds = "avg_step_time_s"
    case totalSeconds = "total_time_s"
    case work = "work_s"
    case imbalance = "imbalance_s"
    case bubble = "bubble_s"
    case oversubscription = "oversubscription_s"
    case transport = "transport_s"
    case optimizer = "optimizer_s"
    case disturbance

    var columns: [String] {
        switch self {
        case .tokensPerSecond: [rawValue, "Tokens per Second"]
        case .stepSeconds: [rawValue, "Average Step Time (s)"]
        case .totalSeconds: [rawValue, "Total Time (s)"]
        default: [rawValue]
        }
    }

    /// What one may be: far beyond what was ever measured, and so that no sum, product or ratio of a file's figures is too
    /// large or too small for a `Double`. Noise can bring terms below 0, and so the share of the steps that others took.
    var range: ClosedRange<Double> {
        switch self {
        case .tokensPerSecond, .stepSeconds, .totalSeconds: 1e-15...1e15
        case .work, .imbalance, .bubble, .oversubscription, .transport, .optimizer: -1e15...1e15
        case .disturbance: -1...1
        }
    }

    /// The same in words.
    var allowed: String {
        switch self {
        case .tokensPerSecond, .stepSeconds, .totalSeconds: "from 1e-15 to 1e15"
        case .work, .imbalance, .bubble, .oversubscription, .transport, .optimizer: "from -1e15 to 1e15"
        case .disturbance: "from -1 to 1"
        }
    }

    static let required: [RunFigure] = [.tokensPerSecond, .stepSeconds]
    static let terms: [RunFigure] = [.work, .imbalance, .bubble, .oversubscription, .transport, .optimizer]
}
