// SPDX-License-Identifier: Apache-2.0

import Pipeline

extension RunOptions {
    /// The files that a run reads.
    var inputs: [(flag: String, path: String)] {
        var inputs: [(String, String)] = []
        if let path = schedule.path { inputs.append(("--schedule", path)) }
        if let path = partition.path { inputs.append(("--partition", path)) }
        if let data { inputs.append(("--data", data)) }
        if let initial { inputs.append(("--init", initial)) }
        if case .library(let path) = gemm { inputs.append(("--gemm", path)) }
        return inputs
    }

    /// The flags with these names, each its flag's first one, for options that hold a run's.
    static func flags<Outer>(_ names: [String], within path: WritableKeyPath<Outer, RunOptions>) -> [Flag<Outer>] {
        flags.filter { names.contains($0.names[0]) }.map { $0.within(path) }
    }

    /// The same model without a pipeline: what scaling efficiency is measured against.
    var oneStage: RunOptions {
        var options = under(.kind(.gpipe))
        (options.stagesAskedFor, options.microbatchesAskedFor) = (1, microbatches * replicas)
        options.replicas = 1
        (options.transport, options.partition) = (.threads, .uniform)
        options.network = NetworkOptions()
        return options
    }

    /// The run on paper. Reads and checks the files that it needs.
    func plan() throws(CommandError) -> RunPlan {
        let configuration = try configuration()
        do throws(RunError) { return try RunPlan(configuration) } catch { throw error.commandError }
    }
}
