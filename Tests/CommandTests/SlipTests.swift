// SPDX-License-Identifier: Apache-2.0

import Testing
import ppthreads

/// What a mistyped flag or command is taken for, and what is no slip of the hand but another wish.
struct SlipTests {
    static let slips = [
        ("run", "--layres", "--layers"), ("run", "--layer", "--layers"), ("run", "--laayers", "--layers"),
        ("run", "--lauers", "--layers"), ("run", "--stage", "--stages"), ("run", "--satges", "--stages"),
        ("run", "--microbatch", "--microbatches"), ("run", "--dmi", "--dim"), ("run", "--dims", "--dim"),
        ("run", "--DIM", "--dim"),
        ("run", "--ln-layers", "--n-layers"),
        ("run", "--nlayers", "--n-layers"), ("run", "--n_heads", "--n-heads"), ("run", "--n_head", "--n-heads"),
        ("run", "-layers", "--layers"), ("run", "---layers", "--layers"), ("run", "--batchsize", "--batch-size"),
        ("run", "--shcedlue", "--schedule"), ("run", "--optimiser", "--optimizer"),
        ("run", "--measure-stpe", "--measure-steps"),
        ("run", "--sve", "--save"), ("run", "--lrs", "--lr"), ("run", "--seeed", "--seed"),
        ("run", "--tarce", "--trace"), ("run", "--sved", "--seed"), ("run", "--theads", "--threads"),
        ("run", "--virtual-stage=2", "--virtual-stages"), ("sweep", "--repaet", "--repeat"),
        ("sweep", "--ouy", "--out"),
        ("compare", "--trial", "--trials"), ("verify", "--step", "--steps"), ("analyze FILE", "--sumary", "--summary"),
    ]

    static let others = [
        ("run", "--lr-warmup"), ("run", "--logs-of"), ("run", "--lr-decay"), ("run", "--warm"), ("run", "--pages"),
        ("run", "--report"), ("run", "--bin"), ("run", "--gpu"), ("run", "--epochs"), ("run", "--step"),
        ("run", "--rate"), ("run", "--load"), ("run", "--resume"), ("run", "--l"), ("run", "--lt"), ("run", "--x"),
        ("run", "--warmup-ste"),
        ("run", "--"), ("run", "-"), ("run", "--timeout-s"), ("run", "--save-steps"), ("run", "--batch-norm"),
        ("run", "--emit-json"), ("run", "--layout"), ("run", "--data-parallel"), ("run", "--é"), ("sweep", "--report"),
        ("sweep", "--csv"), ("analyze FILE", "--page"), ("analyze FILE", "--pdf"), ("compare", "--table"),
        ("verify", "--strict"),
    ]

    private static func run(_ command: String, _ typed: String) throws -> Command.Outcome {
        try Command.run(command.split(separator: " ").map(String.init) + [typed, "3"])
    }

    @Test("a slip of the hand is put right", arguments: slips) func slip(command: String, typed: String, meant: String)
        throws
    {
        let outcome = try Self.run(command, typed)
        let name = typed.split(separator: "=")[0]
        #expect(outcome.code == 64)
        #expect(
            outcome.errors
                == "ppthreads \(command.prefix { $0 != " " }): unknown flag \(name); did you mean \(meant)?\n")
    }

    @Test("what is merely like a flag, or the start of one, is not taken for it", arguments: others)
    func other(command: String, typed: String) throws {
        let outcome = try Self.run(command, typed)
        #expect(outcome.code == 64)
        #expect(
            outcome.errors
                == "ppthreads \(command.prefix { $0 != " " }): unknown flag \(typed); --help lists those there are\n")
    }

    @Test("of several words the one that takes the fewest edits was meant, wherever it stands") func nearest() {
        // Two edits away, and one.
        let words = ["interval-lists", "interval-list", "interval-limps"]
        #expect(Slip.of("interval-lisp", among: words) == "interval-list")
        #expect(Slip.of("interval-lisp", among: words.reversed()) == "interval-list")
        #expect(Slip.of("interval-lisp", among: ["interval-lists"]) == "interval-lists")
    }

    @Test(
        "commands too",
        arguments: [
            ("rum", "run"), ("runs", "run"), ("swep", "sweep"), ("comapre", "compare"), ("analyse", "analyze"),
            ("verson", "version"), ("hlep", "help"), ("Doctor", "doctor"), ("plans", "plan"), ("train", nil),
            ("bench", nil),
            ("test", nil), ("a", nil), ("ru", "run"), ("r", nil), ("race", "trace"), ("benchmark", nil),
        ])
    func command(typed: String, meant: String?) throws {
        let outcome = try Command.run(typed)
        let hint = meant.map { "did you mean '\($0)'?" } ?? "ppthreads help lists those there are"
        #expect(outcome.code == 64 && outcome.errors == "ppthreads: unknown command '\(typed)'; \(hint)\n")
    }
}
