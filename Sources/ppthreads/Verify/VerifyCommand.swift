// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Threads

/// `ppthreads verify`: every way to run a model against the one-stage run, bit for bit.
enum VerifyCommand {
    static var command: Command {
        Command(
            name: "verify", summary: "compares every schedule, transport and partition with one stage, bit for bit",
            synopsis: """
                Usage: ppthreads verify [flags]

                Trains a model through every schedule, transport, number of ranks and partition that fits, and compares losses,
                gradients and updated weights with the one-stage run, bit for bit. One line each; exit code 70 on any difference.
                A schedule that adds up gradients in another order, such as looped-bfs, is held to rounding. Sizes that a schedule
                has no order for do not fit; a schedule of a file has P and M of its own.
                Without flags: a small decoder and a small gpt, threads and processes, M in 1, 3, 4, 8.
                """, flags: VerifyOptions.flags.map(\.text), run: run)
    }

    private enum Verdict {
        case agrees(BitsPromise, losses: Int, tensors: Int)
        case different(String)
        case unfit(setting: String, String)
    }

    /// Refuses a transport that this program has no means for: each of its runs would not fit.
    private static func check(_ kind: TransportKind) throws(CommandError) {
        do throws(JobError) { _ = try kind.transport.job() } catch {
            throw CommandError(code: .usage, message: "--transport: \(kind.rawValue): \(error)")
        }
    }

    private static func run(_ arguments: [String]) throws(CommandError) {
        var options = VerifyOptions()
        try Flag.parse(arguments, VerifyOptions.flags, into: &options)
        try options.open()
        for kind in options.transports { try check(kind) }
        var (equal, rounded, different, unfit) = (0, 0, 0, 0)
        var settings: Set<String> = []
        for architecture in options.architectures {
            for microbatches in options.allMicrobatches {
                var baselines: [Int: RunResult] = [:]
                let variants = options.replicas.flatMap {
                    options.variants(architecture, microbatches, replicas: $0)
                }
                for variant in variants {
                    switch try judge(variant, &baselines[variant.schedule.microbatches], options) {
                    case .agrees(.asOneStage, let losses, let tensors):
                        equal += 1
                        try Terminal.output(
                            "equal     \(variant): \(counted(losses, "loss", "losses")), \(tensors) gradients and weights"
                        )
                    case .agrees(.toRounding(let reason), let losses, _):
                        rounded += 1
                        try Terminal.output(
                            "rounded   \(variant): \(counted(losses, "loss", "losses")) and their gradients; \(reason)")
                    case .different(let what):
                        different += 1
                        try Terminal.output("DIFFERENT \(variant): \(what)")
                    case .unfit(let setting, let reason):
                        unfit += 1
                        settings.insert(setting)
                        try Terminal.output("no fit    \(variant): \(reason)")
                    }
                }
            }
        }
        let nearly = rounded > 0 ? "\(rounded) equal to rounding, " : ""
        let misfits = counted(unfit, "that does not fit", "that do not fit")
        let summary = "\(equal) equal, \(nearly)\(different) different, \(misfits)"
        if different > 0 { throw CommandError(code: .failed, message: summary) }
        if equal + rounded == 0 {
            let blame = settings.sorted().joined(separator: ", ")
            throw CommandError(code: .usage, message: "\(blame): nothing was compared: \(summary)")
        }
        try Terminal.output(summary)
    }

    /// One stage, one thread: no hand-offs, and microbatches strictly one after the other.
    private static func baseline(
        of variant: VerifyOptions.Variant, _ options: VerifyOptions
    ) throws(CommandError) -> RunResult {
        let alone = VerifyOptions.Variant(
            architecture: variant.architecture,
            schedule: .oneFOneB(ranks: 1, microbatches: variant.schedule.microbatches), ranks: 1, replicas: 1,
            threads: 1,
            transport: .threads, partition: .uniform, recomputes: false)
        let configuration = try options.configuration(alone)
        do throws(RunError) { return try RunPlan(configuration).run() } catch { throw error.commandError }
    }

    /// - Parameter baseline: made for the first variant that fits.
    private static func judge(
        _ variant: VerifyOptions.Variant, _ baseline: inout RunResult?, _ options: VerifyOptions
    ) throws(CommandError) -> Verdict {
        let configuration = try options.configuration(variant)
        let plan: RunPlan
        do throws(RunError) { plan = try RunPlan(configuration) } catch {
            guard case .configuration(let setting, let reason) = error else { throw error.commandError }
            return .unfit(setting: setting, reason)
        }
        if baseline == nil { baseline = try Self.baseline(of: variant, options) }
        do throws(RunError) { return compare(try plan.run(), baseline!) } catch { throw error.commandError }
    }

    private static func compare(_ result: RunResult, _ baseline: RunResult) -> Verdict {
        if let text = result.difference(fromOneStage: baseline) ?? result.differenceOfCopies { return .different(text) }
        return .agrees(
            result.plan.facts.bits, losses: result.losses.count, tensors: 2 * result.plan.parameters.count)
    }
}
