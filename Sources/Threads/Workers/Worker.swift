// SPDX-License-Identifier: Apache-2.0

import CThreads

/// Somebody who runs a rank: a pinned thread or a forked process, behind one interface. Its body computes with subnormal
/// numbers flushed to 0.
public protocol Worker<Value, Failure>: AnyObject {
    associatedtype Value
    associatedtype Failure: Error

    /// What the body was started as, for messages.
    var name: String { get }

    /// Waits up to `milliseconds` for the worker to end; does not collect it.
    func hasEnded(within milliseconds: Int) -> Bool

    /// Whether it stands still because somebody stopped it (SIGSTOP, a terminal's Ctrl-Z) and not the whole program.
    var isStopped: Bool { get }

    /// Ends the worker by force, if that is possible: a process gets SIGKILL; a thread only ever leaves by itself.
    func kill()

    /// Waits for the end and collects the worker: the body's value, or why there is none. To be called exactly once.
    func join() throws(WorkerError<Failure>) -> Value
}

/// Why a worker gave no value.
public enum WorkerError<Failure: Error>: Error {
    /// The body threw.
    case failed(Failure)
    /// A signal ended the process.
    case killed(signal: Int32)
    /// The process ended without reporting what its body returned or threw.
    case exited(code: Int32)
    /// The process ended without a report, and somebody else has collected it: another part of the program, or the system
    /// where SIGCHLD is ignored.
    case lost
}

extension WorkerError: Equatable where Failure: Equatable {}
extension WorkerError: Codable where Failure: Codable {}

/// What became of the wish to keep a worker on one CPU.
public enum Pinning: Equatable, Sendable, Codable {
    case free
    case pinned(cpu: Int)
    /// Containers refuse pinning: the worker runs all the same, wherever the system puts it.
    case refused(cpu: Int, SystemError)

    /// Pins the calling thread.
    static func pin(to cpu: Int?) -> Pinning {
        guard let cpu else { return .free }
        let code = ppt_pin_to_cpu(Int32(clamping: cpu))
        return code == 0 ? .pinned(cpu: cpu) : .refused(cpu: cpu, SystemError(call: "sched_setaffinity", code: code))
    }
}

/// The calling thread.
public enum CurrentThread {
    /// The CPU it is on at this moment.
    public static var cpu: Int { Int(ppt_current_cpu()) }

    /// Makes the calling thread, which is a new one or a new process's, a worker's: named, on its CPU, and without subnormal
    /// numbers, which an operation takes as 0 and rounds to 0. Otherwise gradients that fade away, such as those of a rare
    /// word's row in Adam's moments, end as subnormals, on each of which the CPU would spend a hundred cycles in every step.
    static func becomeWorker(_ name: String, cpu: Int?) -> Pinning {
        unsafe name.withCString { _ = unsafe ppt_name_thread($0) }
        ppt_flush_subnormals()
        return Pinning.pin(to: cpu)
    }

    /// From now on a sleep of the calling thread ends when it should, and not up to 50 microseconds later, which is how long the system
    /// waits for another thread to wake as well.
    public static func sleepPrecisely() { ppt_sleep_precisely() }

    /// Heap allocations it has made so far, or nil in a program that does not count them (all but one of our tests).
    public static var allocations: Int? {
        let count = ppt_thread_allocations()
        return count < 0 ? nil : Int(count)
    }
}
