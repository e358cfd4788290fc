import Pipeline
import Threads

/// The result of a run as one JSON object, for programs; its keys are these names in snake case. Times are in seconds, memory in bytes; a loss that is no number
/// is the string "NaN", "Infinity" or "-Infinity".
struct RunJSON: Encodable {
    let arch: String
    let schedule: String
    let transport: String
    let partition: String
    let recompute: Bool
    let forwardOnly: Bool
    let stages: Int
    let virtualStages: Int
    let microbatches: Int
    let layers: Int
    let heads: Int
    let dim: Int
    let ffn: Int
    let vocabSize: Int
    let seqLen: Int
    let batchSize: Int
    let threads: Int
    let simd: String
    /// Who computed the matrix products: `builtin`, or a library.
    let gemm: String
    let dropout: Double
    /// null for random tokens.
    let data: DataJSON?
    /// How results compare with those of one stage: `as one stage`, to the bit, or `to rounding`.
    let bits: String
    let parameters: Int
    let warmupSteps: Int
    /// Fewer than were asked for when a signal has stopped the run.
    let measureSteps: Int
    /// That signal, such as SIGINT; otherwise there is no such key.
    let stoppedBy: String?
    /// Tokens of a step over the median measured step.
    let tokensPerS: Double
    let stepSMedian: Double
    let stepSMean: Double
    let stepSMin: Double
    let stepSMax: Double
    /// Distance of the quartiles over the median.
    let stepSpread: Double
    /// Every measured step.
    let stepS: [Double]
    /// Matrix products of a step, all ranks.
    let productFlops: Double
    /// After the last step; with `--forward-only`, the mean over the measured steps.
    let loss: Float
    /// Of the whole run, and of that, before its first step.
    let totalS: Double
    let setUpS: Double
    /// One for each step, warm-up first.
    let lossHistory: [Float]
    /// For each rank, the high-water mark that was measured.
    let peakActivationBytes: [Int]
    let peakInFlight: [Int]
    let weightBytes: [Int]
    /// For each rank, its share of the matrix products.
    let workShare: [Double]
    /// For each thread of each rank, the CPU it was pinned to, or null.
    let cpus: [Int?]
    /// Bytes of activations and gradients that were copied on their way between stages.
    let handoffBytesCopied: Int
    /// Where the mean step went, and what it would be under other circumstances; null with `--no-timeline`.
    let breakdown: Terms?
    /// The same for each rank, and each edge's hand-offs.
    let ranks: [RankTerms]
    let handoffs: [EdgeHandoffs]
    let notes: [String]

    init(_ options: RunOptions, _ result: RunResult) {
        let plan = result.plan
        let configuration = plan.configuration
        let steps = Statistics(result.measuredStepSeconds)
        arch = options.model.architecture.rawValue
        schedule = options.schedule.rawValue
        transport = options.transport.rawValue
        partition = options.partition.rawValue
        recompute = options.recompute
        forwardOnly = options.forwardOnly
        stages = plan.schedule.ranks
        virtualStages = plan.schedule.stages / plan.schedule.ranks
        microbatches = options.microbatches
        layers = options.model.layers
        heads = options.model.heads
        dim = options.model.dim
        ffn = options.model.hidden
        vocabSize = configuration.model.vocabulary
        seqLen = options.model.sequenceLength
        batchSize = options.batch
        threads = options.threads
        simd = configuration.simd.rawValue
        gemm = configuration.blas?.path ?? "builtin"
        dropout = options.dropout
        data = DataJSON(configuration)
        bits = plan.facts.bits.label
        parameters = plan.parameters.reduce(0) { $0 + $1.shape.count }
        warmupSteps = options.warmup
        measureSteps = result.measuredSteps
        stoppedBy = result.steps < configuration.steps ? Signals.noted?.description : nil
        tokensPerS = result.tokensPerSecond
        stepSMedian = steps.median
        stepSMean = steps.mean
        stepSMin = steps.min
        stepSMax = steps.max
        stepSpread = steps.relativeSpread
        stepS = result.measuredStepSeconds
        productFlops = plan.productFLOPs
        lossHistory = result.losses
        loss = result.loss
        totalS = result.totalSeconds
        setUpS = result.setUpSeconds
        peakActivationBytes = result.ranks.map(\.activationBytesPeak)
        peakInFlight = result.ranks.map(\.inFlightPeak)
        weightBytes = plan.weightBytesOfRank
        workShare = plan.productShareOfRank
        cpus = result.ranks.flatMap(\.pinnings).map { pinning in
            if case .pinned(let cpu) = pinning { return cpu }
            return nil
        }
        handoffBytesCopied = result.ranks.reduce(0) { $0 + $1.handoffBytesCopied }
        breakdown = Terms(result)
        ranks = result.rankBreakdowns().map(RankTerms.init)
        handoffs = result.handoffs().map(EdgeHandoffs.init)
        notes = RunTable(options, result).notes
    }

    func text() throws(CommandError) -> String { try JSONText.encode(self) }
}
