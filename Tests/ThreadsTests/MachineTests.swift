// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import Threads

struct MachineTests {
    private func machine(_ files: [String: String]) throws -> Machine { try FakeRoot(files).machine }

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

    @Test("a limit is blamed for a task that could not be had where it leaves none, and not where it leaves some")
    func blame() throws {
        let error = SystemError(call: "pthread_create", code: EAGAIN)
        func blamed(_ current: Int, _ error: SystemError) throws -> String {
            let root = try FakeRoot([
                "proc/self/cgroup": "4:pids:/job", "proc/self/mountinfo": KernelText.version1("pids"),
                "sys/fs/cgroup/pids/job/pids.max": "9", "sys/fs/cgroup/pids/job/pids.current": "\(current)",
            ])
            return TaskBound.naming(error, root: root.url.path).call
        }
        #expect(
            try blamed(9, error) == "pthread_create beyond the container's limit of 9 tasks (docker run --pids-limit)")
        #expect(try blamed(8, error) == "pthread_create")
        #expect(try blamed(9, SystemError(call: "fork", code: ENOMEM)) == "fork")
    }

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

    @Test("the first CPU is called by its name, or by the numbers that arm64 has instead") func cpuModel() throws {
        func model(_ text: String) throws -> String? { try machine(["proc/cpuinfo": text]).cpuModel }
        #expect(try model("vendor_id\t: A\nmodel name\t: A 1\n\nmodel name\t: B 2") == "A 1")
        let arm = "processor\t: 0\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x3\nCPU part\t: 0xd0c"
        #expect(try model(arm) == "implementer 0x41, part 0xd0c")
        #expect(try model("CPU implementer\t: 0x41") == nil)
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
