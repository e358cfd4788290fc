// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing
import Threads
import ppthreads

/// Each warning of `doctor`, on a machine that is made up to need it, and none on one that just does not.
struct DoctorWarningTests {
    /// Four CPUs, of which the first is one that this program may use.
    private static let cpus: CPUSet = {
        let first = (try? CPUSet.allowed().cpus.first) ?? 0
        return CPUSet(first..<first + 4)
    }()
    private static let forked =
        "--transport processes, sockets and unix (and so compare and verify, unless --transport threads is given)"

    private func all(
        _ machine: MadeUpMachine, _ bound: TaskBound? = nil, given: GivenCPUs? = nil, isLaunched: Bool = false
    ) -> [String] {
        DoctorWarnings(machine.machine, taskBound: bound, given: given, isLaunched: isLaunched).all
    }

    /// Those that there are besides what this machine, or one that lacks nothing, has: its kernels, and its /dev/shm.
    private func warnings(
        allowed: CPUSet = DoctorWarningTests.cpus, _ changes: [String: String?] = [:], _ bound: TaskBound? = nil,
        given: GivenCPUs? = nil, isLaunched: Bool = false
    ) throws -> [String] {
        let good = all(try MadeUpMachine(allowed: Self.cpus))
        #expect(good.allSatisfy { $0.hasPrefix("no AVX2") || $0.hasPrefix("/dev/shm") }, "\(good)")
        let machine = try MadeUpMachine(allowed: allowed, changes)
        return all(machine, bound, given: given, isLaunched: isLaunched).filter { !good.contains($0) }
    }

