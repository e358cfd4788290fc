import CThreads
import FoundationEssentials
import Glibc

/// A forked process that runs one body and reports what it returned or threw through a pipe.
///
/// The child is a copy of the parent at the moment of the fork: it sees every mapping, and shares those that were
/// mapped shared. It dies with its parent (PR_SET_PDEATHSIG), so killing the parent leaves nothing behind.
public final class ForkedWorker<Value: Codable & Sendable, Failure: Error & Codable>: Worker {
    public let name: String
    public let processID: Int32

    private var report = PipeReader()
    private var isJoined = false

    /// Forks. The calling thread must be the process's only one: a fork copies no other thread, but does copy the
    /// locks that they hold.
    ///
    /// - Parameter cpu: the CPU to stay on; nil lets the system choose. A refusal reaches the body, it is not an error.
    /// - Throws: `ForkError`.
    public init(
        name: String, cpu: Int?, body: @escaping (Pinning) throws(Failure) -> Value
    ) throws(ForkError) {
        let threads = Self.threadsLeft()
        if threads > 1 { throw .otherThreadsRun(count: threads) }

        let parent = getpid()
        do throws(SystemError) {
            let pipe = try Pipe()
            // What the parent has not written out yet would be in the child's buffers too, and come out twice.
            fflush(nil)
            processID = try systemCall("fork") { fork() }
            if processID == 0 { Self.runChild(parent, pipe, name, cpu, body) }
            pipe.closeWriteEnd()
            report = PipeReader(descriptor: pipe.readEnd)
        } catch {
            throw .system(error)
        }
        self.name = name
    }

    deinit { require(isJoined, "process \(name) was never joined") }

    public func hasEnded(within milliseconds: Int) -> Bool { report.isAtEnd(within: milliseconds) }

    public func kill() {
        // Sound: the process is reaped only in join, so its id cannot belong to somebody else yet.
        if !isJoined { _ = Glibc.kill(processID, SIGKILL) }
    }

    public func join() throws(WorkerError<Failure>) -> Value {
        require(!isJoined, "process \(name) was joined before")
        while !report.isAtEnd(within: 1000) {}
        let code = reap()
        isJoined = true
        report.close()
        if code >= 1000 { throw .killed(signal: code - 1000) }
        guard code == 0, let outcome = try? JSONDecoder().decode(Outcome.self, from: report.bytes) else {
            throw .exited(code: code)
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

    private func reap() -> Int32 {
        var status: Int32 = 0
        let reaped = try? systemCall("waitpid") { unsafe waitpid(processID, &status, 0) }
        require(reaped == processID, "process \(name) was reaped by somebody else")
        return ppt_decode_wait_status(status)
    }

    private static func runChild(
        _ parent: Int32, _ pipe: Pipe, _ name: String, _ cpu: Int?, _ body: (Pinning) throws(Failure) -> Value
    ) -> Never {
        pipe.closeReadEnd()
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

    /// The process's threads, once those that have ended are gone: one that was joined may still be listed for a moment.
    private static func threadsLeft() -> Int {
        let deadline = Clock.now() + 1_000_000_000
        while true {
            let threads = threadCount() - Int(ppt_sanitizer_threads())
            if threads <= 1 || Clock.now() > deadline { return threads }
            Clock.sleep(nanoseconds: 1_000_000)
        }
    }

    private static func threadCount() -> Int {
        guard let tasks = unsafe opendir("/proc/self/task") else { return 1 }
        defer { unsafe closedir(tasks) }
        var entries = 0
        while unsafe readdir(tasks) != nil { entries += 1 }
        return entries - 2  // "." and ".."
    }
}

/// Why no process could be forked.
public enum ForkError: Error, Equatable, CustomStringConvertible {
    case otherThreadsRun(count: Int)
    case system(SystemError)

    public var description: String {
        switch self {
        case .otherThreadsRun(let count):
            "fork needs a process with one thread, and this one has \(count): start process workers before any thread"
        case .system(let error): error.description
        }
    }
}
