// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Runs on a CPU that another program takes half of.
struct DisturbedRunsTests {
    private let folder: Folder
    private let cpu: String
    private let hog: Command.Running

    init() throws {
        folder = try Folder()
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        cpu = String(try #require(status.firstMatch(of: /Cpus_allowed_list:\s*(\d+)/)).1)
        // A run that never ends, killed with the value.
        hog = try Command.Running(
            ["run", "--stages", "1", "--pin", cpu, "--measure", "1000000", "--no-timeline"] + smallest.dropLast(2))
        let deadline = Date.now.addingTimeInterval(20)
        while try hogsTicks() < 5 && Date.now < deadline { usleep(10_000) }
        #expect(hog.process.isRunning)
    }

    /// CPU time of the other program.
    private func hogsTicks() throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(hog.process.processIdentifier)/stat", encoding: .utf8)
        return Int(text.split(separator: ")").last!.split(separator: " ")[11]) ?? 0
    }

    /// Steps longer than the turns that the system gives programs on one CPU.
    private static let model = [
        "--layers", "2", "--heads", "1", "--dim", "64", "--vocab-size", "50", "--seq-len", "64", "--batch", "8",
        "--schedule", "gpipe", "--warmup", "0", "--measure", "3",
    ]

    @Test("a sweep measures a disturbed run thrice, and its row, its line and a note tell") func sweep() throws {
        let out = folder.path("results.csv")
        let command = ["sweep", "--out", out, "--no-baseline", "--pin", cpu, "--stages", "1"] + Self.model
        let outcome = try Command.run(command)
        #expect(outcome.code == 0, "\(outcome.errors)")
        let row = try #require(try SweepFileContents(out).rows.first)
        #expect(row["tries"] == "3" && (0.05..<1).contains(Double(row["disturbance"]!)!), "\(row)")
        #expect(outcome.output.contains(/tokens\/s  decoder .* uniform; measured 3 times, DISTURBED: .* % of the/))
        #expect(outcome.output.contains("note: 1 run is disturbed: "))
        // It is not measured again when the sweep goes on, and not forgotten.
        let again = try Command.run(command)
        #expect(again.output.contains("note: 1 run is disturbed: ") && again.output.contains(" 1 were there before"))
        let analysis = try Command.run(["analyze", out]).output
        #expect(analysis.contains("note: 1 row measured while others took the ranks' CPUs"))
    }

    @Test("where ranks share a CPU, or nothing is timed, nothing is told and nothing measured again")
    func untold() throws {
        for flags in [["--stages", "2", "--pin", cpu], ["--stages", "1", "--pin", cpu, "--no-timeline"]] {
            let out = folder.path("\(flags.count).csv")
            let outcome = try Command.run(["sweep", "--out", out, "--no-baseline"] + flags + Self.model)
            #expect(outcome.code == 0 && !outcome.output.contains("isturbed"), "\(outcome.errors)")
            let row = try #require(try SweepFileContents(out).rows.first)
            #expect(row["tries"] == "1" && row["disturbance"] == "", "\(row)")
        }
    }

    @Test("a comparison measures a disturbed run thrice in its round, and table, JSON and page tell") func compare()
        throws
    {
        let page = folder.path("page.html")
        let flags = ["--pin", cpu, "--stages", "1", "--transport", "threads", "--trials", "1", "--html", page]
        let report = try Command.json(["compare"] + flags + Self.model)
        let row = try #require((report["rows"] as? [[String: Any]])?.first)
        #expect(row["tries"] as? Int == 3 && row["disturbed_trials"] as? Int == 1)
        let note =
            "runs were measured 4 times more for that, and 1 of GPipe on threads, 1 of one stage stayed DISTURBED"
        #expect((report["notes"] as? [String])?.contains { $0.contains(note) } == true, "\(report["notes"] ?? "")")
        #expect(try String(contentsOfFile: page, encoding: .utf8).contains(note))
        let table = try Command.run(["compare"] + flags + Self.model).output
        #expect(table.split(separator: "\n").contains { $0.hasPrefix("note: ") && $0.contains(note) })
    }

    @Test(
        "where ranks share a CPU, one stage is not measured again either, no count is told, and the CSV's notes say why"
    )
    func sharedInComparison() throws {
        let flags = ["--pin", cpu, "--stages", "2", "--transport", "threads", "--trials", "1"]
        let lines = try Command.run(["compare", "--csv"] + flags + Self.model).output.split(separator: "\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        for line in lines.dropFirst() {
            let row = Dictionary(uniqueKeysWithValues: zip(lines[0], line))
            #expect(row.count == line.count && row["tries"] == "1" && row["disturbed_trials"] == "")
            #expect(row["notes"]?.hasPrefix("2 of 2 ranks share CPU \(cpu) round-robin; all waits sleep") == true)
        }
        let report = try Command.json(["compare"] + flags + Self.model)
        let rows = try #require(report["rows"] as? [[String: Any]])
        #expect(!rows.isEmpty && rows.allSatisfy { $0["disturbed_trials"] is NSNull })
        #expect((report["notes"] as? [String])?.contains { $0.contains("DISTURBED") } == false)
    }
}
