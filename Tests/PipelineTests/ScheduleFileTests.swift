// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing

/// Schedules as files: what is read, and what is written.
struct ScheduleFileTests {
    private func file(_ text: String) throws -> ScheduleFile {
        try ScheduleFile(bytes: Array(text.utf8), name: "given")
    }

    private func rows(_ text: String) throws -> [String] {
        try file(text).schedule.actions.map { $0.map(\.description).joined(separator: " ") }
    }

    // MARK: Vectors

    @Test(
        "a vector has the ranks, microbatches and placement of its name",
        arguments: ScheduleVectors.torch + ScheduleVectors.others)
    func sizes(name: String) throws {
        let file = try ScheduleVectors.file(name)
        let parts = name.split(separator: "_")
        let ranks = Array(0..<Int(parts[1])!)
        #expect(file.form == .computeOnly && file.communication == nil)
        #expect(file.schedule.microbatches == Int(parts[2])!)
        let isLoop = parts[0].hasPrefix("interleaved") || parts[0] == "looped-bfs"
        #expect(file.schedule.rankOfStage == ranks + (isLoop ? ranks : ranks.reversed()))
        let overlaps = ["dualpipe-v_2_4_2": 6, "dualpipe-v_4_8_2": 25][name]
        let notes = overlaps.map { ["overlapped cells that are run one action after the other: \($0)"] }
        #expect(file.notes == notes ?? [])
        _ = try file.schedule.validated()
    }

    @Test(
        "a vector with communication has the same computations, and its sends may wait",
        arguments: ScheduleVectors.torch)
    func communication(name: String) throws {
        let file = try ScheduleVectors.file("\(name).comms")
        #expect(file.form == .withCommunication && file.deadlockOfBlockingSends == nil)
        #expect(file.schedule == (try ScheduleVectors.file(name).schedule))
        let note = "no REDUCE_GRAD: PyTorch 2.13 would not divide gradients by the microbatches"
        #expect(file.notes.last == note)
        // An overlapped cell has two actions.
        let written = try ScheduleVectors.text("\(name).comms").split { ",;\r\n".contains($0) }
        #expect(file.communication?.joined().count == written.count)
    }

    @Test(
        "a vector is written as it is, without its idle cells",
        arguments: ScheduleVectors.torch + ScheduleVectors.others)
    func written(name: String) throws {
        let text = try ScheduleVectors.text(name)
        var expected = ScheduleVectors.packed(text)
        for sign in ["(", ")OVERLAP_F_B"] { expected = expected.replacing(sign, with: "") }
        #expect(try ScheduleVectors.file(name).schedule.csv() == expected.replacing(";", with: ","))
    }

    @Test("sends and receives are put where PyTorch puts them, byte for byte", arguments: ScheduleVectors.torch)
    func writtenWithCommunication(name: String) throws {
        let text = try ScheduleVectors.file(name).schedule.csvWithCommunication(reducesGradients: false)
        // An overlapped cell, which no schedule has, waits until both of its inputs are there.
        let isSame = !name.hasPrefix("dualpipe-v")
        #expect((text == (try ScheduleVectors.text("\(name).comms"))) == isSame)
    }

    // MARK: Writing

    @Test("1F1B on two ranks, as PyTorch's two forms") func exact() throws {
        let schedule = Schedule.oneFOneB(ranks: 2, microbatches: 2)
        #expect(schedule.csv() == "0F0,0F1,0B0,0B1\r\n1F0,1B0,1F1,1B1\r\n")
        let rows = [
            "0F0,0SEND_F0,0F1,0SEND_F1,0RECV_B0,0B0,0RECV_B1,0B1,0REDUCE_GRAD",
            "1RECV_F0,1F0,1RECV_F1,1B0,1SEND_B0,1F1,1B1,1SEND_B1,1REDUCE_GRAD",
        ]
        #expect(try schedule.csvWithCommunication() == rows.map { $0 + "\r\n" }.joined())
        let file = try file(schedule.csvWithCommunication())
        #expect(file.notes == ["left out: 2 REDUCE_GRAD"])
        let forwards = try schedule.forwardOnly().csvWithCommunication()
        #expect(forwards == "0F0,0SEND_F0,0F1,0SEND_F1\r\n1RECV_F0,1F0,1RECV_F1,1F1\r\n")
        // There are no gradients to divide.
        #expect(try self.file(forwards).notes == [])
    }

    @Test("what is written is read back the same, in either form, and does not deadlock even when sends wait")
    func roundTrips() throws {
        var schedules = (1...5).flatMap { ranks in ScheduleKind.allCases.map { $0.make(ranks: ranks, microbatches: 5) }
        }
        schedules += [2, 4].flatMap { ranks in
            ScheduleKind.allCases.flatMap { kind in
                let schedule = kind.make(ranks: ranks, microbatches: 8)
                return kind.copies > 1 ? [schedule, schedule.replicated(2)] : [schedule.replicated(3)]
            }
        }
        for seed in 0..<300 {
            var space = ScheduleSpace(seed: UInt64(seed))
            schedules.append(space.sound())
            schedules.append(space.sound(copies: 2))
        }
        for schedule in schedules.flatMap({ [$0, $0.forwardOnly()] }) where (try? schedule.validated()) != nil {
            for text in [schedule.csv(), try schedule.csvWithCommunication()] {
                let back = try file(text)
                #expect(back.schedule.actions == schedule.actions && back.schedule.rankOfStage == schedule.rankOfStage)
                #expect(back.schedule.copies == schedule.copies)
                #expect(back.deadlockOfBlockingSends == nil)
                #expect(try back.communication == nil || back.communication == schedule.withTransfers())
            }
        }
    }

