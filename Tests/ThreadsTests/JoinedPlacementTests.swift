// SPDX-License-Identifier: Apache-2.0

import Testing
import Threads

/// Ranks that several processes have put on CPUs.
struct JoinedPlacementTests {
    private func topology(_ cpus: [Int]) -> Topology {
        Topology(cpus: cpus.map { Topology.CPU(id: $0, core: $0, package: 0, node: 0) })
    }

    @Test("each rank keeps its part's CPUs, and shares CPUs with ranks of its part alone") func joined() throws {
        // Ranks 0, 3 and 4 on a host with CPUs 0 and 1, ranks 2 and 1 on another with 0, 5, 6.
        let first = try Placement(ranks: 3, policy: .auto, topology: topology([0, 1]))
        let second = try Placement(ranks: 2, policy: .auto, topology: topology([0, 5, 6]))
        let parts = [(ranks: [0, 3, 4], placement: first), (ranks: [2, 1], placement: second)]
        let here = Placement(joining: parts, own: 0)
        #expect(here.cpusOfRank == [[0], [5], [0], [1], [0]])
        #expect(here.isShared == [true, false, false, false, true])
        #expect(here.cpus == [0, 1] && here.cpuCount == 4)
        #expect(here.patience(ofRank: 4) == .sharedCPU && here.patience(ofRank: 2) == .ownCPU)
        let there = Placement(joining: parts, own: 1)
        #expect(there.cpus == [0, 5] && there.cpusOfRank == here.cpusOfRank)
    }

    @Test("of one part, it is that part") func one() throws {
        let only = try Placement(ranks: 3, threads: 2, policy: .list([1, 0]), topology: topology([0, 1]))
        #expect(Placement(joining: [([0, 1, 2], only)], own: 0) == only)
    }

    @Test("the tightest quota of all counts for all") func quota() throws {
        let (tight, loose) = (CPUQuota(cpus: 0.5), CPUQuota(cpus: 1.5))
        func part(_ quota: CPUQuota?) throws -> Placement {
            try Placement(ranks: 2, policy: .auto, topology: topology([0, 1]), quota: quota)
        }
        let joined = Placement(
            joining: [([0, 1], try part(nil)), ([2, 3], try part(loose)), ([4, 5], try part(tight))], own: 0)
        #expect(joined.quota == tight && !joined.ownsItsCPUs(rank: 0))
        #expect(Placement(joining: [([0, 1], try part(nil))], own: 0).quota == nil)
    }
}
