import Threads

/// When one task of one step was done, on the clock that all ranks share, in nanoseconds.
///
///     begin ... waits for its input ... received ... waits for room ... ready ... works ... end ... sent
public struct TaskTimes: BitwiseCopyable, Equatable, Sendable {
    /// The rank turned to it.
    public var begin: UInt64 = 0
    /// Its input was there.
    public var received: UInt64 = 0
    /// There was room for its output: the work began.
    public var ready: UInt64 = 0
    /// The work was done.
    public var end: UInt64 = 0
    /// Its output was about to be handed on, or, where it has none, the same as `end`.
    public var sent: UInt64 = 0
    /// CPU time that the rank's thread had between `ready` and `end`.
    public var cpu: UInt64 = 0
    /// Time between the end of the rank's task before and `ready` in which the rank was ready to run and its CPU was
    /// another's; counted where the rank shares its CPU, or that time is long.
    public var delay: UInt64 = 0
    /// How the waits for input and for room went.
    public var inputWait = Waited.ready
    public var roomWait = Waited.ready

    public init() {}

    /// Seconds of work.
    public var work: Double { seconds(from: ready, to: end) }
    /// Seconds of work in which the rank's thread had its CPU.
    public var onCPU: Double { Double(min(cpu, end - ready)) / 1e9 }
    /// Seconds of work in which it did not.
    public var displaced: Double { work - onCPU }
}

/// Seconds between two moments of the common clock; 0 when they are the other way round.
func seconds(from start: UInt64, to end: UInt64) -> Double { Double(end - min(start, end)) / 1e9 }

/// Takes the times of a rank's tasks as they go on, one after the other; without a timeline it does nothing.
struct TaskWatch {
    private(set) var times = TaskTimes()
    private let isOn: Bool
    /// Whether to ask before every task how long the rank was without a CPU, rather than only when it comes late.
    private let sharesCPU: Bool
    private let delay: RunDelay?
    private static let lateNanoseconds: UInt64 = 20_000
    private var endBefore: UInt64 = 0
    private var cpuAtStart: UInt64 = 0
    /// The last answer, and what of the delay since then is known already: what was lost inside tasks.
    private var delayBefore: UInt64 = 0
    private var knownDelay: UInt64 = 0

    /// To be made on the rank's own thread.
    init(isOn: Bool, sharesCPU: Bool) {
        self.isOn = isOn
        self.sharesCPU = sharesCPU
        delay = isOn ? RunDelay() : nil
    }

    /// The rank is about to wait for its release into a step.
    mutating func startStep() {
        delayBefore = delay?.nanoseconds ?? 0
        knownDelay = 0
        endBefore = 0
    }

    /// The rank turns to its next task.
    mutating func begin() {
        if !isOn { return }
        times = TaskTimes()
        times.begin = Clock.now()
        times.received = times.begin
    }

    /// The input is there.
    mutating func received(_ waited: Waited) {
        if !isOn { return }
        times.received = Clock.now()
        times.inputWait = waited
    }

    // CPU time is read outside of the clock's readings: so what it falls short by was really lost. Delays are read inside
    // of them, because a system call is where the rank may lose its CPU, after the reading: that is then part of the work.

    mutating func startWork(roomWait: Waited = .ready) {
        if !isOn { return }
        times.roomWait = roomWait
        cpuAtStart = Clock.threadCPU()
        times.ready = Clock.now()
        if sharesCPU || times.ready - endBefore > Self.lateNanoseconds { readDelay() }
    }

    mutating func endWork() {
        if !isOn { return }
        times.end = Clock.now()
        times.sent = times.end
        times.cpu = Clock.threadCPU() - cpuAtStart
        let work = times.end - times.ready
        knownDelay += work - min(work, times.cpu)
        endBefore = times.end
    }

    /// The output is handed on next.
    mutating func handOn() {
        if isOn { times.sent = Clock.now() }
    }

    private mutating func readDelay() {
        guard let now = delay?.nanoseconds else { return }
        let since = now - min(now, delayBefore)
        times.delay = since - min(since, knownDelay)
        delayBefore = now
        knownDelay = 0
    }
}
