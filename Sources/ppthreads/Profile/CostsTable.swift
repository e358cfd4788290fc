// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// Measured costs for a person.
struct CostsTable {
    private let file: CostsFile

    init(_ file: CostsFile) { self.file = file }

    var text: String {
        let lines = [title, "", units.text, "", update]
        return (lines + (file.links.contains { $0.handoff.samples > 0 } ? ["", links.text] : [])).joined(
            separator: "\n")
    }

    private var title: String {
        let settings = file.workload.settings.map { "\($0.flag) \($0.value)" }.joined(separator: ", ")
        return "on \(file.machine), \(counted(file.workload.ranks, "rank")) at work: \(settings)"
    }

    private var units: TextTable {
        let header = ["unit, ms of a microbatch", "F", "I", "W", "B", "packing"]
        let rows = file.units.map { unit in
            [unit.name]
                + [unit.forward, unit.inputGradient, unit.weightGradient, unit.backward, unit.packing].map(
                    \.milliseconds)
        }
        return TextTable([header] + rows, leading: 1)
    }

    private var update: String {
        "update  \((file.updateOfParameter.median * 1e9).fixed(3)) ns a parameter, \(file.updateOfParameter.spreadText)"
    }

    private var links: TextTable {
        let header = ["hand-offs of", "us", "of bytes", "ns a byte more"]
        let rows = file.links.map { link in
            [
                link.transport, "\((link.handoff.median * 1e6).fixed(2)) \(link.handoff.spreadText)",
                link.bytes.grouped,
                (link.secondsPerByte * 1e9).fixed(4),
            ]
        }
        return TextTable([header] + rows, leading: 1)
    }
}

extension CostsFile.Measured {
    /// As in `1.234 ±2 %`.
    fileprivate var milliseconds: String { samples == 0 ? "-" : "\((median * 1000).fixed(3)) \(spreadText)" }
    /// Half of the distance between the quartiles, in percent of the median.
    fileprivate var spreadText: String { "±\((spread * 50).fixed(0)) %" }
}
