// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A benchmark that could not be run or whose results do not hold: one line, one exit code.
struct BenchmarkError: Error {
    let code: Int32
    let message: String

    static func usage(_ message: String) -> BenchmarkError { BenchmarkError(code: 64, message: message) }
    static func failed(_ message: String) -> BenchmarkError { BenchmarkError(code: 70, message: message) }
}

/// How much to measure.
struct Effort {
    /// Times that each candidate gets its turn.
    var rounds = 11
    /// Samples of each size and noise, or tables of comparisons, that `coverage` draws.
    var samples = 10_000
    /// Whole comparisons that `null` makes.
    var compares = 200
    /// Of each of them.
    var trials = 5
    /// Orders that each search of `search` may try.
    var evaluations = 100_000
    /// The one that `disturb` makes, by its name; nil for all.
    var only: String?
    /// A few seconds in all: shows that the benchmark works, not what it measures.
    var isShort = false
}

@main
struct Main {
    static let help = """
        Usage: ppthreads-bench NAME [flags] [--short]

          pipeline  P = 2 over P = 1 at M = 8, and processes over threads, on the reference workload
          ring      hand-offs through rings, threads and processes, beside the bare cache line, sockets and pipes
          handoff   what a hand-off costs against its size, for each transport; started by mpirun with two processes, those of MPI
          predict   runs that were predicted from what the model's units take, beside what they took (ten minutes with --rounds 3)
          growth    the step against M, layers, dim, sequence and vocabulary (four minutes with --rounds 3)
          faults    known faults, and the terms of the breakdown that they show in
          disturb   quotas, loops, stops and others that take CPU time, and the terms that they show in (--rounds 3: an hour and
                    a half; quotas and real time take root; --only NAME, such as nothing, which is left alone: two minutes a round)
          timeline  what timing every task costs
          memory    planned against measured memory of forty runs; fails beyond 2 % and 2 MiB (two minutes)
          kernels   matrix products: share of the peak of a core, and against OpenBLAS when there
          coverage  simulated: how often intervals hold the true figure, and how often tables show a false difference
                    (--samples N of each kind, default 10000)
          search    orders that are looked for, beside the best named one and what none is shorter than: forty problems
                    (--evaluations N of each, default 100000: half a minute)
          simulate  ten thousand small steps that are worked out, and one of 1024 ranks and 8192 microbatches (a quarter of a minute)
          null      real: 1F1B against Interleaved-1F1B with one stage a rank, which are the same order: how often compare
                    sees a difference (--compares N, default 200, of --trials N, default 5)

        Candidates take turns, --rounds times (default 11); ratios are taken within a round, and their median and quartiles
        are reported. --short takes seconds and shows only that everything runs.
        """

    static func main() {
        do throws(BenchmarkError) {
            try run(Array(CommandLine.arguments.dropFirst()))
        } catch {
            let line = Array("ppthreads-bench: \(error.message)\n".utf8)
            _ = unsafe write(STDERR_FILENO, line, line.count)
            exit(error.code)
        }
    }

    private static func run(_ arguments: [String]) throws(BenchmarkError) {
        var rest = arguments[...]
        let name = rest.popFirst() ?? "--help"
        let effort = try effort(&rest, of: name)
        switch name {
        case "pipeline": try PipelineBenchmark(effort).run()
        case "ring": try RingBenchmark(effort).run()
        case "handoff": try HandoffBenchmark(effort).run()
        case "predict": try PredictionBenchmark(effort).run()
        case "growth": try GrowthBenchmark(effort).run()
        case "faults": try FaultBenchmark(effort).run()
        case "disturb": try DisturbBenchmark(effort).run()
        case "timeline": try TimelineBenchmark(effort).run()
        case "memory": try MemoryBenchmark(effort).run()
        case "kernels": try KernelBenchmark(effort).run()
        case "coverage": CoverageBenchmark(effort).run()
        case "search": try SearchBenchmark(effort).run()
        case "simulate": try SimulationBenchmark(effort).run()
        case "null": try NullBenchmark(effort).run()
        case "--help", "-h", "help": print(help)
        default:
            throw .usage(
                "unknown benchmark '\(name)'; allowed: pipeline, ring, handoff, predict, growth, faults, disturb, timeline, memory, kernels, "
                    + "coverage, search, simulate, null")
        }
    }

    private struct Count {
        let flag: String
        let most: Int
        let effort: WritableKeyPath<Effort, Int>
    }

    private static func counts(of name: String) -> [Count] {
        switch name {
        case "coverage": [Count(flag: "--samples", most: 10_000_000, effort: \.samples)]
        case "search": [Count(flag: "--evaluations", most: 1_000_000_000, effort: \.evaluations)]
        case "null":
            [
                Count(flag: "--compares", most: 100_000, effort: \.compares),
                Count(flag: "--trials", most: 1000, effort: \.trials),
            ]
        default: [Count(flag: "--rounds", most: 1000, effort: \.rounds)]
        }
    }

    private static func effort(_ arguments: inout ArraySlice<String>, of name: String) throws(BenchmarkError) -> Effort
    {
        var effort = Effort()
        let counts = counts(of: name)
        while let flag = arguments.popFirst() {
            if flag == "--short" {
                effort.isShort = true
                (effort.rounds, effort.samples, effort.compares) = (2, 500, 3)
            } else if flag == "--only", name == "disturb", let text = arguments.popFirst() {
                effort.only = text
            } else if let count = counts.first(where: { $0.flag == flag }) {
                guard let text = arguments.popFirst(), let number = Int(text), (1...count.most).contains(number) else {
                    throw .usage("\(flag): a whole number from 1 to \(count.most) is needed")
                }
                effort[keyPath: count.effort] = number
            } else {
                let allowed = counts.map { "\($0.flag) N" } + (name == "disturb" ? ["--only NAME"] : []) + ["--short"]
                throw .usage("unknown flag \(flag); allowed: \(allowed.joined(separator: ", "))")
            }
        }
        return effort
    }
}
