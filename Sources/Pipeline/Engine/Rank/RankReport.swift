// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

/// What a rank tells when it is done. Crosses to the caller, from another process if need be.
public struct RankReport: Codable, Sendable {
    /// Counts from 0.
    public let rank: Int
    /// Of each of its threads, its own first.
    public var pinnings: [Pinning]
    /// The CPU it was on when it ended.
    public var cpu: Int
    /// For each step, when the rank was released into it, on the common clock, in nanoseconds.
    public var stepStart: [UInt64] = []
    /// For each step, when its update, or without one its last task, was done, on the common clock, in nanoseconds.
    public var stepEnd: [UInt64] = []
    /// For each step, the bits of the mean loss over the microbatches; empty but on the last stage's rank, the first copy's.
    /// (Bits, because a loss may be NaN, which JSON has no number for.)
    public var lossBits: [UInt32] = []
    /// The high-water mark of what is held for backwards: stash frames in use, received activations not yet released, and
    /// between I and W what a weight gradient still needs, gradient frame and received gradient.
    public var activationBytesPeak = 0
    /// The same high-water mark counted in (stage, microbatch) pairs.
    public var inFlightPeak = 0
    /// What others took from the run's CPUs during the measured steps; of rank 0 alone.
    public var taken: TakenTime?
    /// Heap allocations inside steps; nil in a program that does not count them.
    public var allocationsInSteps: Int?
    /// Bytes of activations and gradients that were copied on their way between stages, as the channels counted them.
    public var handoffBytesCopied = 0
    /// For each of its stages, ascending, what tells its weights after the last step from others; empty where there is one copy.
    public var weightMarks: [UInt64] = []
    /// What was there after the last step.
    public var memory = MemoryReading()

    /// Of a rank that has not done anything yet.
    package init(rank: Int, pinnings: [Pinning], cpu: Int) {
        (self.rank, self.pinnings, self.cpu) = (rank, pinnings, cpu)
    }

    /// So that no step has to allocate.
    mutating func reserveRoom(steps: Int) {
        stepStart.reserveCapacity(steps)
        stepEnd.reserveCapacity(steps)
        lossBits.reserveCapacity(steps)
    }

    /// Turns its moments into those of another clock.
    mutating func correct(_ correct: ClockCorrection) {
        if correct.isNone { return }
        stepStart = stepStart.map { correct($0) }
        stepEnd = stepEnd.map { correct($0) }
    }

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
public struct RankFailure: Error, Codable, Equatable, Sendable {
    /// What made a rank stop.
    public enum Reason: Error, Codable, Equatable, Sendable {
        case wait(WaitError)
        case memory(String)
        /// A file that it reads while it works.
        case data(DataError)
        case threads(String)

        /// Runs something that maps memory; the system's refusal becomes the reason why the rank stopped.
        static func ofMemory<Mapped>(_ map: () throws(SegmentError) -> Mapped) throws(Self) -> Mapped {
            do throws(SegmentError) { return try map() } catch { throw .memory(error.description) }
        }
    }

    /// The one that stopped; counts from 0.
    public let rank: Int
    /// Where it was when it stopped.
    public let position: RankPosition
    /// What made it stop.
    public let reason: Reason
    /// When it stopped, on the clock that all ranks share.
    public let moment: UInt64

    /// Of a rank that stops now, unless another moment is given.
    public init(rank: Int, position: RankPosition, reason: Reason, moment: UInt64 = Clock.now()) {
        self.rank = rank
        self.position = position
        self.reason = reason
        self.moment = moment
    }

    /// Whether it is one of the rank's own, rather than that of a rank that left because another one had failed or was gone.
    var isCause: Bool {
        switch reason {
        case .wait(.aborted), .wait(.disconnected): false
        case .wait(.timedOut), .wait(.system), .wait(.library), .memory, .data, .threads: true
        }
    }

    /// - Parameters:
    ///   - position: of the rank, in words.
    ///   - culprit: whom a rank that waited too long waited for, with its position, when that is another one.
    func description(at position: String, waitingFor culprit: (rank: Int, position: String)? = nil) -> String {
        switch reason {
        case .wait(.aborted(let other)): return "rank \(rank) stopped \(position), because rank \(other) gave up"
        case .wait(.timedOut(let nanoseconds)):
            let seconds = Double(nanoseconds / 1_000_000) / 1000
            guard let culprit else {
                return "rank \(rank) waited \(seconds) s \(position): another rank hangs or is slower than --timeout "
                    + "allows"
            }
            return "rank \(culprit.rank) hangs or is slower than --timeout allows, \(culprit.position): "
                + "rank \(rank) waited \(seconds) s for it, \(position)"
        case .wait(.disconnected):
            return "rank \(rank) lost the connection to another rank \(position): that rank has ended"
        case .wait(.system(let error)):
            return "rank \(rank) could not exchange with another rank \(position): \(error)"
        case .wait(.library(let sentence)):
            return "rank \(rank) could not exchange with another rank \(position): \(sentence)"
        case .data(let error): return "\(error.reason); rank \(rank) could not go on \(position)"
        case .memory(let text): return "rank \(rank) got no memory: \(text)"
        case .threads(let text): return "rank \(rank) got no threads to share its work: \(text)"
        }
    }
}
