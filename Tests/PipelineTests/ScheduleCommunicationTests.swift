// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing

/// Sends and receives as they stand in a file.
struct ScheduleCommunicationTests {
    private func refusal(_ text: String) -> String? {
        do throws(ScheduleFileError) {
            _ = try ScheduleFile(bytes: Array(text.utf8), name: "given")
            return nil
        } catch {
            return error.description
        }
    }

    private static let sender = "0F0,0SEND_F0,0RECV_B0,0B0"
    private static let receiver = "1RECV_F0,1F0,1B0,1SEND_B0"

    @Test("each fault of a transfer is told where it stands")
    func faults() {
        let (sender, receiver) = (Self.sender, Self.receiver)
        #expect(refusal("\(sender)\n\(receiver)") == nil)
        let cases = [
            (
                "\(sender)\n1F0,1B0,1SEND_B0",
                "row 1, column 2: 0SEND_F0 is sent, but nobody takes it: 1RECV_F0 is missing"
            ),
            (
                "0F0,0RECV_B0,0B0\n\(receiver)",
                "row 2, column 1: 1RECV_F0 waits, but nobody sends it: 0SEND_F0 is missing"
            ),
            ("0F0,0RECV_B0,0B0\n1F0,1B0,1SEND_B0", "row 2, column 1: 1RECV_F0 is missing, which 1F0 needs"),
            (
                "0SEND_F0,0F0,0RECV_B0,0B0\n\(receiver)",
                "row 1, column 1: 0SEND_F0 needs 0F0, which comes later, in column 2"
            ),
            (
                "\(sender)\n1F0,1RECV_F0,1B0,1SEND_B0",
                "row 2, column 1: 1F0 needs 1RECV_F0, which comes later, in column 2"
            ),
            (
                "\(sender)\n1RECV_F0,1F0,1SEND_B0,1B0",
                "row 2, column 3: 1SEND_B0 needs 1B0, which comes later, in column 4"
            ),
            ("\(sender),0SEND_F0\n\(receiver)", "row 1, column 5: 0SEND_F0 stands in column 2 already"),
            ("\(sender),0SEND_F7\n\(receiver)", "row 1, column 5: 0F7 is missing, which 0SEND_F7 needs"),
            ("\(sender),1SEND_B0\n\(receiver)", "row 1, column 5: stage 1 is row 2's"),
            ("\(sender)\n\(receiver),1SEND_F0", "row 2, column 5: 1SEND_F0 has no stage at its other end"),
            ("0RECV_F0,\(sender)\n\(receiver)", "row 1, column 1: 0RECV_F0 has no stage at its other end"),
            (
                "0F0,0SEND_F0,1RECV_F0,1F0,1B0,0B0",
                "row 1, column 2: 0SEND_F0 has both of its ends in this row, where nothing is sent"
            ),
        ]
        for (text, sentence) in cases { #expect(refusal(text) == sentence) }
    }

    @Test("a receive takes the message that is sent first") func crossed() {
        let text = "0F0,0F1,0SEND_F1,0SEND_F0\n1RECV_F0,1RECV_F1,1F0,1F1"
        let sentence = "1RECV_F0 would take what 0SEND_F1 gives: messages of two ranks keep their order"
        #expect(refusal(text) == "row 2, column 1: \(sentence)")
    }

    @Test("it does so too where the messages are of different stages of the same two ranks") func crossedStages() {
        let first = "0F0,0SEND_F0,2RECV_F0,2F0,0F1,0SEND_F1,2SEND_F0,2RECV_F1,2F1,2SEND_F1"
        let second = "1RECV_F0,1F0,1SEND_F0,3RECV_F0,3F0,1RECV_F1,1F1,1SEND_F1,3RECV_F1,3F1"
        let sentence = "3RECV_F0 would take what 0SEND_F1 gives: messages of two ranks keep their order"
        #expect(refusal("\(first)\n\(second)") == "row 2, column 4: \(sentence)")
        let right = first.replacing("0F1,0SEND_F1,2SEND_F0", with: "2SEND_F0,0F1,0SEND_F1")
        #expect(refusal("\(right)\n\(second)") == nil)
    }

    @Test("sends that never wait deadlock behind a receive that does: an error") func buffered() {
        let text = "0F0,0RECV_B0,0SEND_F0,0B0\n\(Self.receiver)"
        let circle = "0RECV_B0 waits for 1SEND_B0, which stands behind 1RECV_F0, which waits for 0SEND_F0, "
        #expect(refusal(text) == "row 1, column 2: deadlock: \(circle)which stands behind 0RECV_B0")
    }

    @Test("two sends that face each other deadlock when sends wait: a note") func blocking() throws {
        let text =
            "0F0,0SEND_F0,0F1,0SEND_F1,0RECV_B0,0B0,0RECV_B1,0B1\n1RECV_F0,1F0,1B0,1SEND_B0,1RECV_F1,1F1,1B1,1SEND_B1"
        let file = try ScheduleFile(bytes: Array(text.utf8), name: "given")
        let circle = "0SEND_F1 waits for 1RECV_F1, which stands behind 1SEND_B0, which waits for 0RECV_B0, "
        let cycle = try #require(file.deadlockOfBlockingSends)
        #expect(cycle.description == circle + "which stands behind 0SEND_F1")
        #expect(file.notes.last == "if sends waited for their receivers it would deadlock: \(cycle)")
        // The second rank takes what comes before it gives.
        let right = text.replacing("1SEND_B0,1RECV_F1", with: "1RECV_F1,1SEND_B0")
        #expect(try ScheduleFile(bytes: Array(right.utf8), name: "given").deadlockOfBlockingSends == nil)
    }

    /// Whether all rows come to their ends, found by going on wherever one can.
    private func ends(_ rows: [[Instruction]], blocking: Bool) -> Bool {
        var next = rows.map { _ in 0 }
        var sent: Set<Transfer> = []
        func now(_ row: Int) -> Instruction? { next[row] < rows[row].count ? rows[row][next[row]] : nil }
        var moved = true
        while moved {
            moved = false
            for row in rows.indices {
                guard let instruction = now(row) else { continue }
                var partner: Int?
                if case .transfer(let transfer) = instruction {
                    partner = blocking ? rows.indices.first { now($0) == .transfer(transfer.otherEnd) } : nil
                    let isDone = blocking ? partner != nil : transfer.kind.isSend || sent.contains(transfer.otherEnd)
                    if !isDone { continue }
                    sent.insert(transfer)
                }
                for row in [row, partner].compactMap({ $0 }) { next[row] += 1 }
                moved = true
            }
        }
        return zip(next, rows).allSatisfy { $0 == $1.count }
    }

    @Test("transfers that are moved about deadlock, in either way, when going on wherever one can comes to no end")
    func oracle() throws {
        var (circles, blockingCircles, sound) = (0, 0, 0)
        for seed in 0..<4000 {
            var space = ScheduleSpace(seed: UInt64(seed))
            var rows = try space.sound().withTransfers()
            for _ in 0..<space.number(below: 4) {
                let row = space.number(below: rows.count)
                let transfers = rows[row].indices.filter { if case .transfer = rows[row][$0] { true } else { false } }
                if transfers.isEmpty { continue }
                let index = transfers[space.number(below: transfers.count)]
                let moved = rows[row].remove(at: index)
                rows[row].insert(moved, at: min(max(index + space.number(below: 7) - 3, 0), rows[row].count))
            }
            do throws(ScheduleFileError) {
                let cycle = try ScheduleFile.checkCommunication(of: rows)
                #expect(ends(rows, blocking: false) && ends(rows, blocking: true) == (cycle == nil))
                if cycle == nil { sound += 1 } else { blockingCircles += 1 }
            } catch {
                guard case .deadlock = error.fault else { continue }
                #expect(!ends(rows, blocking: false) && !ends(rows, blocking: true))
                circles += 1
            }
        }
        #expect(circles > 50 && blockingCircles > 3 && sound > 1000, "\(circles) \(blockingCircles) \(sound)")
    }
}
