// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing

/// Each check of the validator in both directions: the smallest order that this check alone refuses, and the nearest that passes.
struct ValidatorPairTests {
    /// An order, a rank a line of words such as `0F1`.
    private func schedule(_ lists: [String], on rankOfStage: [Int], microbatches: Int = 1) -> Schedule {
        Schedule(
            name: "given", microbatches: microbatches, rankOfStage: rankOfStage,
            actions: lists.map { $0.split(separator: " ").map { action(String($0)) } })
    }

    private func refusal(_ lists: [String], on rankOfStage: [Int], _ microbatches: Int = 1) -> ScheduleError? {
        do throws(ScheduleError) {
            _ = try schedule(lists, on: rankOfStage, microbatches: microbatches).validated()
            return nil
        } catch {
            return error
        }
    }

    @Test("a rank without an action, and one with forwards alone") func idle() {
        #expect(refusal(["0F0 0B0", ""], on: [0]) == .idle(rank: 1))
        #expect(refusal(["", "0F0 0B0"], on: [1]) == .idle(rank: 0))
        #expect(refusal(["0F0 0B0", "1F0 1B0"], on: [0, 1]) == nil)
        #expect(refusal(["0F0"], on: [0]) == nil)
    }

    @Test("a stage on a rank that is just beyond the last, or before the first") func unknownRank() {
        #expect(refusal(["0F0 0B0"], on: [1]) == .unknownRank(1, ofStage: 0, ranks: 1))
        #expect(refusal(["0F0 0B0"], on: [-1]) == .unknownRank(-1, ofStage: 0, ranks: 1))
        #expect(refusal(["0F0 0B0", "1F0 1B0"], on: [0, 2]) == .unknownRank(2, ofStage: 1, ranks: 2))
        #expect(refusal(["0F0 0B0"], on: [0]) == nil)
    }

    @Test("an action on the other rank, of a stage that is just beyond the last, or of such a microbatch")
    func misplaced() {
        #expect(refusal(["1F0 1B0", "0F0 0B0"], on: [0, 1]) == .misplaced(action("1F0"), rank: 0))
        #expect(refusal(["1F0 1B0", "0F0 0B0"], on: [1, 0]) == nil)
        #expect(refusal(["0F0 0B0 1B0"], on: [0]) == .misplaced(action("1B0"), rank: 0))
        #expect(refusal(["0F0 1F0 1B0 0B0"], on: [0, 0]) == nil)
        #expect(refusal(["0F0 0B0 0F1"], on: [0]) == .misplaced(action("0F1"), rank: 0))
        #expect(refusal(["0F0 0B0 0F1 0B1"], on: [0], 2) == nil)
    }

    @Test("an action that stands twice, of each kind") func repeated() {
        #expect(refusal(["0F0 0F0 0B0"], on: [0]) == .repeated(action("0F0")))
        #expect(refusal(["0F0 0B0 0B0"], on: [0]) == .repeated(action("0B0")))
        #expect(refusal(["0F0 0I0 0I0 0W0"], on: [0]) == .repeated(action("0I0")))
        #expect(refusal(["0F0 0I0 0W0 0W0"], on: [0]) == .repeated(action("0W0")))
        #expect(refusal(["0F0 0F0"], on: [0]) == .repeated(action("0F0")))
        #expect(refusal(["0F0 0I0 0W0"], on: [0]) == nil)
    }

    @Test("a backward that is whole and comes in parts too; of two microbatches one may be whole and one not")
    func wholeAndSplit() {
        for order in ["0F0 0B0 0I0 0W0", "0F0 0I0 0B0", "0F0 0B0 0W0", "0F0 0I0 0W0 0B0"] {
            #expect(refusal([order], on: [0]) == .repeated(action("0B0")), "\(order)")
        }
        #expect(refusal(["0F0 0F1 0I0 0W0 0B1"], on: [0], 2) == nil)
    }

