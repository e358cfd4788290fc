import Foundation
import Testing
import Threads

/// A folder that stands for a machine's root, gone with the value.
final class FakeRoot {
    let url = FileManager.default.temporaryDirectory.appending(path: "ppthreads-\(UUID().uuidString)")

    init(_ files: [String: String] = [:]) throws {
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        for (path, text) in files { try write(path, text) }
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func write(_ path: String, _ text: String) throws {
        let file = url.appending(path: path)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data((text + "\n").utf8).write(to: file)
    }

    var machine: Machine { Machine(allowed: CPUSet(0..<4), root: url.path) }
}

/// The lines that Docker's containers and machines with systemd have.
private enum KernelText {
    static let version2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"
    static func version1(_ controllers: String, group: String = "/") -> String {
        "33 32 0:30 \(group) /sys/fs/cgroup/\(controllers) rw shared:10 - cgroup cgroup rw,\(controllers)"
    }
    static let noLimit = "9223372036854771712"
}

struct MachineTests {
    private func machine(_ files: [String: String]) throws -> Machine { try FakeRoot(files).machine }

    // MARK: What can be seen

    @Test(
        "groups that the system names and that are not mounted, or hidden by another mount, are not taken for none",
        arguments: [
            ("0::/", KernelText.version2, true), ("", "", true), ("0::/unit", "", false),
            ("0::/", KernelText.version2 + "\n40 30 0:50 / /sys/fs/cgroup rw - tmpfs none rw", false),
            ("0::/", KernelText.version2 + "\n40 30 0:50 / /sys rw - tmpfs none rw", false),
            ("0::/", KernelText.version2 + "\n40 30 0:50 / /sys/fs/cgroups rw - tmpfs none rw", true),
            ("0::/", KernelText.version2.replacing(" / /", with: " /../.. /"), false),
            ("4:memory:/a", KernelText.version1("memory"), true),
            ("4:memory:/a\n0::/", KernelText.version1("cpu"), false),
            (
                "2:cpu:/a\n3:pids:/a\n4:memory:/a\n0::/",
                ["cpu", "pids", "memory"].map { KernelText.version1($0) }.joined(separator: "\n"), true
            ),
        ])
    func known(groups: String, mounts: String, isKnown: Bool) throws {
        #expect(try machine(["proc/self/cgroup": groups, "proc/self/mountinfo": mounts]).knowsGroups == isKnown)
    }

    // MARK: CPU time

    struct QuotaCase: CustomTestStringConvertible, Sendable {
        let name: String
        let files: [String: String]
        let cpus: Double?
        var testDescription: String { name }
        init(_ name: String, _ cpus: Double?, _ files: [String: String]) {
            (self.name, self.cpus, self.files) = (name, cpus, files)
        }
    }

