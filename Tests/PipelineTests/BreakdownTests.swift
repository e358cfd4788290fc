// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing
import Threads

/// Timelines made up by hand, so that what each term has to be is known.
struct BreakdownTests {
    /// A step in which tasks take what they are told to, each hand-off `handoff`, and updates 5; in milliseconds.
    private struct MadeUp {
        var schedule = Schedule.oneFOneB(ranks: 2, microbatches: 4)
        var work: (RankTask) -> UInt64 = { task in
            guard case .action(let action) = task else { return task == .update ? 5 : 0 }
            return action.kind == .forward ? 10 : 20
        }
        var handoff: UInt64 = 0
        /// Of the work, without the CPU.
        var displaced: (RankTask) -> UInt64 = { _ in 0 }
        /// Of a hand-off, without the CPU.
        var delay: UInt64 = 0

        func times() throws -> StepTimes {
            let graph = try TaskGraph(schedule)
            let released: UInt64 = 7_000_000
            var tasks = graph.tasks.map { $0.map { _ in TaskTimes() } }
            var end = released
            for place in graph.order {
                let task = graph.tasks[place.rank][place.task]
                var times = TaskTimes()
                times.begin = place.task > 0 ? tasks[place.rank][place.task - 1].end : released
                let sender = graph.senders(of: place).first.map { tasks[$0.rank][$0.task] }
                times.received = sender.map { max(times.begin, $0.sent) + handoff * 1_000_000 } ?? times.begin
                times.ready = times.received
                times.end = times.ready + work(task) * 1_000_000
                times.sent = times.end
                times.lostWorking = displaced(task) * 1_000_000
                times.lostWaiting = sender == nil ? 0 : delay * 1_000_000
                times.inputWait = sender.map { $0.sent > times.begin ? .spun : .ready } ?? .ready
                tasks[place.rank][place.task] = times
                end = max(end, times.end)
            }
            return StepTimes(graph, released: released, seconds: Double(end - released) / 1e9, tasks: tasks)
        }
    }

    private func milliseconds(_ value: Double) -> Double { (value * 1e6).rounded() / 1e3 }

    private func expect(_ times: StepTimes, _ expected: [Breakdown.Term: Double], _ comment: Comment) {
        let terms = Breakdown(times)
        for term in Breakdown.Term.allCases {
            #expect(milliseconds(terms[term]) == expected[term] ?? 0, "\(comment): \(term)")
        }
        #expect(milliseconds(terms.step) == milliseconds(times.seconds), comment)
    }

    @Test("equal stages and free hand-offs leave the textbook's bubble and nothing else") func equal() throws {
        expect(try MadeUp().times(), [.work: 120, .bubble: 30, .optimizer: 5], "equal")
    }

    @Test("a forward that takes longer shows as work, imbalance and bubble, not as transport") func slowStage() throws {
        var step = MadeUp()
        let plain = step.work
        step.work = { task in
            if case .action(let action) = task, action.kind == .forward, action.stage == 1 { return 12 }
            return plain(task)
        }
        expect(try step.times(), [.work: 124, .imbalance: 4, .bubble: 30, .optimizer: 5], "slow")
    }

    @Test("what hand-offs take shows as transport, as much as the critical path has of it")
    func slowHandoffs() throws {
        let graph = try TaskGraph(.oneFOneB(ranks: 2, microbatches: 4))
        let quick = try MadeUp().times()
        let slow = try MadeUp(handoff: 2).times()
        let delays = graph.tasks.enumerated().map { rank, list in
            list.indices.map { task in
                var losses = Replay.Losses()
                losses.ready = graph.senders(of: TaskGraph.Node(rank: rank, task: task)).isEmpty ? 0 : 0.002
                return losses
            }
        }
        let durations = quick.tasks.map { $0.map(\.work) }
        let expected =
            Replay(graph, durations: durations, losses: delays).makespan - Replay(graph, durations: durations).makespan
        // F0 there, and then one chain through both ranks: a hand-off more for each of four microbatches.
        #expect(milliseconds(expected) == 10)
        expect(
            slow, [.work: 120, .bubble: 30, .transport: milliseconds(expected), .optimizer: 5], "slow hand-offs")
    }

