// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

private let header =
    "schedule,world_size,layers,heads,hidden_dim,microbatches,threads,avg_step_time_s,total_time_s,tokens_per_s,"
    + "timestamp,transport,virtual_stages,work_s,imbalance_s,bubble_s,oversubscription_s,transport_s,optimizer_s,"
    + "repeat,host,cpu,error"

/// A row as `run --emit-csv` and `sweep` write it.
func resultsRow(
    _ schedule: String, ranks: Int = 2, layers: Int = 4, heads: Int = 4, tokens: String = "1000",
    repetition: Int = 1, minute: Int = 0,
    threads: Int = 1, microbatches: Int = 4, transport: String = "threads", host: String = "box", error: String = ""
) -> String {
    let step = error.isEmpty && Double(tokens) ?? 0 > 0 ? "\(512 / Double(tokens)!)" : error.isEmpty ? "0.5" : ""
    let terms = error.isEmpty ? "0.2,0.05,0.1,0,0.1,0.05" : ",,,,,"
    let time = "2026-01-01T00:\(minute < 10 ? "0" : "")\(minute):00Z"
    return
        "\(schedule),\(ranks),\(layers),\(heads),240,\(microbatches),\(threads),\(step),\(step),\(error.isEmpty ? tokens : ""),"
        + "\(time),\(transport),1,\(terms),\(repetition),\(host),cpu,\(error)"
}

extension Folder {
    /// A file of such rows.
    func csv(_ rows: String...) throws -> String { try csv(rows) }

    func csv(_ rows: [String]) throws -> String {
        try file("results.csv", Array(([header] + rows).joined(separator: "\n").utf8))
    }
}

/// Has the command analyze a file that it can use.
func analyze(_ path: String, _ flags: String...) throws -> Command.Outcome {
    let outcome = try Command.run(["analyze", path] + flags)
    #expect(outcome.code == 0, "\(outcome.errors)")
    return outcome
}
