// SPDX-License-Identifier: Apache-2.0

import Foundation
import Pipeline
import Testing
import Threads
import ppthreads

/// What `run` tells of a run whose times are made up: the figures are those of `Data/made_up_run.py`, which knows nothing of
/// the program, and no two of them are equal.
struct MadeUpRunTests {
    private let figures: RunFigures
    private let notes: RunNotes
    private let row: ResultRow

    init() throws {
        figures = try MadeUpRun.figures()
        var options = RunOptions()
        options.model.architecture = .gpt
        notes = RunNotes(figures, options)
        row = try ResultRow(try MadeUpRun.plan(), by: ResultRow.Program(version: "9.8.7", commit: "c0ffee"))
            .measured(figures)
    }

    /// Whether two values of JSON are the same, numbers but for rounding.
    private func isSame(_ found: Any?, _ expected: Any?) -> Bool {
        if let a = MadeUpRun.number(found), let b = MadeUpRun.number(expected) {
            return abs(a - b) <= 1e-9 * max(abs(b), 1e-6)
        }
        switch (found, expected) {
        case (let found as String, let expected as String): return found == expected
        case (let found as [Any], let expected as [Any]):
            return found.count == expected.count && zip(found, expected).allSatisfy { isSame($0, $1) }
        case (let found as [String: Any], let expected as [String: Any]):
            return Set(found.keys) == Set(expected.keys) && expected.allSatisfy { isSame(found[$0.key], $0.value) }
        default: return found is NSNull && expected is NSNull
        }
    }

    /// Whether a cell of the CSV tells a value of JSON.
    private func isSame(cell: String?, _ expected: Any) -> Bool {
        guard let cell else { return false }
        if let text = expected as? String { return cell == text }
        if ["true", "false"].contains(cell) { return MadeUpRun.number(expected) == (cell == "true" ? 1 : 0) }
        return isSame(Double(cell), expected)
    }

    @Test("the JSON has every setting and figure under its key") func json() throws {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        let data = try encoder.encode(RunJSON(row, figures, notes))
        let found = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let expected = try MadeUpRun.expected("settings").merging(MadeUpRun.expected("figures")) { $1 }
        for (key, value) in expected {
            #expect(isSame(found[key], value), "\(key): \(found[key] ?? "-"), not \(value)")
        }
        // What this machine and this moment decide.
        let others = Set(found.keys).subtracting(expected.keys)
        #expect(
            others == [
                "simd", "timestamp", "host", "cpu", "os_cpus", "version", "commit", "memory_kinds",
                "memory_planned_bytes",
            ])
        #expect(found["version"] as? String == "9.8.7" && found["commit"] as? String == "c0ffee")
    }

    @Test("each rank's host is told where processes of a job run the ranks, not that of one who looks on") func hosts()
        throws
    {
        let hosts = ["north", "south", "west"].enumerated().map {
            JobHost(name: $0.element, first: $0.offset, clock: $0.element, cpus: [0])
        }
        let figures = try MadeUpRun.figures(transport: EchoTransport(own: EchoJob(hosts: hosts)))
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        let data = try encoder.encode(RunJSON(row, figures, RunNotes(figures, RunOptions())))
        let found = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        #expect(found["hosts"] as? [String] == ["north", "south"])
    }

    @Test("the CSV has every setting and figure in its column, and nothing where nothing is known") func csv() throws {
        #expect(row.text.hasPrefix("\(ResultRow.header)\n1f1b,2,3,6,192,40,12,3,1,"))
        var found = Dictionary(uniqueKeysWithValues: zip(ResultRow.names, row.values))
        let names = ["stages": "world_size", "dim": "hidden_dim", "step_s_mean": "avg_step_time_s"]
        let columns = Set(ResultColumn.all.map(\.name))
        var expected = try MadeUpRun.expected("settings").merging(MadeUpRun.expected("figures")) { $1 }
        for (key, name) in names { expected[name] = expected.removeValue(forKey: key) }
        expected = try expected.filter { columns.contains($0.key) }.merging(MadeUpRun.expected("row")) { $1 }
        for (name, value) in expected {
            let cell = found.removeValue(forKey: name)
            #expect(isSame(cell: cell, value), "\(name): \(cell ?? "-"), not \(value)")
        }
        let machine = try Machine.current()
        let rest = [
            "simd": "portable", "data": "random", "group_size": "", "replicas": "", "injected_link": "", "repeat": "1",
            "throttled": "",
            "version": "9.8.7",
            "commit": "c0ffee",
            "format": "7", "error": "", "memory_total_bytes": "", "host": machine.host ?? "",
            "os_cpus": "\(machine.topology.cpus.count)",
            "memory_planned_bytes": "\(figures.memory.plan.ranks.map(\.total).max()!)",
        ]
        for (name, value) in rest { #expect(found.removeValue(forKey: name) == value, "\(name)") }
        #expect(Set(found.keys) == ["timestamp", "cpu"])
        #expect(found["timestamp"]?.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/) != nil)
    }

    @Test("the table has every figure in its place, and the notes") func table() throws {
        let memory = try #require(
            RunTable(figures, notes, memory: false).text.split(separator: "\n").first { $0.hasPrefix("memory ") })
        let expected = try MadeUpRun.text("made_up_run.table").replacing("memory     MEMORY", with: memory)
        #expect(RunTable(figures, notes, memory: false).text + "\n" == expected)
        #expect(memory.hasSuffix(" planned (all processes); the system does not tell what is held"))
    }

    @Test("the typical step is the one in the middle by its length, and the measured time goes from release to end")
    func typicalStep() throws {
        let expected = try MadeUpRun.expected("typical")
        let typical = try #require(figures.timed).typicalStep.times.seconds
        #expect(isSame(typical, expected["seconds"]))
        #expect(isSame(figures.result.measuredSeconds, expected["measured_seconds"]))
        #expect(figures.timed?.firstStep == 1)
    }

    @Test(
        "what is expected is what the scripts work out", .enabled(if: Python.isThere),
        arguments: [
            ("made_up_run.py", [], "made_up_run.json"), ("made_up_table.py", [], "made_up_run.table"),
            ("made_up_results.py", ["work"], "made_up_results.json"),
        ] as [(String, [String], String)])
    func scripts(name: String, arguments: [String], file: String) throws {
        let script = try Python.run("Data/\(name)", arguments)
        #expect(script.code == 0 && script.errors.isEmpty, "\(script.errors)")
        #expect(try script.output == MadeUpRun.text(file))
    }
}