    @Test("an order that waits in a circle is written without communication alone") func circle() throws {
        let crossed = Schedule(
            name: "crossed", microbatches: 2, rankOfStage: [0, 1],
            actions: [["0F0", "0B0", "0F1", "0B1"], ["1F0", "1F1", "1B0", "1B1"]].map { $0.map(action) })
        #expect(crossed.csv() == "0F0,0B0,0F1,0B1\r\n1F0,1F1,1B0,1B1\r\n")
        #expect(throws: ScheduleError.deadlock(waiting: [action("0B0"), action("1F1")])) {
            try crossed.csvWithCommunication()
        }
    }

    // MARK: Reading

    @Test(
        "line ends, blanks, idle cells and quotes change nothing",
        arguments: [
            "0F0,0B0\r\n1F0,1B0\r\n", "0F0,0B0\n1F0,1B0", "0F0,0B0\r1F0,1B0\r", "\u{feff}0F0,0B0\n1F0,1B0\n",
            "0F0,0B0\n1F0,1B0\n\n\r\n  \n", "0F0,,0B0,\n,,1F0,1B0,,,\n", " 0F0 ,\t0B0\n 1F0,1B0\t\n",
            "\"0F0\",\"0B0\"\n\"1F0\" , \" 1B0 \"\n", "\"0F0\n\",0B0\n1F0,1B0", "00F0,0B00\n01F0,1B0",
            "(0F0;0B0)OVERLAP_F_B\n( 1F0 ; ;1B0 ) OVERLAP_F_B",
        ]) func layout(text: String) throws
    {
        let plain = try file("0F0,0B0\n1F0,1B0\n")
        #expect(try file(text).schedule == plain.schedule)
        #expect(plain.schedule.rankOfStage == [0, 1] && plain.schedule.microbatches == 1 && plain.notes == [])
    }

    @Test("stages are where their rows are, and forwards alone are an order too") func placements() throws {
        #expect(try file("1F0,1B0\n0F0,2F0,2B0,0B0").schedule.rankOfStage == [1, 0, 1])
        #expect(try file("0F0,0F1\n1F0,1F1").schedule.isForwardOnly)
        #expect(try file("0F0,0B0").schedule.name == "given")
    }

    @Test("of an old file B is I and BW is B, and it is said") func oldGrammar() throws {
        let whole = try file("0F0,0F1,0BW0,0B1,0W1")
        #expect(try rows("0F0,0F1,0BW0,0B1,0W1") == ["0F0 0F1 0B0 0I1 0W1"])
        #expect(whole.notes == ["old grammar: B is read as I and BW as B"])
        let parts = "0F0,0B0,0W0\n1F0,1B0,1W0"
        #expect(try rows(parts) == ["0F0 0I0 0W0", "1F0 1I0 1W0"])
        #expect(try file(parts).notes == ["old grammar: B is read as I"])
        // Today's.
        #expect(try rows("0F0,0F1,0B0,0I1,0W1") == ["0F0 0F1 0B0 0I1 0W1"])
        #expect(try file("0F0,0F1,0B0,0I1,0W1").notes == [])
    }

    @Test("collectives are counted and left out, empty cells beside sends are told") func leftOut() throws {
        let lists = "0UNSHARD,0F0,0SEND_F0,0RECV_B0,,0B0,0REDUCE_GRAD,0RESHARD\n,1UNSHARD,1RECV_F0,1F0,1B0,1SEND_B0"
        let file = try file(lists)
        #expect(file.form == .withCommunication)
        #expect(
            file.notes == [
                "left out: 2 UNSHARD and 1 RESHARD and 1 REDUCE_GRAD",
                "empty cells that PyTorch refuses beside sends and receives: 2",
            ])
        #expect(file.communication?.first?.map(\.description) == ["0F0", "0SEND_F0", "0RECV_B0", "0B0"])
    }

    @Test("a file is taken if and only if the validator takes its order", arguments: 0..<4) func validator(part: Int)
        throws
    {
        var taken = 0
        for seed in 0..<500 {
            var space = ScheduleSpace(seed: UInt64(1000 * part + seed))
            let schedule = space.changed()
            let isSound = (try? schedule.validated()) != nil
            let read = try? file(schedule.csv())
            #expect((read != nil) == isSound, "\(schedule.actions)")
            if let read {
                #expect(read.schedule.actions == schedule.actions)
                taken += 1
            }
        }
        #expect(taken > 20 && taken < 400)
    }
}
