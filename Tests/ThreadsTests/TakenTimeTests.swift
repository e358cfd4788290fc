// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing
import Threads

struct TakenTimeTests {
    /// Ten numbers of a CPU's line, in ticks, of which the eighth is the stolen time.
    private func stat(_ first: Int, _ second: Int) -> String {
        """
        cpu  1 2 3 4 5 6 7 \(first + second) 9 10
        cpu0 1 2 3 4 5 6 7 \(first) 9 10
        cpu1 1 2 3 4 5 6 7 \(second) 9 10
        """
    }

    @Test("stolen time is that of the CPUs that were asked about, since the meter was made or restarted") func stolen()
        throws
    {
        let root = try FakeRoot(["proc/stat": stat(300, 40)])
        var one = TakenTimeMeter(cpus: [1], root: root.url.path)
        let both = TakenTimeMeter(cpus: [0, 1], root: root.url.path)
        try root.write("proc/stat", stat(320, 47))
        let tick = 1 / Double(sysconf(Int32(_SC_CLK_TCK)))
        #expect(one.taken.stolenSeconds.map { abs($0 - 7 * tick) < 1e-9 } == true)
        #expect(both.taken.stolenSeconds.map { abs($0 - 27 * tick) < 1e-9 } == true)
        #expect(one.taken.throttledSeconds == nil)
        one.restart()
        #expect(one.taken.stolenSeconds == 0)
        #expect(TakenTimeMeter(cpus: [7], root: root.url.path).taken.stolenSeconds == nil)
    }

    @Test(
        "throttled time is that of the group with the quota and those around it; of version 2 in microseconds, of 1 in nanoseconds"
    )
    func throttled() throws {
        let second = try FakeRoot([
            "proc/self/cgroup": "0::/slice/unit", "proc/self/mountinfo": KernelText.version2,
            "sys/fs/cgroup/slice/cpu.max": "25000 50000",
            "sys/fs/cgroup/slice/cpu.stat": "nr_throttled 3\nthrottled_usec 700000",
            "sys/fs/cgroup/slice/unit/cpu.stat": "nr_throttled 0\nthrottled_usec 5000000",
        ])
        let meter = TakenTimeMeter(cpus: [], root: second.url.path)
        try second.write("sys/fs/cgroup/slice/cpu.stat", "nr_throttled 9\nthrottled_usec 1000000")
        try second.write("sys/fs/cgroup/slice/unit/cpu.stat", "nr_throttled 1\nthrottled_usec 5250000")
        #expect(meter.taken.throttledSeconds.map { abs($0 - 0.55) < 1e-9 } == true)

        let first = try FakeRoot([
            "proc/self/cgroup": "5:cpu,cpuacct:/job", "proc/self/mountinfo": KernelText.version1("cpu,cpuacct"),
            "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": "50000",
            "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "100000",
            "sys/fs/cgroup/cpu,cpuacct/job/cpu.stat": "nr_periods 4\nnr_throttled 2\nthrottled_time 1500000000",
        ])
        let other = TakenTimeMeter(cpus: [], root: first.url.path)
        try first.write(
            "sys/fs/cgroup/cpu,cpuacct/job/cpu.stat", "nr_periods 8\nnr_throttled 5\nthrottled_time 4000000000")
        #expect(other.taken.throttledSeconds.map { abs($0 - 2.5) < 1e-9 } == true)
        // Backwards, and without a quota.
        try first.write("sys/fs/cgroup/cpu,cpuacct/job/cpu.stat", "throttled_time 7")
        #expect(other.taken.throttledSeconds == 0)
        try first.write("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "-1")
        #expect(TakenTimeMeter(cpus: [], root: first.url.path).taken.throttledSeconds == nil)
    }
}
