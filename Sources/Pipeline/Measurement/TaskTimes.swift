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
    /// another's; counted for ranks that share their CPU.
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
    private let delay: RunDelay?
    private var cpuAtStart: UInt64 = 0
    private var delayAtEnd: UInt64 = 0

    /// - Parameter delay: of the rank's thread, where it shares its CPU.
    init(isOn: Bool, _ delay: RunDelay?) {
        self.isOn = isOn
        self.delay = isOn ? delay : nil
    }

    /// The rank is about to wait for its release into a step.
    mutating func startStep() {
        if let delay { delayAtEnd = delay.nanoseconds }
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
        if let delay { times.delay = delay.nanoseconds - delayAtEnd }
    }

    mutating func endWork() {
        if !isOn { return }
        if let delay { delayAtEnd = delay.nanoseconds }
        times.end = Clock.now()
        times.sent = times.end
        times.cpu = Clock.threadCPU() - cpuAtStart
    }

    /// The output is handed on next.
    mutating func handOn() {
        if isOn { times.sent = Clock.now() }
    }
}
