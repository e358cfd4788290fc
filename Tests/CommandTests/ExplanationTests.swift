// SPDX-License-Identifier: Apache-2.0

import Testing
import ppthreads

@Suite("words are explained below the report") struct ExplanationTests {
    private let tiny = [
        "--layers", "2", "--heads", "2", "--dim", "16", "--ffn", "24", "--vocab-size", "31", "--seq-len", "6",
        "--batch", "4", "--warmup", "0", "--measure", "1",
    ]

    /// The words of the last block of a report, which are terms.
    private func words(_ arguments: [String]) throws -> [String] {
        let outcome = try Command.run(arguments)
        #expect(outcome.code == 0, "\(outcome.errors)")
        let block = outcome.output.split(separator: "\n\n", omittingEmptySubsequences: false).last ?? ""
        return block.split(separator: "\n").map { line in
            Term.allCases.first { line.hasPrefix("\($0.name)  ") && line.hasSuffix("  \($0.meaning)") }?.name ?? "?"
        }
    }

    @Test("those of its tables, each once, and P, v and M") func report() throws {
        let run = try words(["run", "--explain"] + tiny)
        #expect(!run.contains("?") && Set(run).count == run.count)
        #expect(run.starts(with: ["P", "M"]) && !run.contains("v") && !run.contains("makespan"))
        for word in ["imbalance", "bubble", "displaced", "slept for", "in flight"] { #expect(run.contains(word)) }
        let two = ["run", "--explain", "--schedule", "interleaved", "--stages", "1", "--virtual-stages", "2"] + tiny
        #expect(try words(two).contains("v"))
        let compared = try words(["compare", "--explain", "--trials", "1", "--transport", "threads"] + tiny)
        #expect(!compared.contains("?") && compared.contains("x GPipe") && compared.contains("asleep"))
        let drawn = try words(["schedule", "1f1b", "--explain"])
        #expect(drawn.contains("bound") && drawn.contains("makespan") && drawn.contains("in flight"))
    }

    @Test("all of them are in help words, and a report is as it was without the flag") func all() throws {
        let lines = try Command.run("help", "words").output.split(separator: "\n")
        #expect(lines.count == Term.allCases.count)
        for (line, term) in zip(lines, Term.allCases) {
            #expect(line.hasPrefix("\(term.name)  ") && line.hasSuffix("  \(term.meaning)"))
        }
        let plain = try Command.run("schedule", "gpipe")
        #expect(try Command.run("schedule", "gpipe", "--explain").output.hasPrefix(plain.output.dropLast()))
        #expect(try Command.run("help", "run").output.contains("\n  microbatch"))
    }

    @Test(
        "it does not go with other forms of the report",
        arguments: [
            ("run", "--json"), ("run", "--emit-csv"), ("compare", "--json"), ("compare", "--csv"),
            ("schedule 1f1b", "--json"), ("schedule all", "--html=x"),
        ])
    func clash(command: String, flag: String) throws {
        let outcome = try Command.run(command.split(separator: " ").map(String.init) + ["--explain", flag])
        let name = command.prefix { $0 != " " }
        #expect(outcome.code == 64)
        #expect(
            outcome.errors
                == "ppthreads \(name): --explain: cannot be given together with \(flag.prefix { $0 != "=" })\n")
    }
}
