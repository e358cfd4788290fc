// SPDX-License-Identifier: Apache-2.0

import CThreads
import Glibc

/// How this program was started.
public enum ProgramArguments {
    /// The words after the program's name. Unlike `CommandLine.arguments`, they do not need /proc, and are what was given:
    /// a word that is no text would otherwise be another one, and as a path lead to another file.
    public static var words: [String] {
        get throws(ArgumentError) {
            var words: [String] = []
            // Sound: the system's own texts, which stay as they are until the program ends.
            while let word = unsafe ppt_argument(Int32(words.count + 1)) {
                guard let text = unsafe String(validatingCString: word) else {
                    throw ArgumentError(number: words.count + 1, repaired: unsafe String(cString: word))
                }
                words.append(text)
            }
            return words
        }
    }
}

/// A word of the command line that is not UTF-8.
public struct ArgumentError: Error, CustomStringConvertible {
    /// From 1.
    public let number: Int
    /// With a sign for all that is wrong.
    public let repaired: String

    public var description: String { "argument \(number), '\(repaired)', is not UTF-8; only text in UTF-8 is allowed" }
}

/// Another program of this machine.
public enum Program {
    /// Runs a program to its end, with nothing to read, what it writes thrown away, this process's environment, and signals
    /// that do what they do in a program that a shell starts. It is killed when it takes too long, without the time in which
    /// this program was stopped. What it has started goes with it, unless that has left its process group; all of it goes too
    /// when a signal ends this program.
    ///
    /// - Returns: its exit code, or 1000 and the number of the signal that ended it.
    /// - Throws: when it cannot be started.
    public static func run(
        _ path: String, _ arguments: [String], nanosecondsMost: UInt64
    ) throws(SystemError) -> Int32 {
        let process = try startNoted(path, arguments)
        let lookNanoseconds: UInt64 = 2_000_000
        var (lastLook, taken) = (Clock.now(), UInt64(0))
        while try !hasEnded(process) {
            if taken > nanosecondsMost { kill(-process, SIGKILL) }
            Clock.sleep(nanoseconds: lookNanoseconds)
            let now = Clock.now()
            taken += min(now - lastLook, 10 * lookNanoseconds)
            lastLook = now
        }
        return try collect(process)
    }

    /// Starts it in a process group of its own, and notes that for a signal's handler before one can come.
    private static func startNoted(_ path: String, _ arguments: [String]) throws(SystemError) -> pid_t {
        let before = Signals.block()
        defer { Signals.restore(before) }
        let process = try start(path, arguments)
        ppt_note_program(process)
        return process
    }

    /// Without collecting it, so that its number is still its own.
    private static func hasEnded(_ process: pid_t) throws(SystemError) -> Bool {
        var end = unsafe siginfo_t()
        try systemCall("waitid") { unsafe waitid(P_PID, id_t(process), &end, WEXITED | WNOHANG | WNOWAIT) }
        // Sound: the structure is zeros, unless the call has filled it.
        return unsafe end.si_signo != 0
    }

    /// Ends what it has left behind, and collects it.
    private static func collect(_ process: pid_t) throws(SystemError) -> Int32 {
        let before = Signals.block()
        defer { Signals.restore(before) }
        kill(-process, SIGKILL)
        ppt_note_program(0)
        var status: Int32 = 0
        try systemCall("waitpid") { unsafe waitpid(process, &status, 0) }
        return ppt_decode_wait_status(status)
    }

    private static func start(_ path: String, _ arguments: [String]) throws(SystemError) -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        for descriptor: Int32 in 0...2 {
            unsafe posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
        }
        // Sound: the copies of the arguments, with the null behind them, live until the call is over.
        var words: [UnsafeMutablePointer<CChar>?] = unsafe ([path] + arguments).map { unsafe strdup($0) } + [nil]
        defer { for index in unsafe words.indices { unsafe free(words[index]) } }
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        // What this process ignores or blocks, a program would go on ignoring.
        var (named, none) = (sigset_t(), sigset_t())
        unsafe sigemptyset(&named)
        unsafe sigemptyset(&none)
        // Those with a name: the ones behind them are glibc's own.
        for number: Int32 in 1...31 { unsafe sigaddset(&named, number) }
        unsafe posix_spawnattr_setsigdefault(&attributes, &named)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setpgroup(&attributes, 0)
        unsafe posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))
        var process: pid_t = 0
        let code = unsafe posix_spawn(&process, path, &actions, &attributes, &words, environ)
        if code != 0 { throw SystemError(call: "posix_spawn \(path)", code: code) }
        return process
    }
}
