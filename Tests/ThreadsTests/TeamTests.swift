// SPDX-License-Identifier: Apache-2.0

import Testing
import Threads

struct TeamTests {
    /// Every member notes which round it saw in its own element.
    private struct Note: TeamWork {
        let round: Int
        let notes: Notes

        func run(member: Int, of members: Int) {
            unsafe notes.seen[member] = round
            unsafe notes.members[member] = members
        }
    }

    /// Plain memory, so that the thread sanitizer sees whether the team orders its accesses.
    @safe
    private final class Notes {
        let seen = UnsafeMutableBufferPointer<Int>.allocate(capacity: 8)
        let members = UnsafeMutableBufferPointer<Int>.allocate(capacity: 8)

        init() {
            unsafe seen.initialize(repeating: -1)
            unsafe members.initialize(repeating: 0)
        }

        deinit {
            unsafe seen.deallocate()
            unsafe members.deallocate()
        }
    }

    @Test(
        "every member does every piece of work, and what it wrote is seen right after", arguments: [0, 1, 2, 5],
        [Patience.sharedCPU, Patience(spins: 200)])
    func everyMember(helpers: Int, patience: Patience) throws {
        let team = try Team(name: "test", helperCPUs: Array(repeating: nil, count: helpers), patience: patience)
        defer { team.end() }
        let notes = Notes()
        #expect(team.dispatcher.members == helpers + 1)
        for round in 0..<300 {
            team.dispatcher.run(Note(round: round, notes: notes))
            let seen = unsafe Array(notes.seen.prefix(helpers + 1))
            if seen.contains(where: { $0 != round }) {
                Issue.record("round \(round): members saw \(seen)")
                return
            }
        }
        let told = unsafe Array(notes.members)
        #expect(told.prefix(helpers + 1).allSatisfy { $0 == helpers + 1 })
        #expect(told.dropFirst(helpers + 1).allSatisfy { $0 == 0 })
    }

    @Test("helpers are on the CPUs they were given, and say so") func pinned() throws {
        let cpu = try Topology.current().cpus.last!.id
        let team = try Team(name: "test", helperCPUs: [cpu, nil], patience: .sharedCPU)
        #expect(team.end().map(\.pinning) == [.pinned(cpu: cpu), .free])
    }

    @Test("a team that never had work ends") func idle() throws {
        for _ in 0..<20 {
            let team = try Team(name: "test", helperCPUs: [nil, nil], patience: .sharedCPU)
            #expect(team.end().count == 2)
        }
    }
}
