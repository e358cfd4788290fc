// SPDX-License-Identifier: Apache-2.0

import Testing
import Threads

struct MemoryBoundTests {
    private func machine(_ files: [String: String]) throws -> Machine { try FakeRoot(files).machine }

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

    private static let rollup = """
        55a88dcb8000-7ffd5b69b000 ---p 00000000 00:00 0                          [rollup]
        Rss:                9000 kB
        Pss:                5000 kB
        Pss_Dirty:          2200 kB
        Pss_Anon:           2000 kB
        Pss_File:           2900 kB
        Pss_Shmem:           100 kB
        Private_Dirty:       112 kB
        Anonymous:          2500 kB
        """

    @Test("what the process holds is its part of all pages, with files of the program told apart") func program() throws
    {
        let kibibyte = 1024
        let program = try machine(["proc/self/smaps_rollup": Self.rollup]).program
        #expect(
            program
                == ProcessMemory(
                    bytes: 5000 * kibibyte, codeBytes: 2900 * kibibyte, codeBytesWhole: 6400 * kibibyte))
        #expect(program?.otherBytes == 2100 * kibibyte)
        // An older kernel, which does not tell what is of files.
        let older = Self.rollup.split(separator: "\n").filter { !$0.hasPrefix("Pss_") }.joined(separator: "\n")
        #expect(
            try machine(["proc/self/smaps_rollup": older]).program
                == ProcessMemory(
                    bytes: 5000 * kibibyte, codeBytes: 2500 * kibibyte, codeBytesWhole: 6500 * kibibyte))
        #expect(try machine(["proc/self/smaps_rollup": "Pss: lots"]).program == nil && machine([:]).program == nil)
        let root = try FakeRoot(["proc/17/smaps_rollup": Self.rollup])
        #expect(ProcessMemory(ofProcess: 17, root: root.url.path) == program)
        #expect(ProcessMemory(ofProcess: 18, root: root.url.path) == nil)
    }

    @Test("limits that are none, and files that say nothing, are no bounds")
    func noLimits() throws {
        let machine = try machine([
            "proc/meminfo": "MemAvailable: lots", "proc/self/status": "",
            "proc/self/limits": "Max data size  unlimited unlimited bytes\nMax address space",
        ])
        #expect(machine.memoryBounds.isEmpty)
    }
}
