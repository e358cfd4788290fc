// SPDX-License-Identifier: Apache-2.0

import CThreads
import FoundationEssentials
import Glibc

/// A forked process that runs one body and reports what it returned or threw through a pipe.
///
/// The child is a copy of the parent at the moment of the fork: it sees every mapping, and shares those that were
/// mapped shared. It dies with its parent (PR_SET_PDEATHSIG), so killing the parent leaves nothing behind.
public final class ForkedWorker<Value: Codable & Sendable, Failure: Error & Codable>: Worker {
    public let name: String
    /// The child's; once it was joined, the system may give the number to another process.
    public var processID: Int32 { process.id }

    private let process: ForkedProcess
    private var report = PipeReader()
    private var isJoined = false
    private var wasStopped = false

    /// Forks. The calling thread must be the process's only one: a fork copies no other thread, but does copy the
    /// locks that they hold.
    ///
    /// - Parameters:
    ///   - name: for messages; the system shows its first 15 bytes.
    ///   - cpu: the CPU to stay on; nil lets the system choose. A refusal reaches the body, it is not an error.
    ///   - body: what the child does, told how its pinning went; `join` gives what it returns or throws.
    /// - Throws: `ForkError`.
    public init(
        name: String, cpu: Int?, body: @escaping (Pinning) throws(Failure) -> Value
    ) throws(ForkError) {
        try Self.checkAlone()
        let parent = getpid()
        do throws(SystemError) {
            let pipe = try Pipe()
            defer { pipe.closeWriteEnd() }
            do throws(SystemError) {
                process = try ForkedProcess { Self.runChild(parent, pipe, name, cpu, body) }
            } catch {
                pipe.closeReadEnd()
                throw error
            }
            report = PipeReader(descriptor: pipe.readEnd)
        } catch {
            throw .system(error)
        }
        self.name = name
    }

    deinit { require(isJoined, "process \(name) was never joined") }

    public func hasEnded(within milliseconds: Int) -> Bool { report.isAtEnd(within: milliseconds) }

    public func kill() {
        if isJoined { return }
        // The child alone holds the pipe's other end, for as long as it lives.
        process.kill { !report.isAtEnd(within: 0) }
    }

    public var isStopped: Bool {
        if let news = process.stopNews() { wasStopped = news }
        return wasStopped
    }

    public func join() throws(WorkerError<Failure>) -> Value {
        require(!isJoined, "process \(name) was joined before")
        while !report.isAtEnd(within: 1000) {}
        let end = process.collect()
        isJoined = true
        report.close()
        if case .killed(let signal) = end { throw .killed(signal: signal) }
        // A whole report tells all, even where nobody can say any more how the process ended.
        guard let outcome = try? JSONDecoder().decode(Outcome.self, from: report.bytes) else {
            if case .exited(let code) = end { throw .exited(code: code) }
            throw .lost
        }
        switch outcome {
        case .returned(let value): return value
        case .threw(let failure): throw .failed(failure)
        }
    }

    private enum Outcome: Codable {
        case returned(Value)
        case threw(Failure)
    }

    private static func runChild(
        _ parent: Int32, _ pipe: Pipe, _ name: String, _ cpu: Int?, _ body: (Pinning) throws(Failure) -> Value
    ) -> Never {
        pipe.closeReadEnd()
        ppt_ignore_stops()
        Suspensions.note(replaces: true)
        // The parent may have died before the request to die with it; then nobody is left to report to.
        if ppt_die_with_parent() != 0 || getppid() != parent { _exit(1) }
        let pinning = CurrentThread.becomeWorker(name, cpu: cpu)
        let outcome: Outcome
        do throws(Failure) {
            outcome = .returned(try body(pinning))
        } catch {
            outcome = .threw(error)
        }
        // _exit: the parent's buffered output, copied by the fork, must not be flushed a second time.
        guard let bytes = try? JSONEncoder().encode(outcome), pipe.write(bytes) else { _exit(2) }
        _exit(0)
    }

    /// - Throws: when the process has other threads, once those that have ended are gone: one that was joined may still be
    ///   listed for a moment.
    private static func checkAlone() throws(ForkError) {
        let deadline = Clock.now() + 1_000_000_000
        while true {
            let threads: Int
            do throws(SystemError) { threads = try threadCount() } catch { throw .threadsUnknown(error) }
            if threads <= 1 { return }
            if Clock.now() > deadline { throw .otherThreadsRun(count: threads) }
            Clock.sleep(nanoseconds: 1_000_000)
        }
    }

    private static func threadCount() throws(SystemError) -> Int {
        let path = "/proc/self/task"
        guard let tasks = unsafe opendir(path) else { throw .last("opendir \(path)") }
        defer { unsafe closedir(tasks) }
        var entries = 0
        while unsafe readdir(tasks) != nil { entries += 1 }
        return entries - 2 - Int(ppt_sanitizer_threads())  // without "." and ".."
    }
}

/// Why no process could be forked.
public enum ForkError: Error, Equatable, CustomStringConvertible {
    case otherThreadsRun(count: Int)
    /// Nobody can tell whether other threads run.
    case threadsUnknown(SystemError)
    case system(SystemError)

    public var description: String {
        switch self {
        case .otherThreadsRun(let count):
            "fork needs a process with one thread, and this one has \(count): start process workers before any thread"
        case .threadsUnknown(let error):
            "fork needs a process with one thread, and only /proc can tell: \(error)"
        case .system(let error): error.description
        }
    }
}
