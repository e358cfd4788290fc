// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// CSVs of this and of earlier versions.
struct AnalyzeFormatsTests {
    private let folder: Folder

    init() throws { folder = try Folder() }

    private func summary(_ path: String) throws -> [[String: String]] {
        let out = folder.path("summary.csv")
        let outcome = try Command.run("analyze", path, "--summary", out)
        #expect(outcome.code == 0, "\(outcome.errors)")
        return try SweepFileContents(out).rows
    }

    @Test("a CSV of format 3 has the figures that it had, and tells no rate, seed or data") func format3() throws {
        let repository = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        let all = try String(contentsOf: repository.appending(path: "docs/results/reference.csv"), encoding: .utf8)
        let lines = all.split(separator: "\n")
        let two = lines.filter { $0.hasPrefix("gpipe,2,8,12,") || $0.hasPrefix("interleaved,2,8,12,") }
        let path = try folder.file("results.csv", Array(([lines[0]] + two).joined(separator: "\n").utf8))
        let rows = try summary(path)
        // Two schedules, two transports, two cuts.
        #expect(rows.count == 8)
        #expect(rows.allSatisfy { $0["Runs"] == "3" && $0["lr"] == "" && $0["seed"] == "" && $0["data"] == "" })
        let row = try #require(
            rows.first {
                $0["schedule"] == "interleaved" && $0["transport"] == "processes" && $0["partition"] == "balanced"
            })
        // Of 2482.0, 2659.1 and 2633.1, and of GPipe's 2272.6, 2315.6 and 1972.4, repeat by repeat: the second is in the middle.
        #expect(row["Tokens per Second"] == "2633.0960768056434")
        #expect(abs(Double(row["Speedup vs GPipe"]!)! - 2659.0719325145274 / 2315.5619027613157) < 1e-12)
    }

    private func csv(_ rows: String...) throws -> String {
        let header =
            "schedule,world_size,layers,heads,tokens_per_s,avg_step_time_s,repeat,lr,seed,data,timeline,disturbance"
        return try folder.file("results.csv", Array(([header] + rows).joined(separator: "\n").utf8))
    }

    @Test("runs that differ in rate, seed, data or timeline are groups of their own; equal numbers are not")
    func groups() throws {
        let rows = try summary(
            csv(
                "gpipe,2,4,4,100,0.5,1,3e-4,0,random,true,", "gpipe,2,4,4,200,0.5,2,0.0003,0,random,true,",
                "gpipe,2,4,4,600,0.5,3,3.0e-04,0.0,random,true,", "1f1b,2,4,4,400,0.5,1,0.0003,0,random,true,",
                "gpipe,2,4,4,500,0.5,1,0.001,0,random,true,",
                "gpipe,2,4,4,501,0.5,1,0.0003,9007199254740993,random,true,",
                "gpipe,2,4,4,502,0.5,1,0.0003,9007199254740992,random,true,",
                "gpipe,2,4,4,503,0.5,1,0.0003,0,T:1,true,",
                "gpipe,2,4,4,504,0.5,1,0.0003,0,t:1,true,", "gpipe,2,4,4,505,0.5,1,0.0003,0,random,false,",
                "gpipe,2,4,4,506,0.5,1,,,,,"))
        #expect(rows.filter { $0["Runs"] == "3" }.map { $0["Tokens per Second"] } == ["200.0"])
        #expect(rows.count == 9 && rows.filter { $0["schedule"] == "1f1b" }.map { $0["Speedup vs GPipe"] } == ["2.0"])
        #expect(Set(rows.map { "\($0["lr"]!) \($0["seed"]!) \($0["data"]!) \($0["timeline"]!)" }).count == 8)
    }

    @Test("runs that start from other weights are groups of their own") func initial() throws {
        let header = "schedule,world_size,layers,heads,tokens_per_s,avg_step_time_s,repeat,init\n"
        let rows = ["1,seed", "1,a:1", "1,a:2", "2,a:1"].map { "gpipe,2,4,4,100,0.5,\($0)\n" }
        let groups = try summary(folder.file("results.csv", Array((header + rows.joined()).utf8)))
        #expect(groups.map { "\($0["init"] ?? "") \($0["Runs"]!)" }.sorted() == ["a:1 2", "a:2 1", "seed 1"])
    }

    @Test("a note counts the rows that were measured while others took the ranks' CPUs, and 2 % is no disturbance")
    func disturbed() throws {
        let path = try csv(
            "gpipe,2,4,4,100,0.5,1,1,0,random,true,0.021", "gpipe,2,4,4,100,0.5,2,1,0,random,true,0.5",
            "gpipe,2,4,4,100,0.5,3,1,0,random,true,0.02", "1f1b,2,4,4,100,0.5,1,1,0,random,true,")
        let notes = try Command.run("analyze", path).output.split(separator: "\n").filter { $0.contains("others took") }
        #expect(notes == ["note: 2 rows measured while others took the ranks' CPUs (disturbance above 0.02)"])
    }

    @Test("a note counts the rows whose ranks a quota stopped") func throttled() throws {
        let header = "schedule,world_size,layers,heads,tokens_per_s,avg_step_time_s,repeat,throttled\n"
        let rows = ["1,0.021", "2,", "3,0.02", "4,0.4"].map { "gpipe,2,4,4,100,0.5,\($0)\n" }
        let path = try folder.file("results.csv", Array((header + rows.joined()).utf8))
        let notes = try Command.run("analyze", path).output.split(separator: "\n").filter { $0.contains("quota") }
        #expect(notes == ["note: 2 rows measured under a quota that stopped the ranks (throttled above 0.02)"])
    }

    @Test("a number that its column does not allow leaves its row out, with its reason") func badNumbers() throws {
        let path = try csv(
            "gpipe,2,4,4,100,0.5,1,fast,0,random,true,", "gpipe,2,4,4,100,0.5,1,1,0.5,random,true,",
            "gpipe,2,4,4,100,0.5,1,1,99999999999999999999,random,true,", "gpipe,2,4,4,100,0.5,1,1,0,random,true,much",
            "gpipe,2,4,4,100,0.5,1,1,0,random,true,7", "gpipe,2,4,4,100,0.5,1,1,0,random,true,-1.5",
            "gpipe,2,4,4,100,0.5,0,1,0,random,true,", "gpipe,2,4,4,100,0.5,1.5,1,0,random,true,",
            "gpipe,2,4,4,100,0.5,1,-1,0,random,true,", "gpipe,2,4,4,100,0.5,1,1,-1,random,true,",
            "gpipe,2,4,4,100,0.5,2147483647,1,9223372036854775807,random,true,1",
            "gpipe,2,4,4,100,0.5,1,1000,0,random,true,-1e-9")
        let outcome = try Command.run("analyze", path)
        let lines = outcome.errorLines.map { String($0.split(separator: "results.csv: ").last!) }
        #expect(
            outcome.code == 0
                && lines == [
                    "row 2: lr is 'fast', not a number from 0 on; left out",
                    "row 3: seed is '0.5', not a whole number from 0 to 9223372036854775807; left out",
                    "row 4: seed is '99999999999999999999', not a whole number from 0 to 9223372036854775807; left out",
                    "row 5: disturbance is 'much', not a number from -1 to 1; left out",
                    "row 6: disturbance is '7', not a number from -1 to 1; left out",
                    "row 7: disturbance is '-1.5', not a number from -1 to 1; left out",
                    "row 8: repeat is '0', not a whole number from 1 to 2147483647; left out",
                    "row 9: repeat is '1.5', not a whole number from 1 to 2147483647; left out",
                    "row 10: lr is '-1', not a number from 0 on; left out",
                    "row 11: seed is '-1', not a whole number from 0 to 9223372036854775807; left out",
                ])
    }

    @Test("a header of more columns than a results CSV can have is refused") func wideHeader() throws {
        let names = ["schedule,world_size,layers,heads,tokens_per_s,avg_step_time_s"] + (0..<5000).map { "c\($0)" }
        let path = try folder.file("results.csv", Array(names.joined(separator: ",").utf8))
        let outcome = try Command.run("analyze", path)
        #expect(outcome.code == 65)
        #expect(outcome.errors.hasSuffix("results.csv: has 5006 columns; a results CSV has at most 4096\n"))
    }

    @Test("a probability of dropout that is none leaves its row out") func badDropout() throws {
        let header = "schedule,world_size,layers,heads,tokens_per_s,avg_step_time_s,dropout"
        let rows = ["0", "0.1", "1", "-0.1", "1e300"].map { "gpipe,2,4,4,100,0.5,\($0)" }
        let path = try folder.file("results.csv", Array(([header] + rows).joined(separator: "\n").utf8))
        let lines = try Command.run("analyze", path).errorLines.map { $0.split(separator: "results.csv: ").last! }
        #expect(
            lines
                == [(4, "1"), (5, "-0.1"), (6, "1e300")].map {
                    "row \($0): dropout is '\($1)', not a number from 0 and below 1; left out"
                })
    }
}
