// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The command inside control groups with limits.
struct ContainerTests {
    private static let mebibyte = 1 << 20

    @Test(
        "in a container that is too small, doctor warns and a run is refused",
        .enabled(if: ControlGroup.canLimit(.memory)))
    func memoryLimit() throws {
        let group = try ControlGroup(.memory, 300 * Self.mebibyte)
        let doctor = try Command.run(["doctor"], through: group.launcher)
        #expect(doctor.output.contains(" available under the container's limit of 300 MiB; the machine has "))
        #expect(
            doctor.output.contains(
                "\nwarning: run --layers 8 is refused here: --dim: the model and its activations need "))
        let run = try Command.run(["run", "--dim", "2048"], through: group.launcher)
        #expect(run.code == 64 && run.errorLines.count == 1)
        #expect(run.errors.hasPrefix("ppthreads run: --dim: the model and its activations need 4."))
        #expect(run.errors.contains(" are available under the container's limit of 300 MiB: make --dim, "))
    }

    @Test(
        "a file that is too large for a container is refused with both sizes",
        .enabled(if: ControlGroup.canLimit(.memory)),
        arguments: [("analyze FILE", 310, 310), ("trace FILE", 320, 320), ("sweep --out FILE", 110, 770)])
    func largeFiles(command: String, size: Int, needed: Int) throws {
        let folder = try Folder()
        let path = try folder.file("f", Array("x".utf8))
        #expect(unsafe truncate(path, size * Self.mebibyte) == 0)
        let group = try ControlGroup(.memory, 300 * Self.mebibyte)
        let words = command.replacing("FILE", with: path).split(separator: " ").map(String.init)
        let outcome = try Command.run(words, through: group.launcher)
        #expect(outcome.code == 65 && outcome.errorLines.count == 1)
        let reason = "\(path): has \(size) MiB; to read them takes about \(needed) MiB of memory, and 2"
        #expect(outcome.errors.hasPrefix("ppthreads \(words[0]): \(reason)"), "\(outcome.errors)")
        #expect(outcome.errors.contains(" are available under the container's limit of 300 MiB"))
    }

    @Test(
        "what is read from many small pieces is refused by what these take, not by the file's size alone",
        .enabled(if: ControlGroup.canLimit(.memory)),
        arguments: [
            ("analyze", "schedule,world_size,layers,heads,tokens_per_s,avg_step_time_s\n", "a,1,2,1,1,1\n"),
            ("trace", #"{"traceEvents":[{}"#, ",{}"),
        ])
    func smallPieces(command: String, start: String, piece: String) throws {
        let folder = try Folder()
        let pieces = String(repeating: piece, count: 400_000)
        let path = try folder.file("f", Array((start + pieces).utf8))
        let group = try ControlGroup(.memory, 80 * Self.mebibyte)
        let outcome = try Command.run([command, path], through: group.launcher)
        #expect(outcome.code == 65 && outcome.errors.contains(" to read them takes about "), "\(outcome)")
        // Without a limit it is read.
        #expect(!(try Command.run([command, path]).errors.contains("memory")))
    }

    /// From a limit that is refused upwards: the first that is not refused has to do.
    private func runsInTheFirst(of limits: StrideThrough<Int>, _ arguments: [String], _ refusal: Int32) throws {
        var refused = 0
        for mebibytes in limits {
            let group = try ControlGroup(.memory, mebibytes * Self.mebibyte)
            let outcome = try Command.run(arguments, through: group.launcher)
            if outcome.code == refusal {
                refused += 1
                continue
            }
            #expect(outcome.code == 0, "\(mebibytes) MiB: \(outcome.errors)")
            break
        }
        #expect(refused > 0)
    }

    @Test(
        "a CSV whose rows are all of other settings is read in the first container into which it is let",
        .enabled(if: ControlGroup.canLimit(.memory)))
    func manyGroups() throws {
        let folder = try Folder()
        let header = "schedule,world_size,layers,heads,tokens_per_s,avg_step_time_s\n"
        let rows = (1...200_000).map { "gpipe,\($0 % 7 + 1),\($0),4,1,1\n" }.joined()
        let path = try folder.file("f", Array((header + rows).utf8))
        try runsInTheFirst(
            of: stride(from: 100, through: 400, by: 4), ["analyze", path, "--html", folder.path("h")], 65)
    }

    @Test(
        "a line of commas takes no more memory than its bytes", .enabled(if: ControlGroup.canLimit(.memory)))
    func wideRow() throws {
        let folder = try Folder()
        let start = "schedule,world_size,layers,heads,tokens_per_s,avg_step_time_s\ngpipe,2,4,4,1,1\n"
        let path = try folder.file("f", Array(start.utf8) + Array(repeating: UInt8(ascii: ","), count: 20_000_000))
        let group = try ControlGroup(.memory, 80 * Self.mebibyte)
        let outcome = try Command.run(["analyze", path], through: group.launcher)
        #expect(outcome.code == 0 && outcome.errors.contains("row 3: has 20000001 fields, the header 6; left out"))
    }

    @Test(
        "what is let into a container is not killed there", .enabled(if: ControlGroup.canLimit(.memory)),
        arguments: ["threads", "processes", "unix"],
        ["--layers 4", "--stages 4", "--layers 3 --save FILE --save-grads FILE2"])
    func memoryFits(transport: String, flags: String) throws {
        let folder = try Folder()
        let flags = flags.replacing("FILE2", with: folder.path("g")).replacing("FILE", with: folder.path("w"))
        let arguments =
            ["run", "--transport", transport, "--schedule", "gpipe", "--warmup", "0", "--measure", "1", "--dim", "128"]
            + flags.split(separator: " ").map(String.init)
        try runsInTheFirst(of: stride(from: 80, through: 600, by: 4), arguments, 64)
    }

    @Test("a rank that the kernel kills for want of memory is said to be", .enabled(if: ControlGroup.canLimit(.memory)))
    func memoryKill() throws {
        let group = try ControlGroup(.memory, 300 * Self.mebibyte)
        let running = try Command.Running(
            ["run", "--transport", "processes", "--measure", "100000", "--no-timeline"], through: group.launcher)
        let deadline = Date.now.addingTimeInterval(20)
        while running.children.count < 2 && Date.now < deadline { usleep(5000) }
        usleep(500_000)
        // Ranks are to be killed first, and somebody else takes the rest of the memory.
        for rank in running.children { try Data("1000".utf8).write(to: URL(filePath: "/proc/\(rank)/oom_score_adj")) }
        let take = "head -c 200m /dev/zero | tail -c 200m > /dev/null"
        let hog = try ChildProcess(group.launcher + ["/bin/sh", "-c", take])
        let outcome = running.wait()
        kill(hog.processIdentifier, SIGTERM)
        _ = hog.wait()
        #expect(outcome.code == 70 && outcome.errorLines.count == 1)
        #expect(outcome.errors.contains("was killed by signal 9 (SIGKILL) "))
        #expect(outcome.errors.contains(", by the kernel, because the container was out of memory; "))
    }

    @Test("one that somebody else kills is not", .enabled(if: ControlGroup.canLimit(.memory))) func otherKill() throws {
        let group = try ControlGroup(.memory, 300 * Self.mebibyte)
        let running = try Command.Running(
            ["run", "--transport", "processes", "--measure", "1000000", "--no-timeline"] + tiny,
            through: group.launcher)
        let deadline = Date.now.addingTimeInterval(20)
        while running.children.count < 2 && Date.now < deadline { usleep(5000) }
        usleep(100_000)
        kill(try #require(running.children.last), SIGKILL)
        let outcome = running.wait()
        #expect(outcome.code == 70 && outcome.errors.contains("rank 1 was killed by signal 9 (SIGKILL) "))
        #expect(outcome.errors.hasSuffix("; the other ranks were stopped\n") && !outcome.errors.contains("kernel"))
    }

    @Test("with a quota, doctor says what is lost, and a run's waits sleep", .enabled(if: ControlGroup.canLimit(.cpu)))
    func quota() throws {
        let cpus = try #require(ProcessInfo.processInfo.activeProcessorCount > 1 ? 2 : nil)
        let group = try ControlGroup(.cpu, 75_000 * cpus)
        let pinned = ["/usr/bin/taskset", "-c", "0,1"]
        let doctor = try Command.run(["doctor"], through: pinned + group.launcher)
        #expect(doctor.output.contains("\nCPU quota           1.5 CPUs, in periods of 100 ms\n"))
        #expect(
            doctor.output.contains(
                "warning: a quota of 1.5 CPUs for 2 to use (docker run --cpus): ranks that compute all the time on 2 CPUs get 75 % of them, "
            ))
        let run = try Command.run(["run"] + tiny, through: pinned + group.launcher)
        #expect(
            run.output.contains(
                "note: a quota gives the run the time of 1.5 CPUs, and its ranks take 2 CPUs; all waits sleep instead of spinning\n"
            ))
        #expect(
            !(try Command.run(["run", "--stages", "1"] + tiny, through: pinned + group.launcher)).output.contains(
                "quota"))
    }

    @Test("what a quota took in the warm-up is none of the measured time's", .enabled(if: ControlGroup.canLimit(.cpu)))
    func quotaOfTheWarmUp() throws {
        let group = try ControlGroup(.cpu, 40_000)
        let steps = [
            "--warmup", "60", "--measure", "1", "--stages", "1", "--batch", "48", "--dim", "96", "--ffn", "512",
        ]
        let report = try Command.json(["run"] + tiny + steps, through: group.launcher)
        // Of the one step's own CPU time no more than all, and of 60 steps' 60 times as much.
        let share = try #require(report["throttled"] as? Double)
        #expect((0...3).contains(share), "\(share)")
    }

    @Test(
        "where no more tasks can be started, doctor warns and a run says which limit it is",
        .enabled(if: ControlGroup.canLimit(.pids)), arguments: ["threads", "processes"])
    func taskLimit(transport: String) throws {
        // The command's own is one.
        for (limit, rank) in [(1, 0), (2, 1)] {
            let group = try ControlGroup(.pids, limit)
            let name = "the container's limit of \(limit) task\(limit == 1 ? "" : "s") (docker run --pids-limit)"
            let call = transport == "threads" ? "pthread_create" : "fork"
            // Nobody waits for it that long: those that were started are ended.
            let flags = ["--transport", transport, "--timeout", "86400"]
            let run = try Command.run(["run"] + flags + tiny, through: group.launcher)
            #expect(run.code == 70)
            #expect(
                run.errors
                    == "ppthreads run: rank \(rank) could not be started: \(call) beyond \(name): EAGAIN (Resource temporarily unavailable)\n"
            )
            let doctor = try Command.run(["doctor"], through: ["/usr/bin/taskset", "-c", "0"] + group.launcher)
            #expect(doctor.code == 0 && doctor.output.contains("\ntasks               \(rank) left under \(name)\n"))
            let warning = "2 ranks are as many threads or processes, and \(rank) can be started under \(name)\n"
            #expect(doctor.output.contains("\nwarning: \(warning)"))
            let unknown = "\nwarning: no thread can be started, and whether pinning works is not known: pthread_create "
            #expect(doctor.output.contains(unknown) == (limit == 1))
        }
    }

    @Test("a helper that cannot be started is told with the limit", .enabled(if: ControlGroup.canLimit(.pids)))
    func helperLimit() throws {
        let group = try ControlGroup(.pids, 3)
        let run = try Command.run(["run", "--threads", "3", "--stages", "1"] + tiny, through: group.launcher)
        #expect(run.code == 70 && run.errorLines.count == 1)
        #expect(
            run.errors.contains("pthread_create beyond the container's limit of 3 tasks (docker run --pids-limit): "))
    }

    @Test("a user's limit on tasks is heeded too", .enabled(if: LoneUser.isPossible))
    func userLimit() throws {
        let launcher = LoneUser.launcher
        let name = "the user's limit of 1 task (ulimit -u)"
        let run = try Command.run(["run"] + tiny, through: launcher)
        #expect(run.code == 70 && run.errors.contains("pthread_create beyond \(name): EAGAIN "), "\(run.errors)")
        let doctor = try Command.run(["doctor"], through: launcher)
        #expect(doctor.output.contains("\ntasks               0 left under \(name)\n"))
    }
}
