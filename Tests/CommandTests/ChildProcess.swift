// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Synchronization

/// A program that a test has started, with nothing on standard input and pipes for what it prints.
///
/// Foundation's `Process` reads freed memory now and then in tests that start hundreds of programs from many threads.
final class ChildProcess: Sendable {
    let processIdentifier: pid_t
    private let output: Int32
    private let errors: Int32
    private let end: End

    /// How it ended. A thread waits for that, since exit tests spin while a program that is not theirs is not collected.
    private final class End: Sendable {
        /// What `waitpid` told.
        let status = Mutex<Int32?>(nil)
        let isThere = DispatchSemaphore(value: 0)
    }

    /// A program that another thread starts must not get pipes before they are marked as this one's own.
    private static let starting = Mutex<Void>(())

    /// - Parameter words: the program's path and its arguments.
    init(_ words: [String]) throws {
        (processIdentifier, output, errors) = try Self.starting.withLock { _ in
            let (outputEnds, errorEnds) = (try Self.pipe(), try Self.pipe())
            defer { for descriptor in [outputEnds.write, errorEnds.write] { close(descriptor) } }
            let process = try Self.start(words, output: outputEnds.write, errors: errorEnds.write)
            return (process, outputEnds.read, errorEnds.read)
        }
        let (process, end) = (processIdentifier, End())
        self.end = end
        Thread.detachNewThread {
            var status: Int32 = 0
            while unsafe waitpid(process, &status, 0) == -1 && errno == EINTR {}
            end.status.withLock { $0 = status }
            end.isThere.signal()
        }
    }

    private static func start(_ words: [String], output: Int32, errors: Int32) throws -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
        unsafe posix_spawn_file_actions_adddup2(&actions, errors, 2)

        // What this program does with signals is its own affair.
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)
        unsafe sigfillset(&signals)
        unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        var arguments = unsafe words.map { unsafe strdup($0) } + [nil]
        defer { for index in words.indices { unsafe free(arguments[index]) } }
        var process: pid_t = 0
        let code = unsafe posix_spawn(&process, words[0], &actions, &attributes, &arguments, environ)
        if code != 0 { throw POSIXError(POSIXErrorCode(rawValue: code)!) }
        return process
    }

    deinit {
        for descriptor in [output, errors] { close(descriptor) }
        if isRunning { kill(processIdentifier, SIGKILL) }
    }

    private static func pipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        if unsafe Glibc.pipe(&ends) != 0 { throw POSIXError(POSIXErrorCode(rawValue: errno)!) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    var isRunning: Bool { end.status.withLock { $0 == nil } }

    /// Whether it was sent a signal that none of its threads has taken yet.
    var hasPendingSignals: Bool {
        let status = (try? String(contentsOfFile: "/proc/\(processIdentifier)/status", encoding: .utf8)) ?? ""
        return status.contains("\nShdPnd:") && !status.contains("\nShdPnd:\t0000000000000000\n")
    }

    /// Everything that it prints, once it has ended; and its exit code, or the number of the signal that ended it.
    func wait() -> (code: Int32, output: Data, errors: Data) {
        let printed = (Self.all(output), Self.all(errors))
        end.isThere.wait()
        // For others who ask.
        end.isThere.signal()
        let status = end.status.withLock { $0! }
        let signal = status & 0x7f
        return (signal == 0 ? status >> 8 & 0xff : signal, printed.0, printed.1)
    }

    /// (Foundation's own gives up on EINTR.)
    private static func all(_ descriptor: Int32) -> Data {
        var (all, chunk) = (Data(), [UInt8](repeating: 0, count: 65536))
        while true {
            let count = unsafe read(descriptor, &chunk, chunk.count)
            if count == 0 || count < 0 && errno != EINTR { return all }
            if count > 0 { all += chunk[..<count] }
        }
    }
}
