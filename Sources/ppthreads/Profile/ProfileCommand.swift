// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Threads

/// `ppthreads profile`: what a model's units take on this machine.
enum ProfileCommand {
    struct Options {
        var run = RunOptions()
        var transports: [TransportKind] = [.threads, .processes, .unix, .sockets]
        var rounds = 3
        var out: String?

        static let standard = Options()

        static var flags: [Flag<Options>] {
            RunOptions.flags(
                [
                    "--stages", "--microbatches", "--batch-size", "--threads", "--pin", "--simd", "--gemm", "--arch",
                    "--n-layers", "--n-heads", "--dim", "--ffn", "--vocab-size", "--seq-len", "--dropout", "--timeout",
                ], within: \.run) + [
                    .choices(
                        "--transport", set: \.transports, standard: standard,
                        help: "whose hand-offs are measured; units are measured on the first"),
                    .number(
                        "--rounds", set: \.rounds, in: 1...1000, standard: standard,
                        help: "turns of steps with whole backwards and with halves"),
                    .path("--out", set: \.out, help: "write the costs as JSON (- is standard output)"),
                ]
        }
    }

    static var command: Command {
        Command(
            name: "profile", summary: "measures what a model's units and hand-offs take, for simulate and plan",
            synopsis: """
                Usage: ppthreads profile [flags]

                Measures F, I, W and B of every unit of a model at a microbatch's shape, packing, updates and hand-offs of each
                transport, with how much each varies: in real steps of a pipeline whose stages are single units, so that caches are as
                warm, and memory as contended, as in a run. About ten seconds for the reference workload. --out keeps the costs
                for `ppthreads simulate --costs FILE`.
                """, flags: Options.flags.map(\.text), terms: [.unit, .microbatch, .packing, .handOff], run: run)
    }

    private static func run(_ arguments: [String]) throws(CommandError) {
        var options = Options()
        try Flag.parse(arguments, Options.flags, into: &options)
        var files = CommandFiles()
        for input in options.run.inputs { try files.read(input.flag, input.path) }
        let out = try files.write("--out", options.out)
        let costs = try measure(options)
        var attempts = Attempts("profile")
        attempts.attempt { () throws(CommandError) in try files.report(CostsTable(costs).text) }
        if let out { attempts.write { () throws(DataError) in try out.write(text: costs.text) } }
        try attempts.finish()
    }

    private static func measure(_ options: Options) throws(CommandError) -> CostsFile {
        var run = options.run
        run.transport = options.transports[0]
        let configuration = try run.configuration()
        do throws(RunError) {
            return try Profile(
                configuration, transports: options.transports.dropFirst().map(\.transport), rounds: options.rounds
            ).file
        } catch {
            throw error.commandError
        }
    }
}
