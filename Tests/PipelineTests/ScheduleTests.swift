// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing

struct ScheduleTests {
    @Test("v is that of the rank with the most stages") func virtualStages() {
        func count(_ rankOfStage: [Int]) -> Int {
            Schedule(name: "any", microbatches: 1, rankOfStage: rankOfStage, actions: []).virtualStages
        }
        #expect(count([0, 1, 1, 2, 1, 0]) == 3 && count([0, 1]) == 1 && count([]) == 0)
    }

    @Test("every order is sound for every small P, v and M that it takes", arguments: 1...6, 1...13)
    func smallSpace(ranks: Int, microbatches: Int) throws {
        for virtualStages in 1...4 {
            for kind in ScheduleKind.allCases where kind.allows(virtualStages: virtualStages) {
                let schedule = kind.make(ranks: ranks, virtualStages: virtualStages, microbatches: microbatches)
                // Which sizes an order refuses is tested with its figures.
                if schedule.actions.isEmpty { continue }
                let facts = try schedule.validated()
                try schedule.checkDeadlock(
                    activationSlots: facts.activationSlots, gradientSlots: facts.gradientSlots)
                let forwards = try schedule.forwardOnly().validated()
                #expect(forwards.inFlightOfRank.allSatisfy { $0 == 1 })
                #expect(forwards.gradientSlots.allSatisfy { $0 == 0 })
            }
        }
    }

    @Test("1F1B for two ranks and four microbatches is the list that PyTorch's compute-only CSV has")
    func oneFOneBAsPyTorch() {
        let lists = Schedule.oneFOneB(ranks: 2, microbatches: 4).actions.map { $0.map(\.description) }
        #expect(lists[0] == ["0F0", "0F1", "0B0", "0F2", "0B1", "0F3", "0B2", "0B3"])
        #expect(lists[1] == ["1F0", "1B0", "1F1", "1B1", "1F2", "1B2", "1F3", "1B3"])
    }

