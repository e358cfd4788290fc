// SPDX-License-Identifier: Apache-2.0

import Foundation
import Pipeline
import Testing

/// Chimera and DualPipe: their orders as a script of its own makes them (slot by slot, and phase by phase), and what they cost.
struct CopyOrderTests {
    private func lists(_ schedule: Schedule) -> [String] {
        schedule.actions.map { $0.map(\.description).joined(separator: " ") }
    }

    private func refusal(_ schedule: Schedule) -> String? {
        do throws(ScheduleError) {
            _ = try schedule.validated()
            return nil
        } catch { return error.description }
    }

    @Test("Chimera on four ranks: half of each unit goes down, half up") func chimera() throws {
        #expect(
            lists(ScheduleKind.chimera.make(ranks: 4, microbatches: 4)) == [
                "0F0 0F1 7F2 7B2 7F3 7B3 0B0 0B1", "1F0 6F2 1F1 6F3 6B2 1B0 6B3 1B1", "5F2 2F0 5F3 2F1 2B0 5B2 2B1 5B3",
                "4F2 4F3 3F0 3B0 3F1 3B1 4B2 4B3",
            ])
        let two = ScheduleKind.chimera.make(ranks: 4, microbatches: 8)
        #expect(try two.validated().copyOfMicrobatch == [0, 0, 1, 1, 0, 0, 1, 1])
        #expect(two.copies == 2 && two.stages == 8 && two.rankOfStage == [0, 1, 2, 3, 3, 2, 1, 0])
        // The last unit's two are one down, one up.
        #expect(
            try ScheduleKind.chimera.make(ranks: 4, microbatches: 6).validated().copyOfMicrobatch.suffix(2) == [0, 1])
    }

    @Test("DualPipe on four ranks: the first half of the microbatches goes down, the other half up") func dualPipe()
        throws
    {
        let schedule = ScheduleKind.dualPipe.make(ranks: 4, microbatches: 8)
        #expect(
            lists(schedule) == [
                "0F0 0F1 0F2 7F4 7I4 7W4 7F5 0F3 7B5 7F6 0B0 7B6 7F7 0B1 7B7 0I2 0W2 0I3 0W3",
                "1F0 6F4 1F1 6F5 1F2 6B4 6F6 1B0 1F3 6B5 6F7 1B1 6B6 1B2 6I7 1I3 6W7 1W3",
                "5F4 2F0 5F5 2F1 5F6 2B0 2F2 5B4 5F7 2B1 2F3 5B5 2B2 5B6 2I3 5I7 2W3 5W7",
                "4F4 4F5 4F6 3F0 3I0 3W0 3F1 4F7 3B1 3F2 4B4 3B2 3F3 4B5 3B3 4I6 4W6 4I7 4W7",
            ])
        #expect(try schedule.validated().copyOfMicrobatch == [0, 0, 0, 0, 1, 1, 1, 1])
    }

    @Test("Chimera idles for (P-2)F at F = B, and F more for each that the last unit lacks", arguments: [2, 4, 6, 8])
    func chimeraIdle(ranks: Int) {
        for microbatches in stride(from: 2, through: 3 * ranks, by: 2) {
            let schedule = ScheduleKind.chimera.make(ranks: ranks, microbatches: microbatches)
            let lacking = (ranks - microbatches % ranks) % ranks
            #expect(Replayed(schedule, Times(2, 1, 1)).idle == 2 * (ranks - 2 + lacking), "M=\(microbatches)")
        }
        // Where B = 2F units do not fit: so many F, of one unit to four, by the script.
        let idle = [2: [0, 0, 0, 0], 4: [4, 6, 8, 10], 6: [8, 12, 16, 20], 8: [12, 18, 24, 30]]
        let found = (1...4).map {
            Replayed(ScheduleKind.chimera.make(ranks: ranks, microbatches: $0 * ranks), Times(1, 1, 1)).idle
        }
        #expect(found == idle[ranks])
    }

    @Test("DualPipe idles for (P/2-1)(F+I-W) where W <= I <= F <= I+W", arguments: [2, 4, 6, 8])
    func dualPipeIdle(ranks: Int) {
        for microbatches in stride(from: 2 * ranks, through: 4 * ranks, by: 2) {
            let schedule = ScheduleKind.dualPipe.make(ranks: ranks, microbatches: microbatches)
            for times in [Times(1, 1, 1), Times(2, 1, 1), Times(2, 2, 1), Times(4, 3, 2), Times(5, 3, 2)] {
                let idle = (ranks / 2 - 1) * (times.f + times.i - times.w)
                #expect(Replayed(schedule, times).idle == idle, "M=\(microbatches) \(times)")
            }
        }
    }

    @Test("sizes that do not come in two halves are refused, and so are too few microbatches") func sizes() {
        func refused(_ kind: ScheduleKind, _ ranks: Int, _ microbatches: Int) -> String? {
            refusal(kind.make(ranks: ranks, microbatches: microbatches))
        }
        #expect(refused(.chimera, 3, 6) == "Chimera needs an even number of ranks, and has 3")
        #expect(refused(.chimera, 4, 5) == "Chimera needs an even number of microbatches, and has 5")
        #expect(refused(.chimera, 4, 1) == "Chimera needs at least 2 microbatches on 4 ranks, and has 1")
        #expect(refused(.chimera, 4, 2) == nil && refused(.chimera, 2, 2) == nil)
        #expect(refused(.dualPipe, 1, 8) == "DualPipe needs an even number of ranks, and has 1")
        #expect(refused(.dualPipe, 4, 6) == "DualPipe needs at least 8 microbatches on 4 ranks, and has 6")
        #expect(refused(.dualPipe, 4, 9) == "DualPipe needs an even number of microbatches, and has 9")
        #expect(refused(.dualPipe, 4, 8) == nil && refused(.dualPipe, 4, 10) == nil)
    }

    // MARK: Files

    private func read(_ text: String) throws(ScheduleFileError) -> Schedule {
        try ScheduleFile(bytes: Array(text.utf8), name: "file").schedule
    }

    private func fault(_ text: String) -> String? {
        do throws(ScheduleFileError) {
            _ = try read(text)
            return nil
        } catch { return error.description }
    }

    @Test("a file whose microbatches are each at a part of the stages holds copies; one that is not whole holds none")
    func files() throws {
        #expect(try read("0F0,3F1,3B1,0B0\n2F1,1F0,1B0,2B1").copies == 2)
        #expect(try read("0F0,0B0\n1F1,1B1\n2F2,2B2").copies == 3)
        #expect(try read("0F0,0B0\n1F0,1B0").copies == 1)
        // Of one chain: actions that are missing are told as such.
        #expect(fault("0F0,0F1,0B0,0B1\n1F0,1B0") == "row 2: 1F1 is missing")
        #expect(fault("0F0,0B0\n1F0,1F1,1B0,1B1") == "row 1: 0F1 is missing")
        #expect(fault("0F0,0B0,2F0,2B0\n1F0,1B0,3F1,3B1") == "row 1: 0F1 is missing")
        #expect(fault("0F0,0B0,2F1,2B1\n1F0,1B0,3F2,3B2") == "row 1: 0F1 is missing")
        let text = ScheduleKind.chimera.make(ranks: 4, microbatches: 4).csv()
        #expect(fault(text.replacing(",2B0", with: "")) == "row 3: 2B0 is missing")
        #expect(fault(text.replacing(",2F1", with: "").replacing(",2B1", with: "")) == "row 3: 2F1 is missing")
        #expect(
            fault(text.replacing("F2", with: "F4").replacing("B2", with: "B4"))
                == "microbatch 2 goes through no copy of the stages")
        let rows = [
            "0F0,0SEND_F0,3RECV_F1,3F1,3B1,3SEND_B1,0RECV_B0,0B0",
            "2F1,2SEND_F1,1RECV_F0,1F0,1B0,1SEND_B0,2RECV_B1,2B1",
        ]
        #expect(try read(rows.joined(separator: "\n")).copies == 2)
        #expect(
            fault(rows.joined(separator: "\n") + ",1SEND_F0")
                == "row 2, column 9: 1SEND_F0 has no stage at its other end")
        #expect(fault("0F0,0B0,3F1,3B1\n2F1,1F0,1B0,2B1") == nil)
    }
}
