import Foundation
import Testing

/// The command inside control groups with limits, and where /dev/shm, /sys and /proc are not as usual.
struct ContainerTests {
    private static let mebibyte = 1 << 20

    // MARK: Control groups

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

    @Test(
        "where no more tasks can be started, doctor warns and a run says which limit it is",
        .enabled(if: ControlGroup.canLimit(.pids)), arguments: ["threads", "processes"])
    func taskLimit(transport: String) throws {
        // The command's own is one.
        for (limit, rank) in [(1, 0), (2, 1)] {
            let group = try ControlGroup(.pids, limit)
            let name = "the container's limit of \(limit) task\(limit == 1 ? "" : "s") (docker run --pids-limit)"
            let call = transport == "threads" ? "pthread_create" : "fork"
            let run = try Command.run(["run", "--transport", transport] + tiny, through: group.launcher)
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

    // MARK: /dev/shm

    @Test(
        "doctor says when /dev/shm cannot be used, as the runs that need it find", .enabled(if: Mounts.arePossible),
        arguments: [
            ("mount -t tmpfs -o ro tmpfs /dev/shm", "EROFS"),
            ("mount -t tmpfs -o size=16k tmpfs /dev/shm && head -c 16384 /dev/zero > /dev/shm/full", "ENOSPC"),
            ("mount -t tmpfs -o nr_inodes=1 tmpfs /dev/shm", "ENOSPC"),
            ("mount --bind /proc /dev/shm", "/dev/shm cannot be used"),
        ])
    func unusable(set: String, reason: String) throws {
        let doctor = try Command.run(["doctor"], through: Mounts.launcher(set))
        #expect(doctor.code == 0)
        #expect(doctor.output.contains(reason), "\(doctor.output)")
        #expect(doctor.output.contains("/dev/shm cannot be used: "))
        #expect(doctor.output.contains(": --transport processes, sockets and unix ("))
        for transport in ["processes", "sockets", "unix"] {
            let run = try Command.run(["run", "--transport", transport] + tiny, through: Mounts.launcher(set))
            #expect(run.code == 70 || run.code == 64, "\(run.errors)")
            #expect(run.errorLines.count == 1 && run.errors.contains("/dev/shm"))
        }
        #expect(try Command.run(["run"] + tiny, through: Mounts.launcher(set)).code == 0)
    }

    @Test(
        "a /dev/shm that works is not warned of, though nothing may be executed there", .enabled(if: Mounts.arePossible)
    )
    func usable() throws {
        for set in ["mount -t tmpfs -o noexec,nodev tmpfs /dev/shm", "mount -t tmpfs -o size=0 tmpfs /dev/shm"] {
            let doctor = try Command.run(["doctor"], through: Mounts.launcher(set))
            #expect(!doctor.output.contains("warning: /dev/shm"), "\(set): \(doctor.output)")
            let run = try Command.run(["run", "--transport", "processes"] + tiny, through: Mounts.launcher(set))
            #expect(run.code == 0, "\(set): \(run.errors)")
        }
    }

    @Test(
        "a /dev/shm that has room for few files is told of before a run, and by one that fails for it",
        .enabled(if: Mounts.arePossible))
    func fewFiles() throws {
        // The mount's own folder is one of the two.
        let set = "mount -t tmpfs -o size=128m,nr_inodes=2 tmpfs /dev/shm"
        let doctor = try Command.run(["doctor"], through: Mounts.launcher(set))
        let left = "/dev/shm has 128 MiB and room for 1 more file left"
        #expect(doctor.output.contains("warning: \(left), and a run takes a file for each rank"), "\(doctor.output)")
        let run = try Command.run(["run", "--transport", "processes"] + tiny, through: Mounts.launcher(set))
        #expect(run.code == 70 && run.errorLines.count == 1, "\(run.errors)")
        #expect(run.errors.contains("ENOSPC (No space left on device); /dev/shm has 128 MiB and room for"))
    }

    @Test("a /dev/shm in which this user may make no file is told of", .enabled(if: Mounts.otherUserIsPossible))
    func forbidden() throws {
        let set = "mount -t tmpfs -o mode=700 tmpfs /dev/shm"
        let doctor = try Command.run(["doctor"], through: Mounts.launcher(set, asOtherUser: true))
        #expect(doctor.output.contains("warning: /dev/shm cannot be used: "), "\(doctor.output)")
        #expect(doctor.output.contains("EACCES"))
    }

    @Test("what the system does not say is unknown", .enabled(if: Mounts.arePossible))
    func unknown() throws {
        let set =
            "mount -t tmpfs tmpfs /sys && mount --bind /dev/null /proc/meminfo && mount --bind /dev/null /proc/cpuinfo"
            + " && mount --bind /dev/null /proc/$$/limits && mount --bind /dev/null /proc/$$/cgroup"
        let doctor = try Command.run(["doctor"], through: Mounts.launcher(set))
        #expect(doctor.code == 0 && doctor.errors.isEmpty)
        for name in [
            "CPU model", "cores", "NUMA nodes", "caches", "memory", "locked memory", "open files", "huge pages",
        ] {
            let line = doctor.output.split(separator: "\n").first { $0.hasPrefix(name) }
            #expect(line?.dropFirst(name.count).drop { $0 == " " }.hasPrefix("unknown") == true, "\(line ?? "")")
        }
        #expect(try Command.run(["run"] + tiny, through: Mounts.launcher(set)).code == 0)
    }
}

/// A control group with one limit, of version 1 or 2, gone with the value.
private final class ControlGroup {
    enum Controller: String { case memory, cpu, pids }

    private let folder: String

    /// - Parameter limit: bytes, microseconds of CPU time in 100 ms, or tasks.
    init(_ controller: Controller, _ limit: Int) throws {
        let name = "ppt-test-\(UUID().uuidString)"
        let first = "/sys/fs/cgroup/\(controller.rawValue)"
        let isFirst = FileManager.default.fileExists(atPath: first)
        folder = "\(isFirst ? first : "/sys/fs/cgroup")/\(name)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        let (file, text) =
            switch (controller, isFirst) {
            case (.memory, true): ("memory.limit_in_bytes", "\(limit)")
            case (.memory, false): ("memory.max", "\(limit)")
            case (.cpu, true): ("cpu.cfs_quota_us", "\(limit)")
            case (.cpu, false): ("cpu.max", "\(limit) 100000")
            case (.pids, _): ("pids.max", "\(limit)")
            }
        guard let handle = FileHandle(forWritingAtPath: "\(folder)/\(file)") else {
            unsafe _ = rmdir(folder)
            throw POSIXError(.ENOENT)
        }
        do { try handle.write(contentsOf: Data(text.utf8)) } catch {
            unsafe _ = rmdir(folder)
            throw error
        }
    }

    /// Processes that were in it may take a moment to go.
    deinit {
        let deadline = Date.now.addingTimeInterval(10)
        while unsafe rmdir(folder) != 0 && errno == EBUSY && Date.now < deadline { usleep(10_000) }
    }

    /// Starts a command inside.
    var launcher: [String] { ["/bin/sh", "-c", "echo $$ > \(folder)/cgroup.procs && exec \"$0\" \"$@\""] }

    /// Whether this machine lets us make one.
    static func canLimit(_ controller: Controller) -> Bool {
        // A sanitizer has memory and threads of its own.
        if controller != .cpu && Sanitizer.isOn { return false }
        guard let group = try? ControlGroup(controller, controller == .memory ? 1 << 30 : 100_000) else { return false }
        return (try? Command.run(["--version"], through: group.launcher).code) == 0
    }
}

/// A user who runs nothing else, and may have one task.
private enum LoneUser {
    static let launcher = [
        "/bin/sh", "-c",
        "prlimit --pid $$ --nproc=1 && exec setpriv --reuid=64999 --regid=64999 --clear-groups \"$0\" \"$@\"",
    ]
    /// As root, where nothing but the system's own means stands in the way.
    static let isPossible = !Sanitizer.isOn && (try? Command.run(["--version"], through: launcher).code) == 0
}

/// A mount namespace of its own for a command.
private enum Mounts {
    /// - Parameter set: shell commands that mount what the command is to find.
    static func launcher(_ set: String, asOtherUser: Bool = false) -> [String] {
        let user = getuid() == 0 ? [] : ["--map-root-user"]
        let change = asOtherUser ? "setpriv --reuid=65534 --regid=65534 --clear-groups " : ""
        return ["/usr/bin/unshare"] + user + ["--mount", "/bin/sh", "-c", "\(set) && exec \(change)\"$0\" \"$@\""]
    }

    /// Some containers allow no namespaces.
    static let arePossible = (try? Command.run(["--version"], through: launcher("true")).code) == 0
    static let otherUserIsPossible =
        (try? Command.run(["--version"], through: launcher("true", asOtherUser: true)).code) == 0
}
