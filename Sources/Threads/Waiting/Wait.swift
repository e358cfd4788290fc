// SPDX-License-Identifier: Apache-2.0

/// How long a wait spins before it sleeps.
///
/// A sleeper on another CPU takes tens of microseconds to wake, so a rank that owns its CPU spins for longer than the
/// usual gap between hand-offs. A rank that shares its CPU must not spin at all: it would hold up the very rank it
/// waits for.
public struct Patience: Sendable, Equatable {
    /// Looks at the word, each after one pause instruction.
    public let spins: Int
    /// The longest single sleep. The abort flag and the deadline are looked at again after each.
    public let sliceNanoseconds: UInt64

    /// Spins so often, then sleeps so long at a time.
    public init(spins: Int, sliceNanoseconds: UInt64 = 20_000_000) {
        require(spins >= 0, "a patience of \(spins) spins")
        // A wait that sleeps for no time would be charged none, and never reach its deadline.
        require(sliceNanoseconds >= 1, "a patience that sleeps for no time")
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
    /// The deadline passed, after so much time that counted.
    case timedOut(afterNanoseconds: UInt64)
    /// Whoever is waited for has ended, or the connection to it is lost.
    case disconnected
    /// The system refused a call that the wait needs.
    case system(SystemError)
    /// A library that hands on did: which call, and its words for why.
    case library(String)
}

/// Up once the run is to be given up; every wait looks at it. It never comes down.
public struct AbortFlag: Sendable {
    private let counter: SharedCounter

    /// A flag in eight shared bytes that were 0 to begin with.
    public init(_ counter: SharedCounter) { self.counter = counter }

    /// Raises the flag; the first caller's rank is the one that is remembered.
    public func raise(by rank: Int) {
        // 0 is a flag that is down.
        require(rank >= -1 && rank <= Int.max - 2, "an abort by rank \(rank)")
        counter.setIfZero(UInt64(rank + 2))
    }

    /// The rank that raised it, -1 for the supervisor, nil while it is down.
    public var raisedBy: Int? {
        let raw = counter.value
        return raw == 0 ? nil : Int(truncatingIfNeeded: raw) &- 2
    }
}

/// Up while somebody of the run is stopped (SIGSTOP, Ctrl-Z): meanwhile no deadline comes nearer.
public struct SuspensionFlag: Sendable {
    private let counter: SharedCounter

    /// A flag in eight shared bytes that were 0 to begin with.
    public init(_ counter: SharedCounter) { self.counter = counter }

    /// Whether somebody is stopped.
    public var isUp: Bool { counter.value != 0 }
    /// Raises it or takes it down.
    public func set(_ isUp: Bool) { counter.store(isUp ? 1 : 0) }
}

/// What waits read the time from: the system's clock, or one that a test sets.
public struct WaitClock: Sendable {
    /// Nil for the system's.
    private let counter: SharedCounter?
    private let nanosecondsALook: UInt64

    /// `Clock.now()`.
    public static let system = WaitClock(nil, nanosecondsALook: 0)

    /// For tests: shows a counter, which first goes on by so much at every look.
    public init(_ counter: SharedCounter, nanosecondsALook: UInt64 = 0) {
        self.init(Optional(counter), nanosecondsALook: nanosecondsALook)
    }

    private init(_ counter: SharedCounter?, nanosecondsALook: UInt64) {
        self.counter = counter
        self.nanosecondsALook = nanosecondsALook
    }

    /// The time now, in nanoseconds.
    func now() -> UInt64 { counter?.increment(by: nanosecondsALook) ?? Clock.now() }
}

/// What every wait of one rank shares: how to wait, and what ends it besides the data.
public struct WaitContext: Sendable {
    /// How long to spin, and to sleep at a time.
    public let patience: Patience
    /// Ends the wait once it is up.
    public let abort: AbortFlag
    /// The longest that one wait may last, without the time in which the program was stopped.
    public let timeoutNanoseconds: UInt64
    /// While it is up, waits are charged nothing; nil where nobody can be stopped alone.
    public let suspension: SuspensionFlag?
    /// What the timeout is measured with.
    public let clock: WaitClock

    /// Unless given, nobody can be stopped alone, and time is the system's.
    public init(
        patience: Patience, abort: AbortFlag, timeoutNanoseconds: UInt64, suspension: SuspensionFlag? = nil,
        clock: WaitClock = .system
    ) {
        self.patience = patience
        self.abort = abort
        self.timeoutNanoseconds = timeoutNanoseconds
        self.suspension = suspension
        self.clock = clock
    }
}

/// How long a wait has lasted, as far as it counts against the deadline.
///
/// Between two looks at the clock there is one sleep, of a slice at most. What lasted longer than two slices was no wait: the
/// program was stopped, or had no CPU. So each sleep is charged two slices at most, and whoever is stopped longer than the
/// timeout does not find the timeout over when it goes on.
public struct WaitCharge {
    /// Nil before the first, which begins the wait.
    private var lastLook: UInt64?
    private var chargedNanoseconds: UInt64 = 0

    /// For a wait that begins with the first call of `slice`.
    public init() {}

    /// The next sleep, in nanoseconds: a slice, or what is left until the deadline.
    ///
    /// - Throws: `WaitError.aborted` once the abort flag is up, `.timedOut` at the deadline.
    public mutating func slice(_ context: WaitContext) throws(WaitError) -> UInt64 {
        if let rank = context.abort.raisedBy { throw .aborted(by: rank) }
        charge(context)
        if chargedNanoseconds >= context.timeoutNanoseconds { throw .timedOut(afterNanoseconds: chargedNanoseconds) }
        return min(context.patience.sliceNanoseconds, context.timeoutNanoseconds - chargedNanoseconds)
    }

    private mutating func charge(_ context: WaitContext) {
        let now = context.clock.now()
        let passed = now - min(now, lastLook ?? now)
        lastLook = now
        if context.suspension?.isUp == true { return }
        let slice = min(context.patience.sliceNanoseconds, .max / 2)
        // Centuries fit.
        chargedNanoseconds &+= min(passed, 2 * slice)
    }
}
