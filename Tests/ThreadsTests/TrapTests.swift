// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import Threads

struct TrapTests {
    @Test("no trap's sentence is one that release builds drop") func noPrecondition() throws {
        let sources = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Sources").standardized
        let files = try #require(FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil))
        var count = 0
        for case let file as URL in files where file.pathExtension == "swift" {
            count += 1
            let text = try String(contentsOf: file, encoding: .utf8)
            #expect(!text.contains("precondition("), "\(file.lastPathComponent)")
        }
        #expect(count > 100)
    }

    @Test("a stack of negative size is the system's refusal") func negativeStack() {
        #expect(throws: SystemError.self) {
            _ = try PinnedThread<Int, Never>(name: "small", cpu: nil, stackBytes: -1) { _ in 1 }
        }
    }

    @Test("CPUs that are none are refused where they are to be used") func negativeCPUs() throws {
        let topology = Topology(cpus: [Topology.CPU(id: 0, core: 0, package: 0, node: 0)])
        #expect(throws: PlacementError(cpu: -1, allowed: CPUSet([0]))) {
            _ = try Placement(ranks: 1, policy: .list([-1]), topology: topology)
        }
        let thread = try PinnedThread<Pinning, Never>(name: "astray", cpu: -1) { $0 }
        guard case .refused(cpu: -1, _) = try thread.join() else { return #expect(Bool(false)) }
    }
}

enum Bug: String, CaseIterable, Codable, Sendable {
    case noRanks, noThreads, noCPUs, emptyList, unknownRank, negativePatience, unjoined
    case barrierOfNobody, crookedBarrier, crowdedBarrier, impossibleValue, teamEndedTwice
    case sleepless, crookedWord, hugeFirstValue, strangerAborts, renamedTwice

    var sentence: String {
        switch self {
        case .noRanks: "0 ranks of 1 threads: at least 1 of each is placed"
        case .noThreads: "1 ranks of -2 threads: at least 1 of each is placed"
        case .noCPUs: "a machine without a CPU"
        case .emptyList: "a list of no CPUs to place ranks on"
        case .unknownRank: "there is no rank 1 among 1"
        case .negativePatience: "a patience of -1 spins"
        case .unjoined: "thread lost was never joined"
        case .barrierOfNobody: "a barrier needs at least one party"
        case .crookedBarrier: "a barrier is aligned to a cache line"
        case .crowdedBarrier: "a barrier for 2 ranks at which 3 have arrived"
        case .impossibleValue: "a wait for 2147483648, which no shared word can hold"
        case .sleepless: "a patience that sleeps for no time"
        case .crookedWord: "a shared word that is not aligned"
        case .hugeFirstValue: "a shared word cannot hold 2147483648"
        case .strangerAborts: "an abort by rank -2"
        case .renamedTwice: "a partial file was renamed before"
        case .teamEndedTwice: "a team was ended before"
        }
    }

    func happen() throws {
        let topology = Topology(cpus: [Topology.CPU(id: 0, core: 0, package: 0, node: 0)])
        switch self {
        case .noRanks: _ = try Placement(ranks: 0, policy: .auto, topology: topology)
        case .noThreads: _ = try Placement(ranks: 1, threads: -2, policy: .none, topology: topology)
        case .noCPUs: _ = try Placement(ranks: 1, policy: .auto, topology: Topology(cpus: []))
        case .emptyList: _ = try Placement(ranks: 1, policy: .list([]), topology: topology)
        case .unknownRank: _ = try Placement(ranks: 1, policy: .auto, topology: topology).patience(ofRank: 1)
        case .negativePatience: _ = Patience(spins: -1)
        case .barrierOfNobody: _ = unsafe Barrier(at: Lines(2).address, parties: 0)
        case .crookedBarrier: _ = unsafe Barrier(at: Lines(3).address + 8, parties: 1)
        case .crowdedBarrier:
            let lines = Lines(3)
            // As a third party that was given the same barrier.
            lines.counter(1).store(2)
            var barrier = unsafe Barrier(at: lines.address + SharedWord.lineBytes, parties: 2)
            try barrier.arrive(lines.context(.sharedCPU))
        case .impossibleValue:
            let lines = Lines(2)
            try lines.word(1).wait(for: SharedWord.valueMask + 1, lines.context(.sharedCPU))
        case .sleepless: _ = Patience(spins: 1, sliceNanoseconds: 0)
        case .crookedWord: unsafe SharedWord(at: Lines(1).address + 2).initialize(to: 1)
        case .hugeFirstValue: Lines(1).word(0).initialize(to: SharedWord.valueMask + 1)
        case .strangerAborts: AbortFlag(Lines(1).counter(0)).raise(by: -2)
        case .renamedTwice:
            let folder = try PartialFolder(in: "/tmp", prefix: "ppthreads-twice")
            let file = try PartialFile(folder: folder.path, name: "file", mode: 0o600)
            try file.rename(to: "\(folder.path)/file")
            try? FileManager.default.removeItem(atPath: folder.path)
            try file.rename(to: "\(folder.path)/file")
        case .teamEndedTwice:
            let team = try Team(name: "twice", helperCPUs: [nil], patience: .sharedCPU)
            team.end()
            team.end()
        case .unjoined: _ = try PinnedThread<Int, Never>(name: "lost", cpu: nil) { _ in 1 }
        }
    }
}
