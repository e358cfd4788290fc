// SPDX-License-Identifier: Apache-2.0

import Testing
import Threads

struct CPUQuotaTests {
    private func machine(_ files: [String: String]) throws -> Machine { try FakeRoot(files).machine }

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
}
