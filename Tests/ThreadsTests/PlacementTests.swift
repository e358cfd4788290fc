// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import Threads

struct PlacementTests {
    /// Two packages, two nodes, four cores of two hyper-threads: CPU n and n + 4 are one core.
    static let server = Topology(
        cpus: (0..<8).map { id in
            Topology.CPU(id: id, core: id % 4 % 2, package: id % 4 / 2, node: id % 4 / 2)
        })

    @Test("ranks take physical cores before hyper-threads, node by node") func fillOrder() {
        #expect(Self.server.fillOrder == [0, 1, 2, 3, 4, 5, 6, 7])
        let mixed = Topology(
            cpus: [(0, 0), (1, 0), (2, 1), (3, 1)].map { Topology.CPU(id: $0.0, core: $0.1, package: 0, node: 0) })
        #expect(mixed.fillOrder == [0, 2, 1, 3])
        #expect(mixed.coreCount == 2)
        #expect(Self.server.coreCount == 4)
    }

    @Test("ranks share CPUs round-robin once all are taken, and only those wait without spinning")
    func sharing() throws {
        let placement = try Placement(ranks: 10, policy: .auto, topology: Self.server)
        #expect(placement.cpusOfRank == [0, 1, 2, 3, 4, 5, 6, 7, 0, 1].map { [$0] })
        #expect((0..<10).filter { placement.isShared[$0] } == [0, 1, 8, 9])
        #expect(placement.patience(ofRank: 0) == .sharedCPU)
        #expect(placement.patience(ofRank: 2) == .ownCPU)
        #expect(placement.note?.contains("4 of 10 ranks share CPUs 0,1") == true)
        #expect(try Placement(ranks: 8, policy: .auto, topology: Self.server).note == nil)
    }

    @Test(
        "a rank's threads share a node where they can, cores before hyper-threads",
        arguments: [
            // Ranks, threads a rank, CPUs of each rank.
            (2, 2, [[0, 1], [2, 3]]), (4, 2, [[0, 1], [2, 3], [4, 5], [6, 7]]), (2, 3, [[0, 1, 4], [2, 3, 6]]),
            (1, 5, [[0, 1, 2, 3, 4]]), (3, 4, [[0, 1, 4, 5], [2, 3, 6, 7], [0, 1, 4, 5]]),
            (1, 10, [[0, 1, 2, 3, 4, 5, 6, 7, 0, 1]]), (3, 3, [[0, 1, 4], [2, 3, 6], [0, 1, 4]]),
        ])
    func teams(ranks: Int, threads: Int, expected: [[Int]]) throws {
        let placement = try Placement(ranks: ranks, threads: threads, policy: .auto, topology: Self.server)
        #expect(placement.cpusOfRank == expected)
    }

    @Test("a rank waits without spinning when any of its threads shares a CPU") func sharedTeams() throws {
        let placement = try Placement(ranks: 3, threads: 4, policy: .auto, topology: Self.server)
        #expect(placement.isShared == [true, false, true])
        #expect(placement.note?.contains("2 of 3 ranks, of 4 threads each, share CPUs 0,1,4,5, round-robin") == true)
        let listed = try Placement(ranks: 2, threads: 2, policy: .list([5, 6, 7]), topology: Self.server)
        #expect(listed.cpusOfRank == [[5, 6], [7, 5]] && listed.isShared == [true, true])
        #expect(try Placement(ranks: 5, threads: 2, policy: .none, topology: Self.server).isShared[0])
    }