    static let quotas = [
        QuotaCase(
            "version 2, in a namespace of its own", 1.5,
            [
                "proc/self/cgroup": "0::/", "proc/self/mountinfo": KernelText.version2,
                "sys/fs/cgroup/cpu.max": "150000 100000",
            ]),
        QuotaCase(
            "version 2, the group around it is tighter", 0.5,
            [
                "proc/self/cgroup": "0::/slice/unit", "proc/self/mountinfo": KernelText.version2,
                "sys/fs/cgroup/slice/cpu.max": "25000 50000", "sys/fs/cgroup/slice/unit/cpu.max": "200000 100000",
            ]),
        QuotaCase(
            "version 2, max", nil,
            [
                "proc/self/cgroup": "0::/unit", "proc/self/mountinfo": KernelText.version2,
                "sys/fs/cgroup/unit/cpu.max": "max 100000",
            ]),
        QuotaCase(
            "version 1, cpu and cpuacct together", 2,
            [
                "proc/self/cgroup": "5:cpu,cpuacct:/job\n4:memory:/other",
                "proc/self/mountinfo": KernelText.version1("cpu,cpuacct") + "\n" + KernelText.version1("memory"),
                "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": "200000",
                "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "100000",
                "sys/fs/cgroup/cpu,cpuacct/other/cpu.cfs_quota_us": "1000",
                "sys/fs/cgroup/cpu,cpuacct/other/cpu.cfs_period_us": "100000",
            ]),
        QuotaCase(
            "version 1, none", nil,
            [
                "proc/self/cgroup": "5:cpu:/", "proc/self/mountinfo": KernelText.version1("cpu"),
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            ]),
        QuotaCase(
            "version 1, named as outside, mounted from there", 0.25,
            [
                "proc/self/cgroup": "5:cpu:/docker/0123/in",
                "proc/self/mountinfo": KernelText.version1("cpu", group: "/docker/0123"),
                "sys/fs/cgroup/cpu/in/cpu.cfs_quota_us": "25000",
                "sys/fs/cgroup/cpu/in/cpu.cfs_period_us": "100000",
            ]),
        QuotaCase(
            "version 1, named as outside, and not below the mount", 3,
            [
                "proc/self/cgroup": "5:cpu:/docker/01234",
                "proc/self/mountinfo": KernelText.version1("cpu", group: "/docker/0123"),
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "300000", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            ]),
        QuotaCase(
            "version 1, outside of its namespace", 1,
            [
                "proc/self/cgroup": "5:cpu:/../outside", "proc/self/mountinfo": KernelText.version1("cpu"),
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "50000",
                "sys/fs/cgroup/outside/cpu.cfs_quota_us": "1", "sys/fs/cgroup/outside/cpu.cfs_period_us": "50000",
            ]),
        QuotaCase(
            "both versions: the controllers are version 1's", 1.5,
            [
                "proc/self/cgroup": "1:cpu:/job\n0::/job",
                "proc/self/mountinfo": KernelText.version1("cpu")
                    + "\n41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw",
                "sys/fs/cgroup/cpu/job/cpu.cfs_quota_us": "150000",
                "sys/fs/cgroup/cpu/job/cpu.cfs_period_us": "100000",
                "sys/fs/cgroup/unified/job/cpu.stat": "usage_usec 1",
            ]),
        QuotaCase(
            "a mount point with a blank, and a group with a colon", 1.25,
            [
                "proc/self/cgroup": "0::/a:b",
                "proc/self/mountinfo": "30 23 0:26 / /mnt/c\\040group rw - cgroup2 none rw",
                "mnt/c group/a:b/cpu.max": "125000 100000",
            ]),
        QuotaCase(
            "garbage", nil,
            [
                "proc/self/cgroup": "\n:\nx\n0:\n::/\u{1}\n0::/u",
                "proc/self/mountinfo": "- - -\n\n" + KernelText.version2 + "\nx -",
                "sys/fs/cgroup/cpu.max": "10 0", "sys/fs/cgroup/u/cpu.max": "many few more",
            ]),
        QuotaCase(
            "negative and empty", nil,
            [
                "proc/self/cgroup": "0::/u", "proc/self/mountinfo": KernelText.version2,
                "sys/fs/cgroup/cpu.max": "-5 100000", "sys/fs/cgroup/u/cpu.max": "",
            ]),
        QuotaCase("no /proc, no /sys", nil, [:]),
        QuotaCase(
            "no list of groups: the mount's own", 2,
            [
                "proc/self/mountinfo": KernelText.version2, "sys/fs/cgroup/cpu.max": "200000 100000",
            ]),
    ]

    @Test("the tightest quota of the process's groups counts, whichever version they are of", arguments: quotas)
    func quota(example: QuotaCase) throws {
        let machine = try machine(example.files)
        #expect(machine.cpuQuota?.cpus == example.cpus)
        #expect(machine.cpuTime == min(4, example.cpus ?? 4))
        #expect(machine.knowsGroups == (example.files["proc/self/mountinfo"] != nil))
    }

    // MARK: Memory

    struct MemoryCase: CustomTestStringConvertible, Sendable {
        let name: String
        let files: [String: String]
        /// Limits of groups and what they leave, the tightest first.
        let left: [(limit: Int, available: Int)]
        var testDescription: String { name }
        init(_ name: String, _ left: [(Int, Int)], _ files: [String: String]) {
            (self.name, self.left, self.files) = (name, left.map { ($0.0, $0.1) }, files)
        }
    }