    @Test("time without a CPU shows as oversubscription, inside the work and after a hand-off") func shared() throws {
        var step = MadeUp()
        let plain = step.work
        // Half as long again, all of it without the CPU.
        step.work = { plain($0) + plain($0) / 2 }
        step.displaced = { plain($0) / 2 }
        expect(try step.times(), [.work: 120, .bubble: 30, .oversubscription: 77, .optimizer: 5], "displaced")

        let late = try MadeUp(handoff: 2, delay: 2).times()
        let terms = Breakdown(late)
        #expect(milliseconds(terms.transport) == 0)
        #expect(
            milliseconds(terms.oversubscription) == milliseconds(Breakdown(try MadeUp(handoff: 2).times()).transport))
        // What a rank missed while its input was not there yet cost nothing.
        let early = Breakdown(try MadeUp(handoff: 2, delay: 500).times())
        #expect(milliseconds(early.transport) == 0 && milliseconds(early.step) == milliseconds(terms.step))
    }

    @Test("a hand-off lasts from when it was sent, or its receiver free, to when the receiver has it") func handoff()
        throws
    {
        let times = try MadeUp(schedule: .gpipe(ranks: 2, microbatches: 4), handoff: 3).times()
        let seconds = times.graph.order.compactMap { times.handoffSeconds($0) }
        #expect(seconds.count == 8 && seconds.allSatisfy { milliseconds($0) == 3 })
    }

    @Test("the terms of a rank add up to the step", arguments: [0, 2])
    func ranks(handoff: UInt64) throws {
        let times = try MadeUp(handoff: handoff).times()
        for rank in 0...1 {
            let terms = RankBreakdown(times, rank: rank)
            let sum =
                terms.busy + terms.displaced + terms.waitingForInput + terms.receiving + terms.waitingForRoom
                + terms.handingOn + terms.updating + terms.outside
            #expect(milliseconds(sum) == milliseconds(times.seconds))
            #expect(milliseconds(terms.busy) == 120 && milliseconds(terms.updating) == 5)
            #expect(milliseconds(terms.receiving) == Double(4 * handoff))
            // Rank 1 waits for its first forward alone; rank 0 for each gradient while rank 1 works, twice handing on.
            #expect(milliseconds(terms.waitingForInput) == (rank == 0 ? 30 + Double(handoff) : 10))
            #expect(milliseconds(terms.idle) == milliseconds(times.seconds - 0.125))
        }
        if handoff == 0 {
            // Rank 0 waits between its actions; rank 1 only before its first and after its last.
            #expect(milliseconds(RankBreakdown(times, rank: 0).idleInside) == 30)
            #expect(milliseconds(RankBreakdown(times, rank: 1).idleInside) == 0)
            #expect(milliseconds(RankBreakdown(times, rank: 1).waitingForInput) == 10)
            #expect(milliseconds(RankBreakdown(times, rank: 1).outside) == 20)
        }
    }

    @Test("what-if: free hand-offs, equal stages, both") func whatIf() throws {
        var step = MadeUp(handoff: 2)
        let plain = step.work
        step.work = { task in
            guard case .action(let action) = task else { return plain(task) }
            return plain(task) + (action.stage == 0 ? 4 : 0)
        }
        let times = try step.times()
        let other = StepFigures(times).whatIf
        let terms = Breakdown(times)
        #expect(milliseconds(other.freeTransport) == milliseconds(terms.step - terms.transport))
        // Forwards of 12 and backwards of 22 everywhere: five of each one after the other, then the update.
        #expect(milliseconds(other.both) == 5 * 34 + 5)
        #expect(milliseconds(other.equalStages) == milliseconds(other.both + terms.transport))
    }
}
