// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// What signals do to the command, whatever it inherited.
struct SignalTests {
    private static let endless = ["run", "--warmup", "0", "--measure", "1000000", "--no-timeline"] + tiny

    @Test("an ignored SIGCHLD that was inherited does not keep ended ranks from being collected") func ignoredChild()
        throws
    {
        let arguments = ["run", "--transport", "processes", "--measure", "2"] + tiny
        let outcome = try Command.run(arguments, through: ignoring("CHLD"))
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("loss"))
    }

    @Test("while it runs it does not ignore SIGCHLD: an ended rank's number stays its own until it is collected")
    func keptChildren() throws {
        let running = try Command.Running(Self.endless, through: ignoring("CHLD"))
        try running.waitUntilItComputes()
        let file = "/proc/\(running.process.processIdentifier)/status"
        let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
        let mask = try #require(lines.first { $0.hasPrefix("SigIgn:") }?.split(separator: "\t").last)
        #expect(try #require(UInt64(mask, radix: 16)) & 1 << UInt64(SIGCHLD - 1) == 0)
        kill(running.process.processIdentifier, SIGINT)
        #expect(running.wait().code == 130)
    }

    @Test("a program that leaves SIGCHLD ignored gets its ranks' reports all the same") func uncollected() throws {
        let outcome = try Command.run(
            ["pipeline", "--short"], through: ignoring("CHLD"), executable: "ppthreads-bench")
        #expect(outcome.code == 0, "\(outcome.errors)")
    }

    @Test(
        "a signal lets the step be finished; what was measured is reported and written, and the code tells the signal",
        arguments: ["threads", "processes", "sockets"],
        [Stop("SIGINT", SIGINT, 130), Stop("SIGTERM", SIGTERM, 143), Stop("SIGHUP", SIGHUP, 129)])
    func stopped(transport: String, signal: Stop) throws {
        let folder = try Folder()
        let running = try Command.Running(
            Self.endless + ["--transport", transport, "--save", folder.path("m.safetensors")])
        try running.waitUntilItComputes()
        // A terminal's Ctrl-C goes to the ranks too.
        for process in running.children + [running.process.processIdentifier] { kill(process, signal.number) }
        let outcome = running.wait()
        #expect(outcome.code == signal.code)
        #expect(outcome.output.contains("tokens/s"))
        #expect(
            outcome.errorLines.first
                == "ppthreads run: \(signal.name): the step is finished first; a second signal leaves at once")
        let last = try #require(outcome.errorLines.last)
        #expect(last.hasPrefix("ppthreads run: stopped by \(signal.name) after step "))
        #expect(last.hasSuffix(" measured steps"))
        let again = try Command.run(["run", "--measure", "1", "--init", folder.path("m.safetensors")] + tiny)
        #expect(again.code == 0, "\(again.errors)")
        // The file tells the steps that it was trained for, not those that were asked for.
        let steps = last.split(separator: " ")[7]
        let header = String(decoding: try Data(contentsOf: folder.url.appending(path: "m.safetensors")), as: UTF8.self)
        #expect(header.contains("\"ppthreads.steps\":\"\(steps)\""))
    }

    @Test("of a run that a signal stopped, each output that fails is told before the signal is") func outputFails()
        throws
    {
        let running = try Command.Running(
            Self.endless + ["--save", "/dev/fd/3"], through: ["/bin/sh", "-c", "exec \"$0\" \"$@\" 3> /dev/full"])
        try running.waitUntilItComputes()
        kill(running.process.processIdentifier, SIGINT)
        let outcome = running.wait()
        #expect(outcome.code == 130)
        #expect(
            outcome.errorLines.suffix(2).first
                == "ppthreads run: /dev/fd/3: cannot be written: write: ENOSPC (No space left on device)")
        #expect(outcome.errorLines.last?.hasPrefix("ppthreads run: stopped by SIGINT after step ") == true)
    }

    @Test("that the step is finished first is said once, however long it takes") func toldOnce() throws {
        let running = try Command.Running(["run", "--measure", "1000000", "--no-timeline", "--batch", "64"])
        try running.waitUntilItComputes()
        kill(running.process.processIdentifier, SIGINT)
        let outcome = running.wait()
        #expect(outcome.code == 130 && outcome.errorLines.count == 2, "\(outcome.errors)")
    }

    @Test(
        "a second signal, or Ctrl-\\, leaves at once, with a sentence and no figures",
        .disabled(if: Sanitizer.delaysSignals))
    func atOnce() throws {
        for signals in [[SIGINT, SIGINT], [SIGTERM, SIGINT], [SIGQUIT]] {
            // Steps long enough for both to come within one.
            let running = try Command.Running(["run", "--measure", "1000000", "--no-timeline", "--batch", "64"])
            try running.waitUntilItComputes()
            for signal in signals {
                kill(running.process.processIdentifier, signal)
                // Of two that are pending the system would deliver the one with the smaller number first.
                while running.process.isRunning && running.process.hasPendingSignals { usleep(500) }
            }
            let outcome = running.wait()
            let name = signals.last == SIGQUIT ? "SIGQUIT" : "SIGINT"
            #expect(outcome.code == 128 + signals.last!)
            #expect(outcome.output == "")
            #expect(outcome.errorLines.last == "ppthreads run: stopped by \(name)")
        }
    }

    @Test("a signal while files are written after the run leaves at once", .disabled(if: Sanitizer.delaysSignals))
    func whileWriting() throws {
        let folder = try Folder()
        let made = unsafe mkfifo(folder.path("pipe"), 0o600)
        #expect(made == 0)
        let running = try Command.Running(["run", "--measure", "2", "--save", folder.path("pipe")] + tiny)
        // The pipe has no reader: the run waits at it once all steps are done.
        let thread = "/proc/\(running.process.processIdentifier)/wchan"
        let deadline = Date.now.addingTimeInterval(60)
        func isAtPipe() -> Bool { (try? String(contentsOfFile: thread, encoding: .utf8)) == "wait_for_partner" }
        while Date.now < deadline && !isAtPipe() { usleep(5000) }
        try #require(isAtPipe())
        kill(running.process.processIdentifier, SIGTERM)
        let outcome = running.wait()
        #expect(outcome.code == 143)
        #expect(outcome.output.contains("tokens/s"))
        #expect(outcome.errors.hasSuffix("ppthreads run: stopped by SIGTERM\n"))
    }

    @Test(
        "a signal ends it though nobody reads standard error, which is full", arguments: [[SIGQUIT], [SIGINT, SIGINT]])
    func fullStandardError(signals: [Int32]) throws {
        let folder = try Folder()
        let pipe = folder.path("pipe")
        #expect(unsafe mkfifo(pipe, 0o600) == 0)
        // Its only reader, which reads nothing.
        let end = unsafe open(pipe, O_RDWR | O_NONBLOCK | O_CLOEXEC)
        defer { close(end) }
        let block = [UInt8](repeating: 0, count: 4096)
        while unsafe write(end, block, block.count) > 0 {}
        let running = try Command.Running(
            Self.endless, through: ["/bin/sh", "-c", "exec \"$0\" \"$@\" 2> '\(pipe)'"])
        try running.waitUntilItComputes()
        for signal in signals {
            kill(running.process.processIdentifier, signal)
            usleep(20_000)
        }
        #expect(running.wait().code == 128 + signals.last!)
    }

    @Test("a sweep leaves at once, says where its rows are, and goes on from there") func sweep() throws {
        let folder = try Folder()
        let arguments =
            ["sweep", "--out", folder.path("r.csv"), "--repeat", "1000", "--measure", "2000"] + tiny
        let running = try Command.Running(arguments)
        try running.waitUntilItComputes()
        kill(running.process.processIdentifier, SIGINT)
        let outcome = running.wait()
        #expect(outcome.code == 130)
        #expect(
            outcome.errorLines.last
                == "ppthreads sweep: stopped by SIGINT; \(folder.path("r.csv")) has the runs that have ended, and the same command goes on from there"
        )
    }

    @Test(
        "as process 1 of a container it ends by signals too", .enabled(if: Container.isPossible),
        arguments: [Stop("SIGINT", SIGINT, 130), Stop("SIGTERM", SIGTERM, 143), Stop("SIGQUIT", SIGQUIT, 131)])
    func processOne(signal: Stop) throws {
        let running = try Command.Running(Self.endless, through: Container.launcher)
        let deadline = Date.now.addingTimeInterval(20)
        while running.children.isEmpty && Date.now < deadline { usleep(5000) }
        let inside = try #require(running.children.first)
        try waitUntilItComputes(inside)
        kill(inside, signal.number)
        #expect(running.wait().code == signal.code)
    }

    @Test("an ignored SIGHUP stays ignored, as nohup wants it; other stops do not") func nohup() throws {
        let running = try Command.Running(Self.endless, through: ignoring("HUP,INT"))
        try running.waitUntilItComputes()
        kill(running.process.processIdentifier, SIGHUP)
        usleep(300_000)
        #expect(running.process.isRunning)
        kill(running.process.processIdentifier, SIGINT)
        #expect(running.wait().code == 130)
    }

    @Test(
        "a program, or one of its ranks, that is stopped for longer than the timeout goes on as if nothing had been",
        arguments: ["threads", "processes", "sockets"], [false, true])
    func suspended(transport: String, oneRank: Bool) throws {
        if transport == "threads" && oneRank { return }
        let running = try Command.Running(Self.endless + ["--transport", transport, "--timeout", "0.4"])
        try running.waitUntilItComputes()
        let all = oneRank ? [running.children.last!] : [running.process.processIdentifier] + running.children
        for process in all { kill(process, SIGSTOP) }
        usleep(1_200_000)
        for process in all { kill(process, SIGCONT) }
        usleep(300_000)
        #expect(running.process.isRunning)
        kill(running.process.processIdentifier, SIGINT)
        let outcome = running.wait()
        #expect(outcome.code == 130, "\(outcome.errors)")
    }

    @Test("a closed standard output, input or error is /dev/null, and no file of ours gets its number")
    func closedDescriptors() throws {
        let folder = try Folder()
        let arguments = ["sweep", "--measure", "2", "--schedule", "gpipe", "--no-baseline"] + tiny
        for (index, closed) in [">&-", "2>&-", "<&-", "<&- >&- 2>&-"].enumerated() {
            let file = folder.path("\(index).csv")
            let outcome = try Command.run(
                arguments + ["--out", file], through: ["/bin/sh", "-c", "exec \"$0\" \"$@\" \(closed)"])
            #expect(outcome.code == 0)
            #expect(try SweepFileContents(file).rows.count == 1)
        }
    }

    @Test(
        "without /proc the arguments are read all the same, and what needs it names it",
        .enabled(if: NoProc.isPossible))
    func noProc() throws {
        let version = try Command.run(["--version"], through: NoProc.launcher)
        #expect(version.output.hasPrefix("ppthreads 0"))
        let threads = try Command.run(["run", "--measure", "2"] + tiny, through: NoProc.launcher)
        #expect(threads.code == 0, "\(threads.errors)")
        #expect(threads.output.contains("tokens/s"))
        let processes = try Command.run(
            ["run", "--transport", "processes", "--measure", "2"] + tiny, through: NoProc.launcher)
        #expect(processes.code == 70)
        #expect(
            processes.errors
                == "ppthreads run: rank 0 could not be started: fork needs a process with one thread, and only /proc can tell: opendir /proc/self/task: ENOENT (No such file or directory)\n"
        )
        let unknown = try Command.run(["run", "--no-such-flag"], through: NoProc.launcher)
        #expect(unknown.code == 64)
    }

    private func ignoring(_ signals: String) -> [String] {
        ["/usr/bin/env", "--ignore-signal=\(signals)"]
    }
}

