// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

struct CompareIdleTests {
    /// A block of the output, row by row: the schedule, and its numbers; nil for one that is not there.
    private func rows(_ output: String, _ title: String) throws -> [String: [Double?]] {
        let blocks = output.components(separatedBy: "\n\n")
        let block = try #require(blocks.first { $0.split(separator: "\n")[0].contains(title) }, "\(output)")
        var rows: [String: [Double?]] = [:]
        for line in block.split(separator: "\n").dropFirst() {
            let words = line.split(separator: " ").filter { $0 != "%" }
            if words.count > 1 && words[1] == "threads" {
                rows[String(words[0])] = words.dropFirst(2).map { Double($0) }
            }
        }
        return rows
    }

    @Test("it says why ranks idle, as its own terms and replays have it, beside the formula") func idle() throws {
        let folder = try Folder()
        let outcome = try Command.run(
            [
                "compare", "--html", folder.path("page.html"), "--schedule", "gpipe,interleaved,zb-h1",
                "--virtual-stages", "2", "--transport", "threads",
                "--trials", "2", "--warmup", "1", "--measure", "3", "--microbatches", "3",
            ] + tiny)
        try #require(outcome.code == 0, "\(outcome.errors)")
        let terms = try rows(outcome.output, "oversubscription")
        let other = try rows(outcome.output, "stages were equal")
        let idle = try rows(outcome.output, "ranks idle, in the mean")
        // 1/(3 + 1), and 1/(2 * 3 + 1).
        #expect(idle.mapValues { $0.last! } == ["GPipe": 25, "Interleaved-1F1B": 14.3, "ZB-H1": nil])
        let page = try String(contentsOfFile: folder.path("page.html"), encoding: .utf8)
        for (schedule, shares) in idle {
            let cells = shares.map {
                $0 == nil
                    ? "<td data-value=\"\">-</td>"
                    : "<td>\($0!.formatted(.number.precision(.fractionLength(1)))) %</td>"
            }
            #expect(page.contains("\(schedule) on threads</th>" + cells.joined()), "\(cells)")
            let term = try #require(terms[schedule]).map { $0! }
            let (step, work, imbalance, bubble) = (term[0], term[1], term[2], term[3])
            let equal = try #require(other[schedule]?.last!) - term[4] - term[6]
            for (share, expected) in zip(
                shares.dropLast(),
                [(imbalance + bubble) / step, imbalance / step, bubble / step, (equal - work) / equal])
            {
                #expect(abs(share! - expected * 100) < 0.3, "\(schedule): \(share!), not \(expected * 100)")
            }
        }
    }

    @Test("one rank waits for nobody, and nothing is said of it") func oneRank() throws {
        let settings = ["--stages", "1", "--schedule", "gpipe,1f1b", "--transport", "threads"]
        let compared = try Command.run(
            ["compare", "--trials", "1", "--warmup", "0", "--measure", "1"] + settings + tiny)
        let run = try Command.run(["run", "--stages", "1", "--warmup", "0", "--measure", "1"] + tiny)
        #expect(compared.code == 0 && run.code == 0)
        #expect(!compared.output.contains("ranks idle") && !run.output.contains("ranks idle"))
    }
}
