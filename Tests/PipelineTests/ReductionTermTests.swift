// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing
import Threads

/// Steps made up by hand in which copies sum their gradients: what the term `reduction` has to be is known.
struct ReductionTermTests {
    /// Two replicas, in milliseconds: a forward 10, a backward 20, sharing 1, summing 2, collecting 3, an update 5.
    private struct MadeUp {
        var schedule = Schedule.gpipe(ranks: 1, microbatches: 1).replicated(2)
        var work: (RankTask) -> Int = { task in
            switch task {
            case .action(let action): action.kind == .forward ? 10 : 20
            case .pack: 0
            case .share: 1
            case .sum: 2
            case .collect: 3
            case .update: 5
            }
        }
        /// From the moment that an input was handed on to the one that it is there.
        var handoff: (RankTask) -> Int = { _ in 0 }
        /// From the end of a task to the begin of the next.
        var handingOn: (RankTask) -> Int = { _ in 0 }
        /// Of a task's work, without the CPU.
        var displaced: (RankTask) -> Int = { _ in 0 }

        func times() throws -> StepTimes {
            func nanoseconds(_ milliseconds: Int) -> UInt64 { UInt64(milliseconds * 1_000_000) }
            let graph = try TaskGraph(schedule)
            let released: UInt64 = 3_000_000
            var tasks = graph.tasks.map { $0.map { _ in TaskTimes() } }
            for node in graph.order {
                let task = graph.tasks[node.rank][node.task]
                var times = TaskTimes()
                times.begin = released
                if node.task > 0 {
                    let before = graph.tasks[node.rank][node.task - 1]
                    times.begin = tasks[node.rank][node.task - 1].sent + nanoseconds(handingOn(before))
                }
                let sent = graph.senders(of: node).map { tasks[$0.rank][$0.task].sent }.max()
                times.received = sent.map { max(times.begin, $0) + nanoseconds(handoff(task)) } ?? times.begin
                times.ready = times.received
                times.end = times.ready + nanoseconds(work(task))
                times.sent = times.end
                times.lostWorking = nanoseconds(displaced(task))
                tasks[node.rank][node.task] = times
            }
            let end = tasks.joined().map(\.end).max()!
            return StepTimes(graph, released: released, seconds: Double(end - released) / 1e9, tasks: tasks)
        }
    }

    private func expect(_ madeUp: MadeUp, _ expected: [Breakdown.Term: Double], _ comment: Comment) throws {
        let times = try madeUp.times()
        let terms = Breakdown(times)
        for term in Breakdown.Term.allCases {
            #expect((terms[term] * 1e6).rounded() / 1e3 == expected[term] ?? 0, "\(comment): \(term)")
        }
        #expect((terms.step * 1e6).rounded() == (times.seconds * 1e6).rounded(), comment)
        #expect(Double(expected.values.reduce(0, +)) == (times.seconds * 1e6).rounded() / 1e3, comment)
        for rank in times.tasks.indices {
            let own = RankBreakdown(times, rank: rank)
            let parts =
                own.busy + own.summing + own.updating + own.displaced + own.waitingForInput + own.receiving
                + own.waitingForRoom + own.handingOn + own.outside
            #expect(abs(parts - times.seconds) < 1e-9 && own.idleInside >= 0, comment)
            #expect(abs(own.summing - 0.006) < 1e-9 && own.outside > -1e-9, comment)
        }
    }

    private func isReduction(_ task: RankTask) -> Bool { task.kind == .summing }

    @Test("what sharing, summing and collecting take is reduction") func free() throws {
        try expect(MadeUp(), [.work: 30, .reduction: 6, .optimizer: 5], "free hand-offs")
    }

    @Test("so is what is handed on between copies: on the way, and after a task that hands on") func handoffs() throws {
        var slow = MadeUp()
        slow.handoff = { _ in 4 }
        // A sum and what is collected are received.
        try expect(slow, [.work: 30, .reduction: 6 + 8, .optimizer: 5], "slow")
        slow.handingOn = { $0.kind == .summing ? 2 : 0 }
        try expect(slow, [.work: 30, .reduction: 6 + 8 + 6, .optimizer: 5], "slow to hand on")
        slow.handingOn = { $0.kind == .summing ? 0 : 7 }
        // After F and after B: that is the pipeline's.
        try expect(slow, [.work: 30, .transport: 14, .reduction: 6 + 8, .optimizer: 5], "slow pipeline")
    }

    @Test("waiting for a copy that has more work is imbalance; a lost CPU is oversubscription") func others() throws {
        var step = MadeUp()
        let plain = step.work
        step.work = { $0.stage == 1 && $0.kind == .backward ? 28 : plain($0) }
        try expect(step, [.work: 34, .imbalance: 4, .reduction: 6, .optimizer: 5], "one is slower")
        step.work = plain
        step.displaced = { $0.kind == .backward ? 8 : 0 }
        try expect(
            step, [.work: 22, .oversubscription: 8, .reduction: 6, .optimizer: 5], "displaced")
    }

    @Test("between stages and between copies: each hand-off is its term's, in two pipelines of two stages") func both()
        throws
    {
        var step = MadeUp(schedule: .gpipe(ranks: 2, microbatches: 2).replicated(2))
        try expect(step, [.work: 60, .bubble: 30, .reduction: 6, .optimizer: 5], "free")
        step.handoff = { $0.kind == .summing ? 4 : 0 }
        try expect(step, [.work: 60, .bubble: 30, .reduction: 14, .optimizer: 5], "slow copies")
        step.handoff = { $0.kind == .summing ? 0 : 3 }
        // Two forwards' way down, and two backwards' way up.
        try expect(step, [.work: 60, .bubble: 30, .transport: 12, .reduction: 6, .optimizer: 5], "slow stages")
    }

    @Test("what-ifs have the reduction that was measured, and hand-offs between copies are none of the pipeline's")
    func whatIf() throws {
        var step = MadeUp(schedule: .gpipe(ranks: 2, microbatches: 2).replicated(2))
        step.handoff = { $0.kind == .summing ? 4 : 3 }
        let figures = StepFigures(try step.times())
        func milliseconds(_ seconds: Double) -> Double { (seconds * 1e6).rounded() / 1e3 }
        #expect(milliseconds(figures.whatIf.freeTransport) == 90 + 14 + 5)
        #expect(milliseconds(figures.whatIf.equalStages) == 90 + 14 + 5 + 12)
        #expect(milliseconds(figures.whatIf.both) == 90 + 14 + 5)
        let result = try train(.gpt, .gpipe(ranks: 2, microbatches: 2).replicated(2))
        let timed = try #require(RunFigures(result).timed)
        #expect(timed.handoffs.map { [$0.from, $0.to] } == [[0, 1], [1, 0], [2, 3], [3, 2]])
        for step in timed.steps {
            #expect(abs(step.breakdown.step - step.times.seconds) < 1e-9 && step.breakdown.reduction > 0)
            #expect(Breakdown.Term.allCases.allSatisfy { step.breakdown[$0] > -1e-9 })
        }
        let alone = try #require(RunFigures(try train(.gpt, .gpipe(ranks: 2, microbatches: 2))).timed)
        #expect(alone.steps.allSatisfy { $0.breakdown.reduction == 0 && $0.breakdown.optimizer > 0 })
    }
}