    @Test("each action that is missing, of the last stage and microbatch; none of what evaluation does not do")
    func missing() {
        #expect(refusal(["0B0"], on: [0]) == .missing(action("0F0")))
        #expect(refusal(["0F0 0F1 0B0"], on: [0], 2) == .missing(action("0B1")))
        #expect(refusal(["0F0 0I0"], on: [0]) == .missing(action("0W0")))
        #expect(refusal(["0F0 0W0"], on: [0]) == .missing(action("0I0")))
        #expect(refusal(["0F0 0B0", "1F0"], on: [0, 1]) == .missing(action("1B0")))
        #expect(refusal(["0F0", "1F0"], on: [0, 1]) == nil)
        #expect(refusal(["0F0 0F1"], on: [0], 2) == nil)
        #expect(refusal(["0F0"], on: [0], 2) == .missing(action("0F1")))
    }

    @Test("activations that come in another order than they are taken") func activations() {
        let (ascending, descending) = ("0F0 0F1 0B0 0B1", "0F1 0F0 0B0 0B1")
        let below = ["1F0 1F1 1B0 1B1", "1F1 1F0 1B0 1B1"]
        #expect(refusal([ascending, below[1]], on: [0, 1], 2) == .linkOrder(from: 0, to: 1))
        #expect(refusal([descending, below[0]], on: [0, 1], 2) == .linkOrder(from: 0, to: 1))
        #expect(refusal([ascending, below[0]], on: [0, 1], 2) == nil)
        #expect(refusal([descending, below[1]], on: [0, 1], 2) == nil)
        // Stages of one rank hand on in order too, and evaluation does.
        #expect(refusal(["0F0 0F1 1F1 1F0 1B0 1B1 0B0 0B1"], on: [0, 0], 2) == .linkOrder(from: 0, to: 1))
        #expect(refusal(["0F0 0F1", "1F1 1F0"], on: [0, 1], 2) == .linkOrder(from: 0, to: 1))
        #expect(refusal(["0F1 0F0", "1F1 1F0"], on: [0, 1], 2) == nil)
        // The last two of three stages.
        #expect(
            refusal(["0F0 0F1", "1F0 1F1", "2F1 2F0"], on: [0, 1, 2], 2) == .linkOrder(from: 1, to: 2))
    }

    @Test("gradients that come in another order than they are taken, whole or in parts") func gradients() {
        let (ascending, descending) = ("1F0 1F1 1B0 1B1", "1F0 1F1 1B1 1B0")
        #expect(refusal(["0F0 0F1 0B0 0B1", descending], on: [0, 1], 2) == .linkOrder(from: 1, to: 0))
        #expect(refusal(["0F0 0F1 0B1 0B0", ascending], on: [0, 1], 2) == .linkOrder(from: 1, to: 0))
        #expect(refusal(["0F0 0F1 0B1 0B0", descending], on: [0, 1], 2) == nil)
        // It is the input's half that hands on; the weights' may come in any order.
        let parts = "1F0 1F1 1I0 1I1 1W1 1W0"
        #expect(refusal(["0F0 0F1 0I1 0I0 0W0 0W1", parts], on: [0, 1], 2) == .linkOrder(from: 1, to: 0))
        #expect(refusal(["0F0 0F1 0I0 0I1 0W1 0W0", parts], on: [0, 1], 2) == nil)
        #expect(refusal(["0F0 0F1 0B0 0B1", parts], on: [0, 1], 2) == nil)
    }

    @Test("what comes before its cause on the same rank, or waits in a circle") func deadlock() {
        #expect(refusal(["0B0 0F0"], on: [0]) == .deadlock(waiting: [action("0B0")]))
        #expect(refusal(["0I0 0F0 0W0"], on: [0]) == .deadlock(waiting: [action("0I0")]))
        #expect(refusal(["0F0 0W0 0I0"], on: [0]) == .deadlock(waiting: [action("0W0")]))
        #expect(refusal(["1F0 0F0 1B0 0B0"], on: [0, 0]) == .deadlock(waiting: [action("1F0")]))
        #expect(refusal(["0F0 1F0 0B0 1B0"], on: [0, 0]) == .deadlock(waiting: [action("0B0")]))
        #expect(refusal(["0F0 1F0 1B0 0B0"], on: [0, 0]) == nil)
        // Each rank would be right with the other's usual order.
        let (eager, patient) = ("0F0 0B0 0F1 0B1", "1F0 1F1 1B0 1B1")
        #expect(
            refusal([eager, patient], on: [0, 1], 2) == .deadlock(waiting: [action("0B0"), action("1F1")]))
        #expect(refusal([eager, "1F0 1B0 1F1 1B1"], on: [0, 1], 2) == nil)
        #expect(refusal(["0F0 0F1 0B0 0B1", patient], on: [0, 1], 2) == nil)
    }

    @Test("rings with a slot too few, with just enough, and not one for each stage") func slots() throws {
        func refusal(_ schedule: Schedule, _ activations: [Int], _ gradients: [Int]) -> String? {
            do throws(ScheduleError) {
                try schedule.checkDeadlock(activationSlots: activations, gradientSlots: gradients)
                return nil
            } catch {
                return error.description
            }
        }
        // All forwards are sent before the first slot comes back.
        let gpipe = Schedule.gpipe(ranks: 2, microbatches: 2)
        #expect(refusal(gpipe, [1, 0], [0, 2]) == "deadlock: every rank waits, at 0F1, 1F1")
        #expect(refusal(gpipe, [2, 0], [0, 1]) == nil)
        // The first slot is back in time for the third forward, the second not for the fourth.
        let late = schedule(
            ["0F0 0F1 0F2 0F3 0B0 0B1 0B2 0B3", "1F0 1F1 1B0 1F2 1F3 1B1 1B2 1B3"], on: [0, 1], microbatches: 4)
        #expect(refusal(late, [2, 0], [0, 4]) == "deadlock: every rank waits, at 0F3, 1F3")
        #expect(refusal(late, [3, 0], [0, 4]) == nil)
        #expect(refusal(gpipe, [2, 0], [0, 0]) == "deadlock: every rank waits, at 0B0, 1B0")
        // A slot is used four times, which only those that come back suffice for.
        let alternating = schedule(
            [
                "0F0 0B0 0F1 0B1 0F2 0B2 0F3 0B3", "1F0 1B0 1F1 1B1 1F2 1B2 1F3 1B3",
            ], on: [0, 1], microbatches: 4)
        #expect(refusal(alternating, [1, 0], [0, 1]) == nil)
        #expect(refusal(alternating, [0, 0], [0, 1]) == "deadlock: every rank waits, at 0F0, 1F0")
        // Forwards alone give a slot back at once.
        #expect(refusal(gpipe.forwardOnly(), [1, 0], [0, 0]) == nil)
        #expect(refusal(gpipe, [2], [0, 2]) == "1 activation slots: one for each of the 2 stages is needed")
        #expect(refusal(gpipe, [2, 0], [0, 2, 0]) == "3 gradient slots: one for each of the 2 stages is needed")
    }

    @Test("no microbatch, no stage, no rank; one of each passes") func sizes() {
        #expect(refusal(["0F0 0B0"], on: [0], 0) == .size("0 microbatches: at least 1 is needed"))
        #expect(refusal(["0F0 0B0"], on: []) == .size("0 stages: at least 1 is needed"))
        #expect(refusal([], on: [0]) == .size("0 ranks: at least 1 is needed"))
        #expect(refusal(["0F0 0B0"], on: [0], 1) == nil)
    }

    @Test("a run is refused with the schedule's name and the fault") func run() {
        let bad = schedule(["0F0 0W0 0I0"], on: [0])
        do throws(RunError) {
            _ = try RunPlan(smallConfiguration(.gpt, bad))
            Issue.record("it was let in")
        } catch {
            #expect(error.description == "--schedule: given: deadlock: every rank waits, at 0W0")
        }
    }
}