    static let memories = [
        MemoryCase(
            "version 2: page cache and reclaimable slab count as available", [(1000, 1000 - (700 - 100 - 50 - 20))],
            [
                "proc/self/cgroup": "0::/", "proc/self/mountinfo": KernelText.version2,
                "sys/fs/cgroup/memory.max": "1000",
                "sys/fs/cgroup/memory.high": "max", "sys/fs/cgroup/memory.current": "700",
                "sys/fs/cgroup/memory.stat":
                    "anon 500\nfile 170\nshmem 30\ninactive_file 100\nactive_file 50\nslab_reclaimable 20\nslab 25",
            ]),
        MemoryCase(
            "version 2: a group around it, and what throttles", [(500, 200), (900, 400)],
            [
                "proc/self/cgroup": "0::/a/b", "proc/self/mountinfo": KernelText.version2,
                "sys/fs/cgroup/a/memory.max": "900", "sys/fs/cgroup/a/memory.current": "500",
                "sys/fs/cgroup/a/b/memory.max": "max", "sys/fs/cgroup/a/b/memory.high": "500",
                "sys/fs/cgroup/a/b/memory.current": "300",
            ]),
        MemoryCase(
            "version 1: the group's own and its descendants' cache", [(1000, 1000 - (700 - 250))],
            [
                "proc/self/cgroup": "4:memory:/job", "proc/self/mountinfo": KernelText.version1("memory"),
                "sys/fs/cgroup/memory/memory.limit_in_bytes": KernelText.noLimit,
                "sys/fs/cgroup/memory/job/memory.limit_in_bytes": "1000",
                "sys/fs/cgroup/memory/job/memory.usage_in_bytes": "700",
                "sys/fs/cgroup/memory/job/memory.stat":
                    "inactive_file 1\nactive_file 1\nhierarchical_memory_limit \(KernelText.noLimit)\n"
                    + "total_inactive_file 200\ntotal_active_file 50",
            ]),
        MemoryCase(
            "version 1: the limit of a group that cannot be seen", [(600, 100)],
            [
                "proc/self/cgroup": "4:memory:/docker/0123",
                "proc/self/mountinfo": KernelText.version1("memory", group: "/docker/0123"),
                "sys/fs/cgroup/memory/memory.limit_in_bytes": KernelText.noLimit,
                "sys/fs/cgroup/memory/memory.usage_in_bytes": "500",
                "sys/fs/cgroup/memory/memory.stat": "hierarchical_memory_limit 600",
            ]),
        MemoryCase(
            "more used than there is, as after a limit was lowered", [(1000, 0)],
            [
                "proc/self/cgroup": "0::/", "proc/self/mountinfo": KernelText.version2,
                "sys/fs/cgroup/memory.max": "1000",
                "sys/fs/cgroup/memory.current": "5000",
            ]),
        MemoryCase(
            "more cache than is used", [(1000, 1000)],
            [
                "proc/self/cgroup": "0::/", "proc/self/mountinfo": KernelText.version2,
                "sys/fs/cgroup/memory.max": "1000",
                "sys/fs/cgroup/memory.current": "10", "sys/fs/cgroup/memory.stat": "inactive_file 900\nactive_file 900",
            ]),
        MemoryCase(
            "no limit", [],
            [
                "proc/self/cgroup": "0::/", "proc/self/mountinfo": KernelText.version2,
                "sys/fs/cgroup/memory.max": "max",
            ]),
        MemoryCase(
            "garbage", [],
            [
                "proc/self/cgroup": "0::/u", "proc/self/mountinfo": KernelText.version2,
                "sys/fs/cgroup/memory.max": "1 GiB",
                "sys/fs/cgroup/u/memory.max": "-1", "sys/fs/cgroup/memory.high": "99999999999999999999999",
                "sys/fs/cgroup/u/memory.high": "9223372036854775807",
            ]),
        MemoryCase("missing", [], ["proc/self/cgroup": "0::/u", "proc/self/mountinfo": KernelText.version2]),
    ]

    @Test("each group's limit counts, less what is used and cannot be taken back", arguments: memories)
    func memory(example: MemoryCase) throws {
        let bounds = try machine(example.files).memoryBounds
        #expect(bounds == example.left.map { MemoryBound(.group(limitBytes: $0.limit), availableBytes: $0.available) })
    }

    @Test("the machine's memory and the process's own limits are bounds too, the tightest first")
    func processLimits() throws {
        let limits = """
            Limit                     Soft Limit           Hard Limit           Units
            Max data size             8192                 unlimited            bytes
            Max address space         40960                unlimited            bytes
            Max open files            1024                 4096                 files
            """
        let machine = try machine([
            "proc/meminfo": "MemTotal:       90 kB\nMemAvailable:      30 kB", "proc/self/limits": limits,
            "proc/self/status": "Name:\tx\nVmPeak:\t 9 kB\nVmSize:\t       8 kB\nVmData:\t 5 kB",
        ])
        #expect(
            machine.memoryBounds == [
                MemoryBound(.privateData(limitBytes: 8192), availableBytes: 3072),
                MemoryBound(.machine, availableBytes: 30720),
                MemoryBound(.addressSpace(limitBytes: 40960), availableBytes: 32768),
            ])
        #expect(machine.limit("Max open files")?.soft == "1024" && machine.limit("Max open files")?.unit == "files")
        #expect(machine.limit("Max stack size") == nil)
    }