    @Test("a list is honoured in its order; a CPU out of reach is refused with what is allowed") func list() throws {
        let placement = try Placement(ranks: 3, policy: .list([6, 2]), topology: Self.server)
        #expect(placement.cpusOfRank == [[6], [2], [6]])
        #expect(placement.isShared == [true, false, true])
        #expect(throws: PlacementError(cpu: 8, allowed: CPUSet(0..<8))) {
            try Placement(ranks: 1, policy: .list([8]), topology: Self.server)
        }
    }

    @Test("without pinning, ranks share only when there are more of them than CPUs") func unpinned() throws {
        let few = try Placement(ranks: 8, policy: .none, topology: Self.server)
        #expect(few.cpusOfRank == Array(repeating: [nil], count: 8) && !few.isShared.contains(true))
        #expect(
            try Placement(ranks: 9, policy: .none, topology: Self.server).isShared == Array(repeating: true, count: 9))
    }

    @Test(
        "with a quota below the CPUs that the ranks take, none spins, and the note says why",
        arguments: [
            // Ranks, threads a rank, policy, the quota's CPUs, whether it is too small.
            (2, 1, PinPolicy.auto, 1.5, true), (2, 1, .auto, 2, false), (2, 1, .none, 1.9, true),
            (1, 1, .auto, 1, false), (1, 1, .auto, 0.5, true), (1, 4, .auto, 3, true), (4, 2, .none, 8, false),
            (2, 1, .list([3]), 1, false), (4, 1, .list([0, 1, 1]), 1.5, true), (10, 1, .auto, 8, false),
            (10, 1, .none, 7.5, true),
        ])
    func quota(ranks: Int, threads: Int, policy: PinPolicy, cpus: Double, isTooSmall: Bool) throws {
        func placement(_ quota: CPUQuota?) throws -> Placement {
            try Placement(ranks: ranks, threads: threads, policy: policy, topology: Self.server, quota: quota)
        }
        let (without, with) = (try placement(nil), try placement(CPUQuota(cpus: cpus)))
        #expect(with.cpusOfRank == without.cpusOfRank && with.isShared == without.isShared)
        for rank in 0..<ranks {
            #expect(with.patience(ofRank: rank) == (isTooSmall ? .sharedCPU : without.patience(ofRank: rank)))
            #expect(with.ownsItsCPUs(rank: rank) == (with.patience(ofRank: rank) == .ownCPU))
        }
        if isTooSmall {
            let note = try #require(with.note)
            #expect(note.contains("a quota gives the run the time of \(CPUQuota(cpus: cpus))"))
            #expect(note.hasSuffix("all waits sleep instead of spinning"))
        } else {
            #expect(with.note == without.note && with.quota == nil)
        }
    }

    @Test("notes speak of one and of several as people do") func notes() throws {
        func note(_ ranks: Int, _ threads: Int, _ policy: PinPolicy, _ quota: Double? = nil) throws -> String? {
            try Placement(
                ranks: ranks, threads: threads, policy: policy, topology: Self.server,
                quota: quota.map { CPUQuota(cpus: $0) }
            ).note
        }
        #expect(
            try note(1, 3, .list([5]))
                == "the rank's 3 threads share CPU 5, round-robin; all waits sleep instead of spinning")
        #expect(
            try note(3, 1, .list([1, 2]))
                == "2 of 3 ranks share CPU 1, round-robin; their waits sleep instead of spinning")
        #expect(
            try note(1, 1, .auto, 0.5)
                == "a quota gives the run the time of 0.5 CPUs, and its ranks take 1 CPU; all waits sleep instead of spinning"
        )
        #expect(
            try note(2, 1, .none, 1)
                == "a quota gives the run the time of 1 CPU, and its ranks take 2 CPUs; all waits sleep instead of spinning"
        )
        #expect(try note(8, 1, .auto) == nil)
    }

    @Test(
        "policies are read from text, and written as they are read",
        arguments: ["auto", "none", "0,2,4", "", "x", "0,,1", "-1", "0, 1"])
    func policyText(text: String) {
        let expected: [String: PinPolicy] = ["auto": .auto, "none": .none, "0,2,4": .list([0, 2, 4])]
        let policy = PinPolicy(text)
        #expect(policy == expected[text])
        if let policy { #expect(policy.description == text) }
    }

    @Test("a sysfs tree is read: cores, packages, nodes; missing files make a CPU its own core") func sysfs() throws {
        let root = FileManager.default.temporaryDirectory.appending(path: "ppthreads-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: root) }
        func write(_ path: String, _ text: String) throws {
            let file = root.appending(path: path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data((text + "\n").utf8).write(to: file)
        }
        for cpu in 0..<4 {
            try write("cpu/cpu\(cpu)/topology/core_id", String(cpu % 2))
            try write("cpu/cpu\(cpu)/topology/physical_package_id", "1")
        }
        try write("node/online", "0-1")
        try write("node/node0/cpulist", "0,2")
        try write("node/node1/cpulist", "1,3")
        let topology = Topology(allowed: CPUSet([0, 1, 2, 7]), sysfs: root.path)
        #expect(topology.cpus.map(\.core) == [0, 1, 0, 7])
        #expect(topology.cpus.map(\.package) == [1, 1, 1, 0])
        #expect(topology.cpus.map(\.node) == [0, 1, 0, 0])
        #expect(topology.fillOrder == [0, 7, 1, 2])
    }
}
