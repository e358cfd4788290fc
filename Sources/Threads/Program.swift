import CThreads
import Glibc

/// How this program was started.
public enum ProgramArguments {
    /// The words after the program's name. Unlike `CommandLine.arguments`, they do not need /proc.
    public static var words: [String] {
        var words: [String] = []
        // Sound: the system's own texts, which stay as they are until the program ends.
        while let word = unsafe ppt_argument(Int32(words.count + 1)) { words.append(unsafe String(cString: word)) }
        return words
    }
}

/// Another program of this machine.
public enum Program {
    /// Runs a program to its end, with nothing to read, what it writes thrown away, and this process's environment. It is
    /// killed when it takes too long.
    ///
    /// - Returns: its exit code, or 1000 and the number of the signal that ended it.
    /// - Throws: when it cannot be started.
    public static func run(
        _ path: String, _ arguments: [String], nanosecondsMost: UInt64
    ) throws(SystemError) -> Int32 {
        let process = try start(path, arguments)
        let deadline = Clock.now() + nanosecondsMost
        var status: Int32 = 0
        while try systemCall("waitpid", { unsafe waitpid(process, &status, WNOHANG) }) == 0 {
            if Clock.now() > deadline { kill(process, SIGKILL) }
            Clock.sleep(nanoseconds: 2_000_000)
        }
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
        var process: pid_t = 0
        let code = unsafe posix_spawn(&process, path, &actions, nil, &words, environ)
        if code != 0 { throw SystemError(call: "posix_spawn \(path)", code: code) }
        return process
    }
}
