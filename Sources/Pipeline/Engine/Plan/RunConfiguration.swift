// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

/// Everything that decides a run. Runs that differ in schedule, ranks, partition, transport, threads or pinning alone give
/// the same losses, gradients and weights: to the bit, or, under a schedule that adds up gradients in another order, to
/// rounding (`ScheduleFacts.bits`).
public struct RunConfiguration: Sendable {
    /// What is trained; only evaluated, if the schedule has no backwards.
    public var model: Model
    /// Who does what in which order: it also says how many ranks, stages and microbatches there are.
    public var schedule: Schedule
    /// Sequences in a step; a multiple of the schedule's microbatches.
    public var batchSize = 8
    /// How the units are cut into the schedule's stages.
    public var partition = PartitionChoice.uniform
    /// Whether stages keep only their input from a microbatch's forward, and do the forward again for its backward
    /// (Chen et al., 1604.06174): less memory, a third more work, the same bits.
    public var recomputes = false
    /// The probability with which dropout sets an element to 0, in [0, 1). Evaluation drops nothing.
    public var dropout = 0.0
    /// Who runs the ranks, and how they hand on tensors.
    public var transport: any Transport = ThreadTransport()
    /// How the ranks' threads are kept on CPUs.
    public var pin = PinPolicy.auto
    /// Threads that share a rank's work, each pinned: rows, columns or elements, never a sum, so that bits do not change.
    public var threadsPerRank = 1
    /// What ends a step; of no use to a schedule without backwards.
    public var optimizer = Optimizer.adam(rate: 3e-4)
    /// What a step's learning rate is, as a multiple of the optimizer's: a learning-rate schedule, as PyTorch's LambdaLR has it.
    /// Asked for each step, which counts from 0, warm-up included, when the run is planned; 1 unless given.
    public var rateFactor: (@Sendable (_ step: Int) -> Double)?
    /// Of the parameters' start, and of dropout.
    public var seed: UInt64 = 0
    /// What all steps read, those of the warm-up too.
    public var tokens = TokenSource.random(seed: 0)
    /// Steps before the ones that are measured, which train like them; at least 0.
    public var warmupSteps = 3
    /// Steps after the warm-up, which figures are of; at least 1.
    public var measuredSteps = 10
    /// The longest that one wait for another rank may last; more than 0, at most 1e9.
    public var timeoutSeconds = 60.0
    /// Ends the run by a step's loss: asked after each step, which counts from 0, warm-up included. Once it says yes, that step is the
    /// last, or the next one when gradients are kept, in every run alike. It runs on the last stage's rank, in a process of its
    /// own if ranks are, and so may only depend on what it is given.
    public var stopsAfter: (@Sendable (_ step: Int, _ loss: Float) -> Bool)?
    /// How wide the kernels' vectors are; planning a run refuses a level that the CPU cannot run.
    public var simd = SIMDLevel.best
    /// Computes the matrix products instead of our kernels. Its results may depend on more than shapes.
    public var blas: BLASLibrary?
    /// Parameters to start from, instead of the seed's.
    public var initial: SafetensorsFile?
    /// Whether each task of each step is timed.
    public var keepsTimeline = true
    /// Whether the result holds the weights after the last step.
    public var keepsWeights = false
    /// Whether the result holds the gradients of the last step, as they were before the update.
    public var keepsGradients = false
    /// Texts that a checkpoint's metadata gets besides the model's settings, such as who wrote it.
    public var checkpointNotes: [String: String] = [:]

    /// All else as it is declared here, to be changed before a run is planned.
    public init(model: Model, schedule: Schedule) {
        self.model = model
        self.schedule = schedule
    }

    /// Of the whole run, those of the warm-up included.
    public var steps: Int { warmupSteps + measuredSteps }
    var effectiveDropout: Double { schedule.isForwardOnly ? 0 : dropout }
    /// Tokens of a file that the run reads: inputs, and the last row's last target.
    public var tokensUsed: Int { steps * batchSize * model.sequenceLength + 1 }
    /// Of one microbatch.
    public var batchShape: BatchShape {
        BatchShape(sequences: batchSize / max(1, schedule.microbatches), sequenceLength: model.sequenceLength)
    }
}

/// Why a run did not give a result.
public enum RunError: Error, CustomStringConvertible {
    /// Settings that do not fit together; `setting` is the one to change, named as the command line's flag.
    case configuration(setting: String, String)
    /// Units that do not fit each other or the model.
    case model(ModelError)
    case data(DataError)
    /// The system gave no memory, thread or process, or a rank failed.
    case failed(String)

    public var description: String {
        switch self {
        case .configuration(let setting, let reason): "\(setting): \(reason)"
        case .model(let error): error.description
        case .data(let error): error.description
        case .failed(let reason): reason
        }
    }
}
