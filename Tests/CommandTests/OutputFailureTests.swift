// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Outputs that cannot be written when the time has come, and what becomes of the others.
struct OutputFailureTests {
    private let folder: Folder
    init() throws { folder = try Folder() }

    private static let run = ["run", "--warmup", "0", "--measure", "40"] + tiny

    private func size(_ name: String) -> Int? {
        (try? Data(contentsOf: URL(filePath: folder.path(name))))?.count
    }

    @Test(
        "a full disk under any one output leaves the table and all the others",
        arguments: ["--save", "--save-grads", "--trace"])
    func eachOutput(flag: String) throws {
        let others = ["--save", "--save-grads", "--trace"].filter { $0 != flag }
        let outcome = try folder.shell(
            "\"$@\" 3> /dev/full", Self.run + [flag, "/dev/fd/3"] + others.flatMap { [$0, "file\($0)"] })
        #expect(outcome.code == 65)
        #expect(
            outcome.errors
                == "ppthreads run: /dev/fd/3: cannot be written: write: ENOSPC (No space left on device)\n")
        #expect(outcome.output.contains("tokens/s"))
        for other in others { #expect(size("file\(other)") ?? 0 > 10_000, "\(other)") }
        #expect(try folder.names() == Set(others.map { "file\($0)" }))
    }

