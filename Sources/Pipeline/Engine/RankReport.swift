import Threads

/// What a rank tells when it is done. Crosses to the caller, from another process if need be.
public struct RankReport: Codable, Sendable {
    public let rank: Int
    /// Of each of its threads, its own first.
    public var pinnings: [Pinning]
    /// The CPU it was on when it ended.
    public var cpu: Int
    /// For each step, when it was released into the step and when its update was done, on the common clock.
    public var stepStart: [UInt64] = []
    public var stepEnd: [UInt64] = []
    /// For each step, the bits of the mean loss over the microbatches; empty but on the last stage's rank.
    /// (Bits, because a loss may be NaN, which JSON has no number for.)
    public var lossBits: [UInt32] = []
    /// The high-water mark of what is held for backwards: stash frames in use, and received activations not yet
    /// released.
    public var activationBytesPeak = 0
    /// The same high-water mark counted in (stage, microbatch) pairs.
    public var inFlightPeak = 0
    /// Heap allocations inside steps; nil in a program that does not count them.
    public var allocationsInSteps: Int?
    /// Bytes of activations and gradients that were copied on their way between stages, as the channels counted them.
    public var handoffBytesCopied = 0

    /// Adds what the helpers of its team have to tell.
    mutating func add(_ helpers: [Team.HelperReport]) {
        pinnings += helpers.map(\.pinning)
        for case let count? in helpers.map(\.allocations) { allocationsInSteps = (allocationsInSteps ?? 0) + count }
    }

    /// Adds what the calling thread has allocated since it had made `start` allocations.
    mutating func addAllocations(since start: Int?) {
        guard let start, let now = CurrentThread.allocations else { return }
        allocationsInSteps = (allocationsInSteps ?? 0) + now - start
    }
}

/// Why a rank stopped early, and where it was.
public struct RankFailure: Error, Codable, Equatable, Sendable, CustomStringConvertible {
    public enum Reason: Error, Codable, Equatable, Sendable {
        case wait(WaitError)
        case memory(String)
        /// A file that it reads while it works.
        case data(String)
        case threads(String)
    }

    public let rank: Int
    public let position: RankPosition
    public let reason: Reason

    public var description: String {
        switch reason {
        case .wait(.aborted(let other)): "rank \(rank) stopped \(position), because rank \(other) gave up"
        case .wait(.timedOut(let nanoseconds)):
            "rank \(rank) waited \(Double(nanoseconds / 1_000_000) / 1000) s \(position): another rank hangs or is "
                + "slower than --timeout allows"
        case .wait(.disconnected):
            "rank \(rank) lost the connection to another rank \(position): that rank has ended, or the system cut them off"
        case .memory(let text): "rank \(rank) got no memory: \(text)"
        case .data(let text): "rank \(rank) could not go on \(position): \(text)"
        case .threads(let text): "rank \(rank) got no threads to share its work: \(text)"
        }
    }
}

/// Where a rank is: the last thing it started on.
public struct RankPosition: Codable, Equatable, Sendable, CustomStringConvertible {
    /// Counts from 0, warm-up included; messages count from 1, as the progress line does.
    public let step: Int
    /// What it does there, or nil between steps.
    public let task: String?

    public var description: String {
        if let task { "in step \(step + 1), at \(task)" } else { "before step \(step + 1)" }
    }
}
