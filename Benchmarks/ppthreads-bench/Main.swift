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
    /// A few seconds in all: shows that the benchmark works, not what it measures.
    var isShort = false
}

@main
struct Main {
    static let help = """
        Usage: ppthreads-bench NAME [--rounds N] [--short]

          pipeline  P = 2 over P = 1 at M = 8, and processes over threads, on the reference workload
          ring      hand-offs through rings, threads and processes, beside the bare cache line, sockets and pipes
          growth    the step against M, layers, dim, sequence and vocabulary (four minutes with --rounds 3)
          faults    known faults, and the terms of the breakdown that they show in
          timeline  what timing every task costs
          memory    planned against measured memory of forty runs; fails beyond 2 % and 2 MiB (two minutes)
          kernels   matrix products: share of the peak of a core, and against OpenBLAS when there

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
        let effort = try effort(&rest)
        switch name {
        case "pipeline": try PipelineBenchmark(effort).run()
        case "ring": try RingBenchmark(effort).run()
        case "growth": try GrowthBenchmark(effort).run()
        case "faults": try FaultBenchmark(effort).run()
        case "timeline": try TimelineBenchmark(effort).run()
        case "memory": try MemoryBenchmark(effort).run()
        case "kernels": try KernelBenchmark(effort).run()
        case "--help", "-h", "help": print(help)
        default:
            throw .usage(
                "unknown benchmark '\(name)'; allowed: pipeline, ring, growth, faults, timeline, memory, kernels")
        }
    }

    private static func effort(_ arguments: inout ArraySlice<String>) throws(BenchmarkError) -> Effort {
        var effort = Effort()
        while let flag = arguments.popFirst() {
            switch flag {
            case "--short":
                effort.isShort = true
                effort.rounds = 2
            case "--rounds":
                guard let text = arguments.popFirst(), let rounds = Int(text), (1...1000).contains(rounds) else {
                    throw .usage("--rounds: a whole number from 1 to 1000 is needed")
                }
                effort.rounds = rounds
            default: throw .usage("unknown flag \(flag); allowed: --rounds N, --short")
            }
        }
        return effort
    }
}
