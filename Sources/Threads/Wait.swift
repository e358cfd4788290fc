/// How long a wait spins before it sleeps.
///
/// A sleeper on another CPU takes tens of microseconds to wake, so a rank that owns its CPU spins for longer than the
/// usual gap between hand-offs. A rank that shares its CPU must not spin at all: it would hold up the very rank it
/// waits for.
public struct Patience: Sendable, Equatable {
    /// Looks at the word, each after one pause instruction.
    public var spins: Int
    /// The longest single sleep. The abort flag and the deadline are looked at again after each.
    public var sliceNanoseconds: UInt64

    public init(spins: Int, sliceNanoseconds: UInt64 = 20_000_000) {
        require(spins >= 0, "a patience of \(spins) spins")
        self.spins = spins
        self.sliceNanoseconds = sliceNanoseconds
    }

    /// For a rank with a CPU of its own.
    public static let ownCPU = Patience(spins: 20_000)
    /// For a rank that shares its CPU.
    public static let sharedCPU = Patience(spins: 0)
}

/// How a wait ended that got what it waited for.
public enum Waited: UInt8, BitwiseCopyable, CaseIterable, Sendable {
    /// It was there already.
    case ready
    /// It came while spinning.
    case spun
    /// It came after at least one look at the clock, and most likely a sleep.
    case parked
}

/// Why a wait ended without what it waited for.
public enum WaitError: Error, Equatable, Codable, Sendable {
    /// The run is being given up; `by` is the rank that raised the flag, or -1 for the supervisor.
    case aborted(by: Int)
    case timedOut(afterNanoseconds: UInt64)
    /// Whoever is waited for has ended, or the connection to it is lost.
    case disconnected
}

/// Up once the run is to be given up; every wait looks at it. It never comes down.
public struct AbortFlag: Sendable {
    private let counter: SharedCounter

    /// A flag in eight shared bytes that were 0 to begin with.
    public init(_ counter: SharedCounter) { self.counter = counter }

    /// Raises the flag; the first caller's rank is the one that is remembered.
    public func raise(by rank: Int) { counter.setIfZero(UInt64(bitPattern: Int64(rank &+ 2))) }

    /// The rank that raised it, -1 for the supervisor, nil while it is down.
    public var raisedBy: Int? {
        let raw = counter.value
        return raw == 0 ? nil : Int(Int64(bitPattern: raw)) &- 2
    }
}

/// What every wait of one rank shares: how to wait, and what ends it besides the data.
public struct WaitContext: Sendable {
    public let patience: Patience
    public let abort: AbortFlag
    /// The longest that one wait may last.
    public let timeoutNanoseconds: UInt64

    public init(patience: Patience, abort: AbortFlag, timeoutNanoseconds: UInt64) {
        self.patience = patience
        self.abort = abort
        self.timeoutNanoseconds = timeoutNanoseconds
    }

    /// The next sleep of a wait that began at `start`, in nanoseconds: a slice, or what is left until the deadline.
    ///
    /// - Throws: `WaitError.aborted` once the abort flag is up, `.timedOut` at the deadline.
    public func slice(since start: UInt64) throws(WaitError) -> UInt64 {
        if let rank = abort.raisedBy { throw .aborted(by: rank) }
        let waited = Clock.now() &- start
        if waited >= timeoutNanoseconds { throw .timedOut(afterNanoseconds: waited) }
        return min(patience.sliceNanoseconds, timeoutNanoseconds - waited)
    }
}
