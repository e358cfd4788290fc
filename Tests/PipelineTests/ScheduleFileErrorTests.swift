// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing

/// What is no schedule's file, and what is said of it.
struct ScheduleFileErrorTests {
    private func refusal(_ bytes: [UInt8]) -> ScheduleFileError? {
        do throws(ScheduleFileError) {
            _ = try ScheduleFile(bytes: bytes, name: "given")
            return nil
        } catch {
            return error
        }
    }

    @Test(
        "text that is none, and cells that say nothing",
        arguments: [
            ("", "no row has an action"), ("\n \r\n", "no row has an action"),
            ("0F0,0\0B0", "row 1, column 2: a byte 0, which no text has"),
            ("0F0,0B0\n1F0,\"1B0\n", "row 2, column 2: the quote is not closed"),
            ("0F0,0X0", "row 1, column 2: \"0X0\" is no instruction such as 2F0, 2SEND_F0 or 2UNSHARD"),
            ("0f0", "row 1, column 1: \"0f0\" is no instruction such as 2F0, 2SEND_F0 or 2UNSHARD"),
            ("-1F0", "row 1, column 1: \"-1F0\" is no instruction such as 2F0, 2SEND_F0 or 2UNSHARD"),
            ("é\t", "row 1, column 1: \"\\xc3\\xa9\" is no instruction such as 2F0, 2SEND_F0 or 2UNSHARD"),
            (
                "stage 0 forward microbatch 0",
                "row 1, column 1: \"stage 0 forward microbat...\" is no instruction such as 2F0, 2SEND_F0 or 2UNSHARD"
            ),
            ("0F0,,0B", "row 1, column 3: \"0B\" says no microbatch, as 2F0 does"),
            ("0F0,0SEND_F", "row 1, column 2: \"0SEND_F\" says no microbatch, as 2F0 does"),
            ("0F\u{1}0", "row 1, column 1: \"0F\\x010\" says no microbatch, as 2F0 does"),
            ("0F0,0B0x", "row 1, column 2: \"x\" follows \"0B0\""),
            ("0F0 0B0", "row 1, column 1: \" 0B0\" follows \"0F0\""),
            ("\"0F0,0B0\"", "row 1, column 1: \",0B0\" follows \"0F0\""),
            ("\"0F0\"\"\",0B0", "row 1, column 1: \"\"\" follows \"0F0\""),
            ("0UNSHARD3", "row 1, column 1: \"3\" follows \"0UNSHARD\""),
            ("0F0,0B16777216", "row 1, column 2: \"16777216\" is too large: numbers go up to 16777215"),
            (
                "99999999999999999999F0",
                "row 1, column 1: \"99999999999999999999\" is too large: numbers go up to 16777215"
            ),
        ]) func text(text: String, sentence: String)
    {
        #expect(refusal(Array(text.utf8))?.description == sentence)
    }

    @Test(
        "parentheses that are no overlapped pair",
        arguments: [
            "()OVERLAP_F_B", "(0F0;0B0)OVERLAP", "(0F0;0B0", "(0F0;(0B0))OVERLAP_F_B", "(0F0)OVERLAP_F_B1",
            "(0F0;0SEND_F0)F", "(0B0;0SEND_B0)OVERLAP_F_B",
        ])
    func overlap(text: String) {
        let error = refusal(Array("0F0,\(text)".utf8))
        #expect(error?.row == 1 && error?.column == 2)
        #expect(error?.description.hasSuffix("is no overlapped pair such as (0F1;3B0)OVERLAP_F_B") == true)
    }

    @Test(
        "actions that make no order",
        arguments: [
            ("0F0,0B0\n\n1F0,1B0", "row 2: the row has no action"), ("0F0,0B0\n,,", "row 2: the row has no action"),
            ("0F0,0B0\n0UNSHARD", "row 2: the row has no action"), ("0F0,0B0\n,", "row 2: the row has no action"),
            ("0F0,0F0,0B0", "row 1, column 2: 0F0 stands in column 1 already"),
            ("0F0,,0B0,0B0", "row 1, column 4: 0B0 stands in column 3 already"),
            ("0F0,0B0,0I0,0W0", "row 1, column 3: 0I0 is done twice: column 2 has the whole"),
            ("0F0,0I0,0W0,0B0", "row 1, column 4: 0B0 is done twice: column 2 has a part of it"),
            ("0F0,0B0,1F0\n1B0", "row 2, column 1: stage 1 is row 1's"),
            ("0F0,0B0\n2F0,2B0", "row 2, column 1: no row has stage 1, though there is a stage 2"),
            ("0F0,3F0,3B0,0B0\n2F0,2B0", "row 1, column 2: no row has stage 1, though there is a stage 3"),
            ("0F0,0F1,0B0", "row 1: 0B1 is missing"), ("0F0,0I0", "row 1: 0W0 is missing"),
            ("0F0,0B0\n1F0", "row 2: 1B0 is missing"),
            ("0F0,0B0,0B1", "row 1, column 3: 0F1 is missing, which 0B1 needs"),
            ("0F0,0W0", "row 1, column 2: 0I0 is missing, which 0W0 needs"),
            ("0B0,0F0", "row 1, column 1: 0B0 needs 0F0, which comes later, in column 2"),
            ("0B0,,,0F0", "row 1, column 1: 0B0 needs 0F0, which comes later, in column 4"),
            ("0F0,,0B0,0I0,0W0", "row 1, column 4: 0I0 is done twice: column 3 has the whole"),
            ("0F0,0W0,0I0", "row 1, column 2: 0W0 needs 0I0, which comes later, in column 3"),
            ("1F0,0F0,1B0,0B0", "row 1, column 1: 1F0 needs 0F0, which comes later, in column 2"),
            ("0F0,1F0,0B0,1B0", "row 1, column 3: 0B0 needs 1B0, which comes later, in column 4"),
            ("0F0,0BW0,0F1,0I1,0W1", "row 1, column 2: 0BW0 is of the old grammar, in which there is no I"),
            (
                "0F0,0B0,0B0,0W0",
                "row 1, column 3: 0I0 stands in column 2 already (an old file's B is I, and its BW is B)"
            ),
        ]) func actions(text: String, sentence: String)
    {
        #expect(refusal(Array(text.utf8))?.description == sentence)
    }