/// A signal, and the exit code that a shell shows of a program that it ended.
struct Stop: CustomTestStringConvertible, Sendable {
    let name: String
    let number: Int32
    let code: Int32
    var testDescription: String { name }

    init(_ name: String, _ number: Int32, _ code: Int32) { (self.name, self.number, self.code) = (name, number, code) }
}

/// A process namespace of its own, in which the command is process 1.
private enum Container {
    static let launcher = ["/usr/bin/unshare", "--map-root-user", "--pid", "--fork"]
    static let isPossible = (try? Command.run(["--version"], through: launcher).code) == 0
}

/// A mount namespace without /proc.
private enum NoProc {
    static let launcher = [
        "/usr/bin/unshare", "--map-root-user", "--mount", "/bin/sh", "-c",
        "mount -t tmpfs tmpfs /proc && exec \"$0\" \"$@\"",
    ]
    /// `true` in such a namespace, since the command itself is what is tried.
    static let isPossible = !Sanitizer.isOn && (try? Command.run([], through: launcher + ["/bin/true"]).code) == 0
}

extension Command.Running {
    /// Until it, and its ranks together, have used 50 ms of CPU time after its ranks were started.
    func waitUntilItComputes() throws { try SignalTests.waitUntilItComputes(process.processIdentifier) }
}

extension SignalTests {
    fileprivate func waitUntilItComputes(_ process: Int32) throws { try Self.waitUntilItComputes(process) }

    /// Ranks are threads named `rank 0`, or children.
    fileprivate static func waitUntilItComputes(_ process: Int32) throws {
        let deadline = Date.now.addingTimeInterval(60)
        while Date.now < deadline {
            let ranks = rankTicks(process)
            if ranks.count >= 2 && ranks.allSatisfy({ $0 >= 5 }) { return }
            usleep(5000)
        }
        Issue.record("no rank computes")
    }

    private static func rankTicks(_ process: Int32) -> [Int] {
        let children = text("/proc/\(process)/task/\(process)/children").split(separator: " ")
        let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")) ?? []
        return (children.map { "/proc/\($0)" } + tasks.map { "/proc/\(process)/task/\($0)" }).compactMap { path in
            let stat = text("\(path)/stat")
            guard stat.contains("(rank "), let end = stat.lastIndex(of: ")") else { return nil }
            let fields = stat[stat.index(after: end)...].split(separator: " ")
            return fields.count > 12 ? (Int(fields[11]) ?? 0) + (Int(fields[12]) ?? 0) : nil
        }
    }

    private static func text(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }
}