    @Test("limits that are none, and files that say nothing, are no bounds")
    func noLimits() throws {
        let machine = try machine([
            "proc/meminfo": "MemAvailable: lots", "proc/self/status": "",
            "proc/self/limits": "Max data size  unlimited unlimited bytes\nMax address space",
        ])
        #expect(machine.memoryBounds.isEmpty)
    }

    // MARK: Tasks

    @Test("each group's limit on tasks counts, of either version, and the user's unless the user is root")
    func tasks() throws {
        func bounds(_ files: [String: String]) throws -> [TaskBound] {
            let root = try FakeRoot(files)
            return TaskBound.all(root: root.url.path)
        }
        let second = try bounds([
            "proc/self/cgroup": "0::/a/b", "proc/self/mountinfo": KernelText.version2,
            "sys/fs/cgroup/a/pids.max": "100", "sys/fs/cgroup/a/pids.current": "30",
            "sys/fs/cgroup/a/b/pids.max": "20", "sys/fs/cgroup/a/b/pids.current": "25",
        ])
        #expect(second == [TaskBound(.group, limit: 20, left: 0), TaskBound(.group, limit: 100, left: 70)])
        let first = try bounds([
            "proc/self/cgroup": "4:pids:/job", "proc/self/mountinfo": KernelText.version1("pids"),
            "sys/fs/cgroup/pids/job/pids.max": "9", "sys/fs/cgroup/pids/job/pids.current": "2",
        ])
        #expect(first == [TaskBound(.group, limit: 9, left: 7)])
        for none in ["max", "-1", "many"] {
            let root = ["proc/self/mountinfo": KernelText.version2, "sys/fs/cgroup/pids.max": none]
            #expect(try bounds(root).isEmpty)
        }

        let processes = [
            "proc/self/limits": "Max processes             50                   60                   processes",
            "proc/self/uid_map": "         0          0 4294967295", "proc/7/status": "Uid:\t8\t9\t9\t9\nThreads:\t3",
            "proc/8/status": "Uid:\t9\t8\t8\t8\nThreads:\t4", "proc/x/status": "Uid:\t9\t9\t9\t9\nThreads:\t5",
        ]
        for (capabilities, users, isBound) in [
            ("0", nil, true), ("000001ffffffffff", nil, false), ("1000000", nil, false), ("40000", nil, true),
            ("000001ffffffffff", "0 1000 1", true),
        ] as [(String, String?, Bool)] {
            var files = processes
            files["proc/self/status"] = "Uid:\t9\t8\t8\t8\nThreads:\t1\nCapEff:\t\(capabilities)"
            if let users { files["proc/self/uid_map"] = users }
            #expect(try bounds(files) == (isBound ? [TaskBound(.user, limit: 50, left: 46)] : []))
        }
    }

    @Test("where there is no /proc and no /sys, nothing is made up") func nothing() throws {
        let machine = try machine([:])
        #expect(machine.host == nil && machine.cpuModel == nil && machine.memoryBounds.isEmpty)
        #expect(machine.sharedMemory == nil && machine.memoryKills == nil && !machine.knowsGroups)
        #expect(!machine.topology.isKnown && machine.topology.cpus.count == 4 && machine.limit("Max stack size") == nil)
    }

    @Test("what the kernel killed for want of memory is counted, not that it could have")
    func kills() throws {
        let first = try machine([
            "proc/self/cgroup": "4:memory:/job", "proc/self/mountinfo": KernelText.version1("memory"),
            "sys/fs/cgroup/memory/job/memory.oom_control": "oom_kill_disable 7\nunder_oom 9\noom_kill 3",
        ])
        #expect(first.memoryKills == 3)
        let second = try machine([
            "proc/self/cgroup": "0::/job", "proc/self/mountinfo": KernelText.version2,
            "sys/fs/cgroup/job/memory.events": "low 0\nhigh 5\nmax 6\noom 9\noom_kill 2\noom_group_kill 1",
        ])
        #expect(second.memoryKills == 2)
    }

    @Test("this machine says of itself what the system's own calls say") func here() throws {
        let machine = try Machine.current()
        #expect(machine.topology.cpus.map(\.id) == (try CPUSet.allowed().cpus))
        #expect(machine.host == ProcessInfo.processInfo.hostName || machine.host != nil)
        let available = try #require(machine.memoryBounds.first { $0.source == .machine }).availableBytes
        #expect(available > 0 && available <= ProcessInfo.processInfo.physicalMemory)
    }
}