    @Test("links that change the order of microbatches, and circles, action by action")
    func order() {
        #expect(
            refusal(Array("0F0,0F1,0B0,0B1\n1F1,1F0,1B0,1B1".utf8))?.description
                == "row 2, column 1: 1F1 comes where 0F0 is handed on: a stage takes microbatches in the order in which its neighbour hands them on"
        )
        #expect(
            refusal(Array("0F0,0F1,0B0,0B1\n1F0,1F1,1B1,1B0".utf8))?.description
                == "row 1, column 3: 0B0 comes where 1B1 is handed on: a stage takes microbatches in the order in which its neighbour hands them on"
        )
        #expect(
            refusal(Array("0F0,0B0,0F1,0B1\n1F0,1F1,1B0,1B1".utf8))?.description
                == "row 1, column 2: deadlock: 0B0 waits for 1B0, which stands behind 1F1, "
                + "which waits for 0F1, which stands behind 0B0")
    }

    /// A loop of ranks with two stages each, of which every rank does the second first.
    private func circle(_ ranks: Int) -> String? {
        let rows = (0..<ranks).map { "\(ranks + $0)F0,\($0)F0" }
        return refusal(Array(rows.joined(separator: "\n").utf8))?.description
    }

    @Test("the middle of a long circle is counted") func longCircle() {
        #expect(
            circle(3) == "row 1, column 1: deadlock: 3F0 waits for 2F0, which stands behind 5F0, "
                + "which waits for 4F0, which waits for 3F0")
        #expect(circle(6)?.contains("more rank") == false)
        let beginning = ", which stands behind 13F0, which waits for 12F0, which waits for 11F0, which waits for 10F0, "
        #expect(
            circle(7) == "row 1, column 1: deadlock: 7F0 waits for 6F0" + beginning
                + "which leads over 1 more rank to 8F0, which waits for 7F0")
        #expect(circle(40)?.hasSuffix("which leads over 34 more ranks to 41F0, which waits for 40F0") == true)
    }

    @Test("ranks that merely wait for a circle are not told as a part of it, which starts with its first rank")
    func wayIn() {
        // Row 1 waits for row 3, which is where the circle of rows 2 and 3 is met.
        #expect(
            refusal(Array("4F0\n2F0,0F0\n3F0,1F0".utf8))?.description
                == "row 2, column 1: deadlock: 2F0 waits for 1F0, which stands behind 3F0, which waits for 2F0")
    }

    @Test("files that are too large to be checked") func limits() {
        let rows = refusal(Array(String(repeating: "0F0\n", count: 4097).utf8))
        #expect(rows?.description == "row 4097: more than 4096 rows")
        let wide = refusal(Array(Schedule.gpipe(ranks: 4096, microbatches: 33).csv().utf8))
        #expect(wide?.description == "more than 262144 actions on so many ranks")
    }

    @Test("3000 files with changed bytes and cells are refused with a sentence, or are sound", arguments: 0..<3)
    func changed(part: Int) throws {
        let names = ScheduleVectors.torch.flatMap { [$0, "\($0).comms"] } + ScheduleVectors.others
        let written = try ScheduleKind.allCases.flatMap { kind in
            let schedule = kind.make(ranks: 2, microbatches: 4)
            return [schedule.csv(), schedule.forwardOnly().csv(), try schedule.csvWithCommunication()].map {
                Array($0.utf8)
            }
        }
        let texts = try names.map(ScheduleVectors.bytes) + written
        var changer = FileChanger(seed: UInt64(part))
        var taken = 0
        for _ in 0..<1000 {
            let bytes = changer.file(from: texts)
            do throws(ScheduleFileError) {
                let file = try ScheduleFile(bytes: bytes, name: "changed")
                #expect((try? file.schedule.validated()) != nil)
                #expect(
                    (try? ScheduleFile(bytes: Array(file.schedule.csv().utf8), name: "changed"))?.schedule
                        == file.schedule)
                taken += 1
            } catch {
                let sentence = error.description
                #expect(sentence.count < 400 && sentence.last != "." && !sentence.contains("\n"), "\(sentence)")
            }
        }
        #expect(taken > 20 && taken < 500)
    }
}
