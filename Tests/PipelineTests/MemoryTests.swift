// SPDX-License-Identifier: Apache-2.0

import Foundation
import Pipeline
import SharedTensor
import Testing
import Threads

/// What a run is said to take, and what is refused for it. `CommandTests/ContainerTests` has the kernel's opinion.
struct MemoryTests {
    private func configuration(
        _ transport: TransportKind = .threads, layers: Int = 4, _ change: (inout RunConfiguration) -> Void = { _ in }
    ) -> RunConfiguration {
        var spec = ModelSpec()
        (spec.layers, spec.heads, spec.dim, spec.hidden, spec.vocabulary, spec.sequenceLength) = (
            layers, 2, 16, 24, 31, 8
        )
        var configuration = RunConfiguration(
            model: spec.model(), schedule: .oneFOneB(ranks: 2, microbatches: 4))
        configuration.transport = transport.transport
        change(&configuration)
        return configuration
    }

    /// A machine whose files say these.
    private func machine(_ files: [String: String]) throws -> Machine {
        let root = FileManager.default.temporaryDirectory.appending(path: "ppthreads-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: root) }
        for (path, text) in files {
            let file = root.appending(path: path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data((text + "\n").utf8).write(to: file)
        }
        return Machine(allowed: CPUSet([0, 1]), root: root.path)
    }

    private func container(limit: Int) throws -> Machine {
        try machine([
            "proc/meminfo": "MemAvailable: 999999999 kB", "proc/self/cgroup": "0::/",
            "proc/self/mountinfo": "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw",
            "sys/fs/cgroup/memory.max": "\(limit)",
        ])
    }

    @Test(
        "a run that needs a byte more than a container's limit is refused, with the limit named; with that byte it is not"
    )
    func container() throws {
        let need = try RunPlan(configuration()).memoryDemand.total
        _ = try RunPlan(configuration(), on: container(limit: need))
        let refusal = #expect(throws: RunError.self) { try RunPlan(configuration(), on: container(limit: need - 1)) }
        guard case .configuration("--dim", let reason)? = refusal else {
            Issue.record("\(String(describing: refusal))")
            return
        }
        #expect(
            reason.contains(
                "\(ByteCount(need)) of memory; \(ByteCount(need - 1)) are available under the container's limit of \(ByteCount(need - 1)) (1 byte too few): make "
            ))
    }

    @Test(
        "a process's own limits count for the process that has the most, not for all",
        arguments: TransportKind.withoutLauncher
    )
    func processLimits(kind: TransportKind) throws {
        let memory = try RunPlan(configuration(kind)).memoryDemand
        for (limit, used, need) in [
            ("Max address space", "VmSize", memory.ofProcess), ("Max data size", "VmData", memory.privateOfProcess),
        ] {
            func limited(to bytes: Int) throws -> Machine {
                try machine([
                    "proc/self/limits": "\(limit)   \(bytes)   unlimited  bytes", "proc/self/status": "\(used):\t 1 kB",
                ])
            }
            _ = try RunPlan(configuration(kind), on: limited(to: need + 1024))
            let refusal = #expect(throws: RunError.self) {
                try RunPlan(configuration(kind), on: limited(to: need + 1023))
            }
            #expect(
                refusal?.description.contains("of memory in one process; ") == true, "\(String(describing: refusal))")
        }
    }

    @Test("what is mapped where follows from who runs the ranks") func demand() {
        let mebibyte = 1 << 20
        func demand(_ kind: TransportKind) -> MemoryDemand {
            MemoryDemand(
                kind.transport, links: LinkMemory(sharedBytes: 10, privateBytes: 200), control: 3, timeline: 4000,
                images: 50_000, ranks: [600_000, 7_000_000], setUps: [80_000, 20_000], threadsPerRank: 2)
        }
        // Room for the largest parameters is given back before the images are filled: the larger of the two counts.
        let all = 10 + 200 + 3 + 4000 + 7_600_000 + 100_000
        let threads = demand(.threads)
        #expect(threads.total == all + 4 * mebibyte && threads.inSharedMemory == 0)
        #expect(threads.privateOfProcess == all + 4 * mebibyte + 4 * 8 * mebibyte)
        #expect(threads.ofProcess == threads.privateOfProcess + 4 * 64 * mebibyte)
        for kind in [TransportKind.processes, .sockets, .unix] {
            let forked = demand(kind)
            #expect(forked.total == all + 6 * mebibyte && forked.inSharedMemory == 13)
            #expect(forked.privateOfProcess == 200 + 7_020_000 + 2 * 8 * mebibyte)
            #expect(forked.ofProcess == forked.privateOfProcess + 13 + 4000 + 50_000 + 2 * 64 * mebibyte)
        }
    }

    @Test("rings of processes lie in /dev/shm, buffers of sockets do not; both hold each edge's slots")
    func links() throws {
        // 2 sequences of 8 tokens, 16 columns of 4 bytes; 1F1B on two ranks has four slots in all.
        let item = 2 * 8 * 16 * 4
        let processes = try RunPlan(configuration(.processes)).memoryDemand.inSharedMemory
        let facts = try RunPlan(configuration(.processes)).facts
        let slots = (facts.activationSlots + facts.gradientSlots).reduce(0, +)
        // Each slot has a line for its state. The control block: four lines, the barrier's two, one for each rank, of the last
        // of which 8 bytes are used.
        #expect(slots == 4 && processes == 4 * (64 + item) + 7 * 64 + 8)
        #expect(try RunPlan(configuration(.unix)).memoryDemand.inSharedMemory < 1024)
        #expect(try RunPlan(configuration(.threads)).memoryDemand.inSharedMemory == 0)
        let edges = [
            Edge(from: 0, to: 1, shape: Shape(16, 16), slots: 2), Edge(from: 1, to: 0, shape: Shape(16, 16), slots: 1),
        ]
        #expect(
            SocketTransport(domain: .unix).linkMemory(edges) == LinkMemory(sharedBytes: 0, privateBytes: 5 * item))
    }

    @Test("images, the timeline and more steps add what they hold") func results() throws {
        let base = try RunPlan(
            configuration { ($0.keepsTimeline, $0.warmupSteps, $0.measuredSteps) = (false, 0, 1) }
        ).memoryDemand.total
        let timed = try RunPlan(configuration { ($0.warmupSteps, $0.measuredSteps) = (0, 1) }).memoryDemand.total
        let longer = try RunPlan(configuration { ($0.warmupSteps, $0.measuredSteps) = (0, 101) }).memoryDemand.total
        // Two ranks, each with a pack, four forwards, four backwards and an update, of two cache lines each; the times of a step,
        // and on the last rank its loss, twice, with its number and its end.
        let times = 16 + 36
        #expect(longer - timed == 100 * (2 * 10 * 128 + times) && timed - base == 2 * 10 * 128)
        let weights = try RunPlan(configuration { $0.keepsWeights = true }).memoryDemand.ofProcess
        let both = try RunPlan(configuration { ($0.keepsWeights, $0.keepsGradients) = (true, true) }).memoryDemand
            .ofProcess
        let neither = try RunPlan(configuration()).memoryDemand.ofProcess
        #expect(both - weights == weights - neither || both > weights)
        let forked = try [false, true].map { keeps in
            try RunPlan(configuration(.processes) { $0.keepsWeights = keeps }).memoryDemand.ofProcess
        }
        let parameters = try RunPlan(configuration()).parameters.reduce(0) { $0 + $1.shape.count } * 4
        #expect((parameters...parameters + 64 * 200).contains(forked[1] - forked[0]))
    }

    @Test(
        "what the process holds is planned for: with each thread in equal parts, with each process what forks leave shared"
    )
    func program() throws {
        let kibibyte = 1024
        // A program whose code is its own, then one that shares each page of it with another program.
        for whole in [10_000, 20_000] {
            let machine = try machine([
                "proc/self/smaps_rollup":
                    "Rss: \(whole + 1300) kB\nPss: 11300 kB\nPss_File: 10000 kB\nAnonymous: 1300 kB"
            ])
            let others = whole == 10_000 ? 0.0 : 1.0
            func plan(_ kind: TransportKind, threads: Int = 1) throws -> MemoryPlan {
                try RunPlan(configuration(kind) { $0.threadsPerRank = threads }, on: machine).memory
            }
            let threads = try plan(.threads)
            for rank in threads.ranks {
                #expect(rank[.program] == ((1300 + 72) / 2 + 68) * kibibyte)
                #expect(rank[.code] / kibibyte == Int((10_000 + 800 / (1 + others)) / 2))
            }
            let helped = try plan(.threads, threads: 3)
            #expect(helped.ranks[1][.program] - threads.ranks[1][.program] == 2 * 20 * kibibyte)
            let forked = try plan(.processes)
            let shared = (1300 - 168) * kibibyte / 3
            let supervisor = try #require(forked.supervisor)
            #expect(forked.ranks[0][.program] == shared + 280 * kibibyte)
            #expect(supervisor[.program] == shared + 255 * kibibyte)
            #expect(abs(forked.ranks[0][.code] / kibibyte - Int(6600 / (3 + others) + 200 / (2 + others))) <= 1)
            #expect(
                abs(supervisor[.code] / kibibyte - Int(10_000 - 6600 / (1 + others) + 6600 / (3 + others))) <= 1)
        }
        // Nobody knows: the constants alone.
        let unknown = try RunPlan(configuration(), on: machine([:])).memory
        #expect(unknown.ranks[0][.program] == (72 / 2 + 68) * kibibyte)
    }

    @Test("a quota reaches the placement") func quota() throws {
        let machine = try machine([
            "proc/self/mountinfo": "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw",
            "sys/fs/cgroup/cpu.max": "150000 100000",
        ])
        #expect(try RunPlan(configuration(), on: machine).placement.quota == CPUQuota(cpus: 1.5))
    }
}