    @Test("each output that fails has a line of its own") func severalFailures() throws {
        let outcome = try folder.shell(
            "\"$@\" 3> /dev/full 4> /dev/full",
            Self.run + ["--save", "/dev/fd/3", "--save-grads", "/dev/fd/4", "--trace", "trace"])
        #expect(outcome.code == 65 && size("trace") ?? 0 > 10_000 && outcome.output.contains("tokens/s"))
        #expect(
            outcome.errors
                == [3, 4].map {
                    "ppthreads run: /dev/fd/\($0): cannot be written: write: ENOSPC (No space left on device)\n"
                }.joined())
    }

    @Test("a report that nobody can read any more leaves the files") func closedOutput() throws {
        let outcome = try folder.shell("\"$@\" > /dev/full", Self.run + ["--save", "weights", "--trace", "trace"])
        #expect(outcome.code == 70)
        #expect(
            outcome.errors
                == "ppthreads run: standard output could not be written: write: ENOSPC (No space left on device)\n")
        #expect(
            try size("weights") ?? 0 > 10_000 && size("trace") ?? 0 > 10_000 && folder.names() == ["weights", "trace"])
    }

    @Test(
        "beyond a limit on files' sizes an output fails with a line, stays what it was, and leaves no part of itself",
        .enabled(if: !Sanitizer.isOn))
    func fileSizeLimit() throws {
        _ = try folder.file("trace", Array("old".utf8))
        // In units of 512 bytes; the weights take 60 kB, the trace 340.
        let outcome = try folder.shell(
            "trap '' XFSZ && ulimit -f 200 && \"$@\"", Self.run + ["--trace", "trace", "--save", "weights"])
        #expect(outcome.code == 65 && outcome.output.contains("tokens/s"))
        #expect(outcome.errors == "ppthreads run: trace: cannot be written: write: EFBIG (File too large)\n")
        #expect(try size("weights") ?? 0 > 10_000 && size("trace") == 3 && folder.names() == ["weights", "trace"])
    }

    @Test("a limit on files' sizes that nobody has had ignored is told all the same", .enabled(if: !Sanitizer.isOn))
    func ownFileSizeLimit() throws {
        let outcome = try folder.shell("ulimit -f 200 && \"$@\"", Self.run + ["--trace", "trace"])
        #expect(outcome.code == 65 && outcome.output.contains("tokens/s"))
        #expect(outcome.errors == "ppthreads run: trace: cannot be written: write: EFBIG (File too large)\n")
    }

    @Test("a reader that goes away costs the report, with a sentence, and not the files") func readerGone() throws {
        let outcome = try folder.shell(
            "{ \"$@\" --save weights; echo $? > code; } | /bin/true", Self.run)
        #expect(try String(contentsOfFile: folder.path("code"), encoding: .utf8) == "70\n")
        #expect(
            outcome.errors == "ppthreads run: standard output could not be written: write: EPIPE (Broken pipe)\n")
        #expect(size("weights") ?? 0 > 10_000)
    }

    @Test(
        "a file that has the name of a former partial file is somebody else's: it stays, and does not stand in the way")
    func foreignPartialFile() throws {
        // The shell's process becomes the command's.
        let script = "for f in weights trace; do echo mine > $f.$$.partial; done; exec \"$@\""
        let outcome = try folder.shell(script, Self.run + ["--save", "weights", "--trace", "trace"])
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(size("weights") ?? 0 > 10_000 && size("trace") ?? 0 > 10_000)
        let foreign = try folder.names().subtracting(["weights", "trace"])
        #expect(foreign.count == 2 && foreign.allSatisfy { size($0) == 5 })
    }

    // MARK: Signals

    @Test(
        "a signal that comes while a file is written leaves what was there, and no part of the new one",
        arguments: [[SIGQUIT], [SIGINT, SIGTERM]])
    func signalWhileWriting(signals: [Int32]) throws {
        let flags = ["--vocab-size", "50000", "--dim", "64", "--warmup", "0", "--measure", "1"]
        var stopped = 0
        for _ in 0..<30 where stopped < 3 {
            _ = try folder.file("weights", Array("old".utf8))
            let running = try Command.Running(["run"] + tiny + flags + ["--save", folder.path("weights")])
            while running.process.isRunning, try folder.names().count == 1 || size("weights") != 3 {}
            for signal in signals { kill(running.process.processIdentifier, signal) }
            let outcome = running.wait()
            #expect(try folder.names() == ["weights"])
            if outcome.code == 0 { continue }
            #expect(outcome.code == 128 + signals.first! && size("weights") == 3)
            stopped += 1
        }
        #expect(stopped == 3, "the write took long enough to be met")
    }

    @Test(
        "a signal that comes while a PNG is made leaves nothing in the folder for temporary files, and no program that runs"
    )
    func signalWhileConverting() throws {
        try results()
        for name in ["bin", "tmp", "plots"] {
            try FileManager.default.createDirectory(atPath: folder.path(name), withIntermediateDirectories: false)
        }
        // A browser: a profile of its own, and helpers, one of which writes there until it is killed.
        let script = """
            #!/bin/sh
            PATH=/usr/bin:/bin
            for argument; do case $argument in --user-data-dir=*) profile=${argument#*=};; esac; done
            mkdir -p $profile/Default/Cache && touch $profile/Default/Cache/data && mkfifo $profile/pipe
            (while :; do echo > $profile/Default/log; done) &
            echo $! > \(folder.path("helpers"))
            sleep 600 &
            echo $! >> \(folder.path("helpers"))
            exec sleep 600

            """
        try folder.program("bin/chromium", script)
        let running = try Command.Running(
            ["analyze", folder.path("results.csv"), "--png", folder.path("plots")],
            through: ["/usr/bin/env", "PATH=\(folder.path("bin"))", "TMPDIR=\(folder.path("tmp"))"])
        func helpers() -> [Int32] {
            let text = try? String(contentsOfFile: folder.path("helpers"), encoding: .utf8)
            return (text ?? "").split(separator: "\n").compactMap { Int32($0) }
        }
        while running.process.isRunning && helpers().count < 2 { usleep(1000) }
        let programs = running.children + helpers()
        #expect(try !FileManager.default.contentsOfDirectory(atPath: folder.path("tmp")).isEmpty && programs.count == 3)
        kill(running.process.processIdentifier, SIGTERM)
        #expect(running.wait().code == 128 + SIGTERM)
        for program in programs where !isGone(program) {
            Issue.record("\(program) goes on")
            kill(program, SIGKILL)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("tmp")).isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("plots")).isEmpty)
    }

    /// A process that has ended may wait for a while until somebody collects it.
    private func isGone(_ process: Int32) -> Bool {
        let stat = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ""
        return stat.isEmpty || stat.contains(") Z ")
    }

    // MARK: Other commands

    private func results() throws {
        let rows = ["gpipe,2,4,4,1000,0.5", "1f1b,2,4,4,1100,0.45", "gpipe,1,4,4,600,0.9"]
        let header = "schedule,world_size,layers,heads,tokens_per_s,avg_step_time_s"
        _ = try folder.file("results.csv", Array(([header] + rows).joined(separator: "\n").utf8))
    }

    @Test("analyze: a full disk under one output leaves the table, the plots and the others")
    func analyze() throws {
        try results()
        try FileManager.default.createDirectory(atPath: folder.path("plots"), withIntermediateDirectories: false)
        let outcome = try folder.shell(
            "\"$@\" 3> /dev/full",
            ["analyze", "results.csv", "--summary", "/dev/fd/3", "--svg", "plots", "--html", "page.html"])
        #expect(outcome.code == 65 && outcome.output.contains("tokens/s"))
        #expect(
            outcome.errors
                == "ppthreads analyze: /dev/fd/3: cannot be written: write: ENOSPC (No space left on device)\n")
        #expect(size("page.html") ?? 0 > 1000 && size("plots/speedup.svg") ?? 0 > 1000)
    }

    @Test("analyze: one plot that cannot be written leaves the others") func onePlot() throws {
        try results()
        let script = "mkdir plots && ln -s /dev/fd/3 plots/speedup.svg && \"$@\" 3> /dev/full"
        let outcome = try folder.shell(script, ["analyze", "results.csv", "--svg", "plots", "--html", "page.html"])
        #expect(outcome.code == 65 && outcome.output.contains("tokens/s") && size("page.html") ?? 0 > 1000)
        #expect(
            outcome.errors
                == "ppthreads analyze: plots/speedup.svg: cannot be written: write: ENOSPC (No space left on device)\n")
        #expect(size("plots/losses.svg") == nil && size("plots/efficiency.svg") ?? 0 > 1000)
    }

    @Test("analyze: one PNG that cannot be made leaves the others, and nothing in the folder for temporary files")
    func onePNG() throws {
        try results()
        let script =
            "#!/bin/sh\n/bin/grep -q 'Speedup vs GPipe</text>' \"$9\" && exit 3\n\(AnalyzePlotTests.likePNG) \"$9\" > \"$8\"\n"
        for name in ["bin", "tmp", "plots"] {
            try FileManager.default.createDirectory(atPath: folder.path(name), withIntermediateDirectories: false)
        }
        try folder.program("bin/rsvg-convert", script)
        let outcome = try folder.shell(
            "PATH=$PWD/bin TMPDIR=$PWD/tmp \"$@\"",
            ["analyze", "results.csv", "--png", "plots", "--html", "page.html"])
        #expect(outcome.code == 70 && outcome.output.contains("tokens/s") && size("page.html") ?? 0 > 1000)
        #expect(
            outcome.errorLines.count == 1 && outcome.errors.contains("ended with code 3 and made no PNG of speedup.svg")
        )
        #expect(size("plots/speedup.png") == nil && size("plots/efficiency.png") ?? 0 > 1000)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("tmp")).isEmpty)

        let missing = try folder.shell(
            "PATH=$PWD/bin TMPDIR=$PWD/none \"$@\"", ["analyze", "results.csv", "--png", "plots"])
        #expect(missing.code == 70 && missing.output.contains("tokens/s"))
        for line in missing.errorLines {
            #expect(line.hasSuffix("/none cannot be made: mkdtemp: ENOENT (No such file or directory)"))
        }
    }

    @Test("compare: a page that cannot be written leaves the table; a table that cannot, the page") func compare()
        throws
    {
        let command =
            ["compare", "--trials", "1", "--measure", "2", "--schedule", "gpipe", "--transport", "threads"] + tiny
        let page = try folder.shell("\"$@\" 3> /dev/full", command + ["--html", "/dev/fd/3"])
        #expect(page.code == 65 && page.errorLines.count == 1 && page.output.contains("tokens/s"))
        let table = try folder.shell("\"$@\" > /dev/full", command + ["--html", "page.html"])
        #expect(table.code == 70 && table.errorLines.count == 1 && size("page.html") ?? 0 > 1000)
    }
}
