import Testing

struct BenchmarkTests {
    @Test(
        "every benchmark runs to its end and prints its figures",
        arguments: [
            ("pipeline", "processes over threads"), ("ring", "rings of 16, processes"), ("kernels", "GFLOP/s"),
            ("growth", "for x"), ("faults", "gain over expectation"),
            ("timeline", "so the timeline takes"),
        ])
    func shortRun(name: String, figure: String) throws {
        let outcome = try Command.run([name, "--short"], executable: "ppthreads-bench")
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(outcome.errors.isEmpty)
        #expect(outcome.output.contains(figure))
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
            (["rings"], "unknown benchmark 'rings'; allowed: pipeline, ring, growth, faults, timeline, kernels"),
            (["ring", "--rounds", "0"], "--rounds: a whole number from 1 to 1000 is needed"),
            (["ring", "--fast"], "unknown flag --fast; allowed: --rounds N, --short"),
        ] {
            let outcome = try Command.run(arguments, executable: "ppthreads-bench")
            #expect(outcome.code == 64)
            #expect(outcome.errors == "ppthreads-bench: \(line)\n")
        }
    }
}
