// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing

/// What a replay makes of CPUs and links that ranks share, worked out by hand.
struct TimedReplayTests {
    private func replay(
        _ schedule: Schedule, _ durations: [[Double]], transfer: Double = 0, latency: Double = 0,
        _ change: (inout Circumstances) -> Void
    ) throws -> Replay {
        let graph = try TaskGraph(schedule)
        let link = Replay.Link(graph, latency: latency) { _ in transfer }
        var circumstances = Circumstances()
        change(&circumstances)
        return Replay(graph, durations: durations, link: link, in: circumstances)
    }

    @Test("ranks that work on the same CPU have equal parts of it") func sharedCPU() throws {
        let forwards = Schedule.gpipe(ranks: 2, microbatches: 2).forwardOnly()
        let replay = try replay(forwards, [[3, 3], [1, 1]]) { $0.cpuOfRank = [0, 0] }
        // Rank 0 alone from 0 to 3; then both at half their speed, until rank 1 has its second there: 3 to 5. Rank 0 has 2 left.
        #expect(replay.start == [[0, 3], [3, 7]])
        #expect(replay.end == [[3, 7], [5, 8]])
        #expect(replay.step == 8)
        // Of three ranks the third has a CPU of its own.
        let three = Schedule.gpipe(ranks: 3, microbatches: 1).forwardOnly().replicated(2)
        let lengths = try TaskGraph(three).tasks.map { $0.map { if case .action = $0 { 4.0 } else { 0.0 } } }
        let mixed = try self.replay(three, lengths) { $0.cpuOfRank = [0, 1, 2, 0, 3, 2] }
        #expect(mixed.end.map { $0[0] } == [8, 12, 20, 8, 12, 20])
    }

    @Test("a rank whose transfers block does nothing until its item has left") func blocks() throws {
        let forwards = Schedule.gpipe(ranks: 2, microbatches: 2).forwardOnly()
        let replay = try replay(forwards, [[3, 3], [1, 1]], transfer: 4, latency: 2) { $0.transfersBlock = true }
        // F0 0-3, left at 7, there at 9; F1 7-10, left at 14, there at 16.
        #expect(replay.start == [[0, 7], [9, 16]])
        #expect(replay.step == 17)
    }

    @Test("items of all ranks go by one bus, the first that is handed on first") func bus() throws {
        let forwards = Schedule.gpipe(ranks: 3, microbatches: 2).forwardOnly()
        let lengths = [[Double]](repeating: [1, 1], count: 3)
        // Each rank's own: from rank 0 until 4 and 7, from rank 1 (4-5, 7-8) until 8 and 11.
        #expect(try replay(forwards, lengths, transfer: 3) { $0.sharedLink = .rank }.step == 12)
        // One for all: 1-4 and 4-7, then rank 1's, which were handed on at 5 and 8: 7-10, 10-13.
        #expect(try replay(forwards, lengths, transfer: 3) { $0.sharedLink = .all }.step == 14)
    }

    @Test("an edge's items wait for no other edge's") func edges() throws {
        func action(_ text: String, _ stage: Int) -> Action {
            Action(text.first == "F" ? .forward : .backward, stage: stage, microbatch: Int(text.dropFirst())!)
        }
        let lists = [["F0", "F1", "B0", "B1"], ["F0", "F1", "B0", "B1"], ["F0", "B0", "F1", "B1"]]
        let schedule = Schedule(
            name: "by hand", microbatches: 2, rankOfStage: [0, 1, 2],
            actions: lists.enumerated().map { stage, list in list.map { action($0, stage) } })
        let graph = try TaskGraph(schedule)
        let durations = graph.tasks.map { $0.map { if case .action = $0 { 1.0 } else { 0.0 } } }
        let link = Replay.Link(graph, latency: 0) { task in
            if case .action(let action) = task, action.kind == .forward, action.stage == 1 { 10 } else { 0 }
        }
        func firstBackward(_ shared: Circumstances.SharedLink) -> Double {
            var circumstances = Circumstances()
            circumstances.sharedLink = shared
            let replay = Replay(graph, durations: durations, link: link, in: circumstances)
            #expect(replay.makespan == 26)
            return replay.start[0][graph.tasks[0].firstIndex(of: .action(action("B0", 0)))!]
        }
        // Rank 1's second forward is handed on at 3 and leaves from 12 to 22; its gradient is handed on at 15.
        #expect(firstBackward(.rank) == 22)
        #expect(firstBackward(.edge) == 15)
    }

    @Test(
        "where nothing is shared, the order of time and that of causes come to the same",
        arguments: ScheduleKind.allCases)
    func sameAsByCauses(_ kind: ScheduleKind) throws {
        var random = SplitMix(state: 11)
        for ranks in [2, 4] {
            let schedule = kind.make(ranks: ranks, microbatches: 8)
            guard (try? schedule.validated()) != nil else { continue }
            let graph = try TaskGraph(schedule)
            let durations = graph.tasks.map { $0.map { _ in Double.random(in: 0...3, using: &random) } }
            let link = Replay.Link(graph, latency: 0.5) { task in
                Double((task.stage ?? 0) % 3) * 0.75
            }
            let byCauses = Replay(graph, durations: durations, link: link)
            var circumstances = Circumstances()
            circumstances.cpuOfRank = Array(0..<schedule.ranks)
            let byTime = Replay(graph, durations: durations, link: link, in: circumstances)
            for (one, other) in zip(byCauses.end.joined(), byTime.end.joined()) { #expect(abs(one - other) < 1e-9) }
            #expect(abs(byCauses.reduced - byTime.reduced) < 1e-9 && abs(byCauses.makespan - byTime.makespan) < 1e-9)
        }
    }

    @Test("a simulated step is told as a measured one is", arguments: ScheduleKind.allCases) func asMeasured(
        _ kind: ScheduleKind
    ) throws {
        var random = SplitMix(state: 5)
        let schedule = kind.make(ranks: 4, microbatches: 8)
        let graph = try TaskGraph(schedule)
        let durations = graph.tasks.map { $0.map { _ in Double.random(in: 0...3, using: &random) } }
        let link = Replay.Link(graph, latency: 0.5) { _ in 0.25 }
        for cpus in [nil, schedule.actions.indices.map { $0 % 2 }] {
            for blocks in [false, true] {
                var circumstances = Circumstances()
                (circumstances.cpuOfRank, circumstances.transfersBlock) = (cpus, blocks)
                let simulation = Simulation(schedule, graph, durations: durations, link: link, in: circumstances)
                let told = Breakdown(simulation.times)
                for term in Breakdown.Term.allCases {
                    #expect(abs(told[term] - simulation.breakdown[term]) < 1e-6, "\(term)")
                }
                #expect(abs(simulation.breakdown.step - simulation.step) < 1e-9)
                #expect((simulation.breakdown.oversubscription > 0.1) == (cpus != nil))
            }
        }
    }
}
