// SPDX-License-Identifier: Apache-2.0

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
}
