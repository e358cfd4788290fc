// SPDX-License-Identifier: Apache-2.0

import Testing

struct BenchmarkTests {
    @Test(
        "every benchmark runs to its end and prints its figures",
        arguments: [
            ("pipeline", "processes over threads"), ("ring", "rings of 16, processes"), ("kernels", "GFLOP/s"),
            ("handoff", "unix: latency "), ("predict", "1 run: error of the step "),
            ("growth", "for x"), ("faults", "gain over expectation"),
            ("disturb", " cells, "),
            ("timeline", "so the timeline takes"), ("coverage", "8 ratios, 500 tables of each kind"),
            ("search", "evaluations/s; makespan "),
            ("simulate", "1F1B of P=64, M=128: "),
            ("null", "of 3 compares"),
            ("memory", "planned against measured memory, 40 runs: off by "),
        ])
    func shortRun(name: String, figure: String) throws {
        let outcome = try Command.run([name, "--short"], executable: "ppthreads-bench")
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(outcome.errors.isEmpty)
        #expect(outcome.output.contains(figure))
    }

    @Test("simulated intervals hold the truth in 95 of 100 samples, and tables show few false differences")
    func simulated() throws {
        let outcome = try Command.run(["coverage", "--samples", "2000", "--short"], executable: "ppthreads-bench")
        let tables = outcome.output.split(separator: "\n\n").map { table in
            table.split(separator: "\n").compactMap { line in
                line.firstMatch(of: #/^(.{14}) +([\d.]+) +([\d.]+)$/#).flatMap { match in
                    match.2.hasPrefix("n") ? nil : [Double(match.2)!, Double(match.3)!]
                }
            }
        }.filter { !$0.isEmpty }
        #expect(tables.count == 5 && tables.allSatisfy { $0.count == 10 })
        // Three standard errors of 2000 draws beside what is promised.
        #expect(tables[0].joined().allSatisfy { (93.0 - 1.7...97.0 + 1.2).contains($0) })
        #expect(tables.dropFirst().joined().joined().allSatisfy { $0 <= 5 + 1.5 })
    }

    @Test("every table of ring starts with the bare cache line, and sockets and pipes stand beside it")
    func ringTables() throws {
        let outcome = try Command.run(["ring", "--short"], executable: "ppthreads-bench")
        let tables = outcome.output.split(separator: "\n\n")
        #expect(tables.count == 5)
        for table in tables {
            let lines = table.split(separator: "\n")
            #expect(lines[0].contains("2 rounds") && lines[1].hasPrefix("bare cache line, threads"))
        }
        #expect(outcome.output.contains("ns apart, there and back"))
        for (table, rows) in zip(tables, [11 + 3, 2, 10 + 3, 10 + 3, 2]) {
            #expect(table.matches(of: #/x[0-9.]+ \[[0-9.]+, [0-9.]+\]/#).count == rows)
        }
        for name in ["Unix socket", "TCP", "pipe"] {
            #expect(outcome.output.matches(of: try Regex("\n\(name), processes")).count == 3)
        }
        #expect(outcome.output.matches(of: #/p50 .+, p99 .+, max/#).count == 3 + 2)
    }

    @Test("the matrix products have one checksum at every run, and it is not 0") func checksum() throws {
        func checksums() throws -> [Substring] {
            let outcome = try Command.run(["kernels", "--short"], executable: "ppthreads-bench")
            return outcome.output.split(separator: "\n").filter { $0.hasPrefix("checksum") }
        }
        let first = try checksums()
        #expect(first.count == 2 && !first.contains("checksum 0.0"))
        #expect(try checksums() == first)
    }

    @Test("wrong usage is told in one line") func wrongUsage() throws {
        for (arguments, line) in [
            (
                ["rings"],
                "unknown benchmark 'rings'; allowed: pipeline, ring, handoff, predict, growth, faults, disturb, timeline, memory, "
                    + "kernels, coverage, search, simulate, null"
            ),
            (["null", "--rounds", "5"], "unknown flag --rounds; allowed: --compares N, --trials N, --short"),
            (["coverage", "--samples", "0"], "--samples: a whole number from 1 to 10000000 is needed"),
            (["ring", "--rounds", "0"], "--rounds: a whole number from 1 to 1000 is needed"),
            (["ring", "--fast"], "unknown flag --fast; allowed: --rounds N, --short"),
        ] {
            let outcome = try Command.run(arguments, executable: "ppthreads-bench")
            #expect(outcome.code == 64)
            #expect(outcome.errors == "ppthreads-bench: \(line)\n")
        }
    }
}
