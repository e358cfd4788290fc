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
    /// How the wait for input went.
    public var inputWait = Waited.ready
    /// How the wait for room went.
    public var roomWait = Waited.ready

    /// All 0, and nothing waited for.
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