    @Test("one CPU, not two") func oneCPU() throws {
        let first = Self.cpus.cpus[0]
        #expect(
            try warnings(allowed: CPUSet(first..<first + 1)) == [
                "one CPU to use: ranks take turns on it, and no pipeline can be faster than one stage"
            ])
        #expect(try warnings(allowed: CPUSet(first..<first + 2)) == [])
    }

    /// CPUs of a launcher's processes, each counted from the first that this program may use.
    private func given(_ cpus: [[Int]]) -> GivenCPUs {
        let first = Self.cpus.cpus[0]
        return GivenCPUs(cpus.enumerated().map { ($0.offset, CPUSet($0.element.map { first + $0 })) })
    }

    @Test("a launcher that gives each process a CPU of its own is nothing to warn of, one that gives too few is")
    func given() throws {
        let first = Self.cpus.cpus[0]
        let one = CPUSet(first..<first + 1)
        #expect(try warnings(allowed: one, given: given([[0]]), isLaunched: true) == [])
        #expect(try warnings(given: given([[0], [1], [2], [3]])) == [])
        #expect(try warnings(given: given([[0, 1], [0, 1], [2, 3], [2, 3]])) == [])
        let rest =
            ": they take turns, and waits sleep instead of spinning; start fewer processes here, or let the launcher give "
            + "other CPUs (--bind-to none)"
        #expect(
            try warnings(allowed: one, given: given([[0], [0]])) == ["ranks 0, 1 have no more than CPU \(first)\(rest)"]
        )
        // The pair on one CPU is told of, and not again that six are on four.
        #expect(
            try warnings(given: given([[0], [1], [0, 1], [1], [2, 3], [2, 3]])) == [
                "ranks 1, 3 have no more than CPU \(first + 1)\(rest)"
            ])
        // No set has too few, all together have.
        #expect(
            try warnings(allowed: CPUSet(first..<first + 3), given: given([[0, 1], [1, 2], [0, 2], [0, 1]])) == [
                "ranks 0, 1, 2, 3 have no more than CPUs \(CPUSet(first..<first + 3))\(rest)"
            ])
        #expect(
            try warnings(allowed: one, isLaunched: true) == [
                "a launcher has left this process one CPU, whatever the machine has: ranks take turns on it (--bind-to none)"
            ])
    }

    @Test("processes that share a core's arithmetic are more than cores, not CPUs that are") func givenHyperThreads()
        throws
    {
        var cores: [String: String?] = [:]
        for (index, cpu) in Self.cpus.cpus.enumerated() {
            cores["sys/devices/system/cpu/cpu\(cpu)/topology/core_id"] = "\(index / 2)"
        }
        #expect(try warnings(cores, given: given([[0, 1], [2, 3]])) == [])
        #expect(
            try warnings(cores, given: given([[0], [1], [2, 3]])) == [
                "3 processes on CPUs that are hyper-threads of 2 cores share a core's arithmetic"
            ])
    }

    @Test("each host is told of once, by its first process, whatever CPUs the others have") func hosts() {
        func host(_ name: String, first: Int, clock: String, _ cpus: [Int]) -> JobHost {
            JobHost(name: name, first: first, clock: clock, cpus: cpus)
        }
        let texts = [
            (host("north", first: 0, clock: "a", [0]), "facts of north"),
            (host("south", first: 1, clock: "b", [0, 1]), "facts of south"),
            (host("north", first: 0, clock: "a", [1]), ""), (host("south", first: 1, clock: "b", [0, 1]), ""),
        ]
        let text = DoctorHosts(texts.map { (host: $0, value: $1) }, library: "Some MPI").text
        #expect(
            text == "4 processes of Some MPI\n\nhost north: ranks 0, 2\n\nfacts of north\n\n"
                + "host south: ranks 1, 3; its clock is another than rank 0's\n\nfacts of south")
        #expect(given([[0], [1, 2], [0]]).text == named("ranks 0, 2 share CPU %, rank 1 has CPUs %,%", [0, 1, 2]))
    }

    /// The text with the numbers of CPUs, counted from the first that this program may use.
    private func named(_ text: String, _ cpus: [Int]) -> String {
        cpus.reduce(text) { text, cpu in
            text.replacing("%", with: "\(Self.cpus.cpus[0] + cpu)", maxReplacements: 1)
        }
    }

    @Test("CPUs that share a core, not those that have the same number in two packages") func hyperThreads() throws {
        func cores(_ cores: [Int], packages: [Int] = [0, 0, 0, 0]) -> [String: String?] {
            var files: [String: String?] = [:]
            for (index, cpu) in Self.cpus.cpus.enumerated() {
                let folder = "sys/devices/system/cpu/cpu\(cpu)/topology"
                files["\(folder)/core_id"] = "\(cores[index])"
                files["\(folder)/physical_package_id"] = "\(packages[index])"
            }
            return files
        }
        let rest = ": more ranks than cores share a core's arithmetic"
        #expect(try warnings(cores([0, 1, 2, 2])) == ["4 CPUs are hyper-threads of 3 cores\(rest)"])
        #expect(try warnings(cores([5, 5, 5, 5])) == ["4 CPUs are hyper-threads of 1 core\(rest)"])
        #expect(try warnings(cores([0, 1, 0, 1], packages: [0, 0, 1, 1])) == [])
    }

    @Test("a quota below the CPUs, not one of as many") func quota() throws {
        func quota(_ text: String) throws -> [String] { try warnings(["sys/fs/cgroup/cpu.max": text]) }
        func sentence(_ quota: String, _ effect: String, _ period: String) -> String {
            "a quota of \(quota) for 4 to use (docker run --cpus): \(effect), and all stand still for the rest of each "
                + "\(period) in which the time is used up; where ranks take more than the quota, waits sleep instead of "
                + "spinning, and hand-offs take longer"
        }
        let part = "ranks that compute all the time on 4 CPUs get"
        #expect(try quota("70000 50000") == [sentence("1.4 CPUs", "\(part) 35 % of them", "50 ms")])
        #expect(try quota("399000 100000") == [sentence("3.99 CPUs", "\(part) 100 % of them", "100 ms")])
        #expect(try quota("100000 100000") == [sentence("1 CPU", "no pipeline can be faster than one stage", "100 ms")])
        #expect(try quota("400000 100000") == [])
        #expect(try quota("max 100000") == [])
    }

    @Test("memory: the smallest of the reference study's models that would be refused") func memory() throws {
        func needed(_ layers: Int) throws -> Int {
            var spec = ModelSpec()
            spec.layers = layers
            let configuration = RunConfiguration(
                model: spec.model(), schedule: .oneFOneB(ranks: 2, microbatches: 4))
            return try RunPlan(configuration, on: MadeUpMachine(allowed: Self.cpus).machine).memoryDemand.total
        }
        func refused(kibibytes: Int) throws -> [Substring?] {
            try warnings(["proc/meminfo": "MemAvailable: \(kibibytes) kB"]).map { $0.split(separator: ":").first }
        }
        #expect(try refused(kibibytes: needed(4) / 1024 - 1) == ["run --layers 4 is refused here"])
        #expect(try refused(kibibytes: needed(4) / 1024 + 1) == ["run --layers 8 is refused here"])
        #expect(try refused(kibibytes: needed(8) / 1024 + 1) == ["run --layers 12 is refused here"])
        #expect(try refused(kibibytes: needed(12) / 1024 + 1) == [])
        let sentence = try #require(try warnings(["proc/meminfo": "MemAvailable: 1024 kB"]).first)
        #expect(sentence.hasPrefix("run --layers 4 is refused here: --dim: the model and its activations need "))
        #expect(sentence.contains(" of memory; 1.0 MiB are available: make --dim, "), "\(sentence)")
        // Rounded, both would read alike.
        let close = try #require(try warnings(["proc/meminfo": "MemAvailable: \(needed(4) / 1024 - 3) kB"]).first)
        #expect(
            close.contains(#/ of memory; [0-9]+ MiB are available \([34]\.[0-9] KiB too few\): make --dim, /#),
            "\(close)")
    }

    @Test("no /dev/shm") func sharedMemory() throws {
        #expect(try warnings(["dev/shm/file": nil]) == ["there is no /dev/shm: \(Self.forked) cannot run"])
    }

    @Test("control groups that cannot be seen, not those that are not there") func groups() throws {
        let disk = "21 1 8:1 / / rw - ext4 /dev/sda1 rw"
        #expect(
            try warnings(["proc/self/mountinfo": disk]) == [
                "the control groups that this process is in cannot be seen below /sys/fs/cgroup: limits of a container on "
                    + "memory, CPU time and tasks are not known, and a run that exceeds one is killed or slowed without a word"
            ])
    }

    @Test("fewer tasks than a rank on each CPU takes, or than two, not as many") func tasks() throws {
        func warnings(_ cpus: Int, left: Int) throws -> [String] {
            let first = Self.cpus.cpus[0]
            return try self.warnings(
                allowed: CPUSet(first..<first + cpus), [:], TaskBound(.group, limit: 77, left: left)
            ).filter { !$0.hasPrefix("one CPU") }
        }
        let name = "the container's limit of 77 tasks (docker run --pids-limit)"
        func sentence(_ ranks: Int, _ left: Int) -> String {
            "\(ranks) ranks are as many threads or processes, and \(left) can be started under \(name)"
        }
        #expect(try warnings(4, left: 3) == [sentence(4, 3)])
        #expect(try warnings(4, left: 4) == [])
        #expect(try warnings(1, left: 1) == [sentence(2, 1)])
        #expect(try warnings(1, left: 2) == [])
    }

    @Test("pinning that the system refuses") func pinning() throws {
        #expect(
            try warnings(allowed: CPUSet(1000..<1004)) == [
                "pinning is refused here (sched_setaffinity: EINVAL (Invalid argument)): ranks run wherever the system puts them"
            ])
    }
}