    @Test("the first rank of an interleaved schedule warms up chunk by chunk")
    func interleavedOrder() {
        let list = Schedule.interleaved(ranks: 2, virtualStages: 2, microbatches: 4).actions[0].map(\.description)
        #expect(
            list == [
                "0F0", "0F1", "2F0", "2F1", "0F2", "2B0", "0F3", "2B1", "2F2", "0B0", "2F3", "0B1", "2B2", "2B3", "0B2",
                "0B3",
            ])
    }

    @Test("peaks in flight are GPipe's M and 1F1B's min(M, P - r)", arguments: 1...6, 1...9)
    func peaksInFlight(ranks: Int, microbatches: Int) throws {
        let gpipe = try Schedule.gpipe(ranks: ranks, microbatches: microbatches).validated()
        #expect(gpipe.inFlightOfRank == Array(repeating: microbatches, count: ranks))
        let oneFOneB = try Schedule.oneFOneB(ranks: ranks, microbatches: microbatches).validated()
        #expect(oneFOneB.inFlightOfRank == (0..<ranks).map { min(microbatches, ranks - $0) })
        #expect(oneFOneB.stashFrames == oneFOneB.inFlightOfRank)
    }

    @Test("ZB-H1 holds at most min(M, P) on every rank, late ranks no more than early ones", arguments: 1...6, 1...9)
    func zeroBubblePeaks(ranks: Int, microbatches: Int) throws {
        let facts = try Schedule.zeroBubble(ranks: ranks, microbatches: microbatches).validated()
        #expect(facts.inFlightOfRank.allSatisfy { $0 <= min(microbatches, ranks) })
        #expect(facts.inFlightOfRank[0] == min(microbatches, ranks))
        #expect(facts.gradientFrames == (0..<ranks).map { min(microbatches, $0 + 1) })
    }

    @Test("the orders are the drawings': ZB-H1 on three ranks") func zeroBubbleOrder() {
        let drawn = [
            "F0 F1 F2 I0 W0 F3 I1 W1 I2 W2 I3 W3", "F0 F1 I0 F2 I1 W0 F3 I2 W1 I3 W2 W3",
            "F0 I0 F1 I1 F2 I2 W0 F3 I3 W1 W2 W3",
        ]
        let lists = Schedule.zeroBubble(ranks: 3, microbatches: 4).actions.map { list in
            list.map { "\($0.kind.rawValue)\($0.microbatch)" }.joined(separator: " ")
        }
        #expect(lists == drawn)
    }

    @Test("an interleaved rank holds (v-1)P + 2(P-1-r) + 1 chunks when P divides M", arguments: 1...5, 2...4)
    func interleavedPeaks(ranks: Int, virtualStages: Int) throws {
        for groups in 1...3 {
            let microbatches = groups * ranks
            let facts = try Schedule.interleaved(
                ranks: ranks, virtualStages: virtualStages, microbatches: microbatches
            ).validated()
            let expected = (0..<ranks).map { rank in
                min(virtualStages * microbatches, (virtualStages - 1) * ranks + 2 * (ranks - 1 - rank) + 1)
            }
            #expect(facts.inFlightOfRank == expected)
        }
    }

    @Test("a 1F1B edge needs as many slots as its lower end has in flight, in both directions; a GPipe edge needs M")
    func edgeSlots() throws {
        let oneFOneB = try Schedule.oneFOneB(ranks: 4, microbatches: 8).validated()
        #expect(oneFOneB.activationSlots == [4, 3, 2, 0])
        // While the pipeline drains, a rank can be that many gradients ahead of the one before it.
        #expect(oneFOneB.gradientSlots == [0, 4, 3, 2])
        let gpipe = try Schedule.gpipe(ranks: 3, microbatches: 5).validated()
        #expect(gpipe.activationSlots == [5, 5, 0])
    }

    @Test("GPipe deadlocks when an edge has one slot fewer than M")
    func tooFewSlots() throws {
        let schedule = Schedule.gpipe(ranks: 3, microbatches: 5)
        #expect(throws: ScheduleError.self) {
            try schedule.checkDeadlock(activationSlots: [5, 4, 0], gradientSlots: [0, 5, 5])
        }
        try schedule.checkDeadlock(activationSlots: [5, 5, 0], gradientSlots: [0, 1, 1])
    }

    @Test("an order in which two ranks wait for each other is a deadlock")
    func crossedOrder() {
        let crossed = Schedule(
            name: "crossed", microbatches: 2, rankOfStage: [0, 1],
            actions: [
                ["0F0", "0B0", "0F1", "0B1"].map(action), ["1F0", "1F1", "1B0", "1B1"].map(action),
            ])
        #expect(throws: ScheduleError.deadlock(waiting: [action("0B0"), action("1F1")])) { try crossed.validated() }
    }

    @Test("the validator names what is missing, repeated, misplaced or out of order")
    func faults() {
        let good = Schedule.oneFOneB(ranks: 2, microbatches: 2)
        func with(_ edit: (inout [[Action]]) -> Void) -> Schedule {
            var actions = good.actions
            edit(&actions)
            return Schedule(name: "edited", microbatches: 2, rankOfStage: [0, 1], actions: actions)
        }
        #expect(throws: ScheduleError.missing(action("1B1"))) { try with { $0[1].removeLast() }.validated() }
        #expect(throws: ScheduleError.repeated(action("0F0"))) {
            try with { $0[0].append($0[0][0]) }.validated()
        }
        #expect(throws: ScheduleError.misplaced(action("1F0"), rank: 0)) {
            try with { $0[0].append(action("1F0")) }.validated()
        }
        #expect(throws: ScheduleError.misplaced(action("1F2"), rank: 1)) {
            try with { $0[1].append(action("1F2")) }.validated()
        }
        #expect(throws: ScheduleError.missing(action("1W0"))) {
            try with { $0[1][1] = action("1I0") }.validated()
        }
        #expect(throws: ScheduleError.linkOrder(from: 0, to: 1)) { try with { $0[0].swapAt(0, 1) }.validated() }
    }

    @Test("numbers that make no schedule are refused at once, by generators and for orders that a program made")
    func absurdNumbers() {
        func refusal(_ schedule: Schedule) -> String? {
            do throws(ScheduleError) {
                _ = try schedule.validated()
                return nil
            } catch { return error.description }
        }
        func given(_ rankOfStage: [Int], _ lists: [[String]], microbatches: Int = 1) -> Schedule {
            Schedule(
                name: "given", microbatches: microbatches, rankOfStage: rankOfStage,
                actions: lists.map { $0.map(action) })
        }
        for kind in ScheduleKind.allCases {
            func made(_ ranks: Int, _ virtualStages: Int, _ microbatches: Int) -> String? {
                refusal(kind.make(ranks: ranks, virtualStages: virtualStages, microbatches: microbatches))
            }
            let usual = kind.usualVirtualStages
            #expect(made(0, usual, 4) == "0 ranks: at least 1 is needed")
            #expect(made(-3, usual, 4) == "-3 ranks: at least 1 is needed")
            #expect(made(2, usual, 0) == "0 microbatches: at least 1 is needed")
            #expect(made(2, 0, 4) == "0 stages a rank: at least 1 is needed")
            #expect(made(2, usual, 1 << 62)?.hasSuffix("are more than 16777216 actions") == true)
            #expect(made(.max, usual, .max)?.hasSuffix("are more than 16777216 actions") == true)
            let runs = ["1F1B": "one", "V-Half": "2", "Hanayo": "2, 4, 6, ..."]
            if let counts = runs[kind.title] {
                #expect(made(2, 3, 4) == "3 stages a rank: \(kind.title) runs \(counts)")
            }
            #expect((made(2, 3, 4) == nil) == kind.allows(virtualStages: 3))
        }
        #expect(refusal(given([], [])) == "0 stages: at least 1 is needed")
        #expect(refusal(given([0], [])) == "0 ranks: at least 1 is needed")
        #expect(refusal(given([0], [["0F0"]], microbatches: -1)) == "-1 microbatches: at least 1 is needed")
        #expect(refusal(given([0], [["0F0", "0B0"], []])) == "rank 1 has no action")
        #expect(refusal(given([0, 7], [["0F0", "0B0"]])) == "stage 1 is put on rank 7; there are ranks 0 to 0")
        #expect(refusal(given([-1], [["0F0", "0B0"]])) == "stage 0 is put on rank -1; there are ranks 0 to 0")
        #expect(refusal(given([0], [["0F0", "1F0", "0B0"]])) == "action 1F0 does not belong on rank 0")
        #expect(refusal(given([0, 0], [["0F0", "0B0"]])) == "action 1F0 is missing")
        #expect(refusal(given([0], [["0F0", "0B0"]], microbatches: 1 << 62)) == "action 0F1 is missing")
        let far = Schedule(
            name: "far", microbatches: .max, rankOfStage: [0],
            actions: [[Action(.forward, stage: .max, microbatch: .min)]])
        #expect(refusal(far)?.hasSuffix("does not belong on rank 0") == true)
        #expect(throws: ScheduleError.self) { try TaskGraph(given([0, 0], [["0F0", "0B0"]])) }
        #expect(throws: ScheduleError.self) {
            try given([0], [["0F0", "0B0"]]).checkDeadlock(activationSlots: [], gradientSlots: [0])
        }
        #expect(Schedule.loopPlacement(ranks: 0, stages: 3) == [])
        #expect(Schedule.vPlacement(ranks: 0) == [] && Schedule.wavePlacement(ranks: 0, stages: 3) == [])
    }

    @Test("loops start again at rank 0, waves turn at the last rank, and a V is one wave") func placements() {
        #expect(Schedule.loopPlacement(ranks: 3, stages: 7) == [0, 1, 2, 0, 1, 2, 0])
        #expect(Schedule.vPlacement(ranks: 3) == [0, 1, 2, 2, 1, 0])
        #expect(Schedule.wavePlacement(ranks: 3, stages: 12) == [0, 1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0])
    }

    @Test("a backward that is whole takes a gradient frame beside those between I and W, and gives it back")
    func mixedBackwards() throws {
        func frames(_ list: String) throws -> StageFrames {
            let actions = list.split(separator: " ").map { action("0\($0)") }
            return try Schedule(name: "mixed", microbatches: 3, rankOfStage: [0], actions: [actions])
                .validated().frames[0]
        }
        let mixed = try frames("F0 F1 F2 I0 B1 W0 B2")
        #expect(mixed.gradient.count == 2 && mixed.splitsBackward)
        #expect(mixed.gradient.frameOfMicrobatch[0] != mixed.gradient.frameOfMicrobatch[1])
        #expect(mixed.stash.count == 3 && mixed.recomputed.count == 2)
        let late = try frames("F0 I0 F1 I1 F2 I2 W0 W1 W2")
        // A forward that is done again needs a frame beside those that are held: the third I takes it when F2 is done.
        #expect(late.recomputed.count == 3 && late.forwardAlone.frameOfMicrobatch == [0, 1, 2])
        let whole = try frames("F0 B0 F1 B1 F2 B2")
        #expect(whole.stash.count == 1 && whole.gradient.count == 1 && !whole.splitsBackward)
    }

    @Test("of the frames that are free, a microbatch takes the one that was used last") func warmFrames() throws {
        let actions = "F0 F1 F2 B0 B1 F3 F4 B2 B3 B4".split(separator: " ").map { action("0\($0)") }
        let schedule = Schedule(name: "warm", microbatches: 5, rankOfStage: [0], actions: [actions])
        // Frame 0 is free first, then 1, which microbatch 3 takes.
        let stash = try schedule.validated().frames[0].stash
        #expect(stash.frameOfMicrobatch == [0, 1, 2, 1, 0] && stash.count == 3)
    }

    @Test("an order has no more actions than are allowed, three for a microbatch whose backward comes apart")
    func actionsOfSplitBackwards() {
        let sizes = "4 ranks x 1 stages a rank x 1500000 microbatches"
        #expect(throws: ScheduleError.size("\(sizes) are more than 16777216 actions")) {
            try ScheduleKind.zeroBubble.make(ranks: 4, microbatches: 1_500_000).validated()
        }
    }

    @Test("groups are refused by orders that have none") func groupsOfOthers() {
        for kind in ScheduleKind.allCases where !kind.takesGroupSize {
            let sizes = ScheduleSizes(
                ranks: 2, virtualStages: kind.usualVirtualStages, microbatches: 6, groupSize: 3)
            #expect(throws: ScheduleError.size("groups of 3 microbatches: \(kind.title) has none")) {
                try kind.make(sizes).validated()
            }
        }
    }

    @Test("a W that waits for others keeps its slot and its gradient frame")
    func lateWeights() throws {
        let lists = [
            ["0F0", "0F1", "0I0", "0I1", "0W0", "0W1"], ["1F0", "1I0", "1F1", "1I1", "1W0", "1W1"],
        ]
        let schedule = Schedule(
            name: "late W", microbatches: 2, rankOfStage: [0, 1], actions: lists.map { $0.map(action) })
        let facts = try schedule.validated()
        #expect(facts.gradientFrames == [2, 2])
        #expect(facts.stashFrames == [2, 2])
        #expect(facts.activationSlots == [2, 0])
        #expect(facts.gradientSlots == [0, 2])
    }
}

/// Parses `2F0`.
func action(_ text: String) -> Action {
    let place = text.firstIndex(where: \.isLetter)!
    return Action(
        Action.Kind(rawValue: String(text[place]))!, stage: Int(text[..<place])!,
        microbatch: Int(text[text.index(after: place)...])!)
}
