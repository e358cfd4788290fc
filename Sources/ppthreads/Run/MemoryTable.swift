// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor

/// The memory of a run for a person: a line for each rank, a column for each kind of memory that some rank has, as planned;
/// then what was measured.
struct MemoryTable {
    private let figures: MemoryFigures

    init(_ figures: MemoryFigures) { self.figures = figures }

    /// In a line.
    static func brief(_ figures: MemoryFigures) -> String {
        let planned = ByteCount(figures.plan.totalBytes)
        guard let measured = figures.measuredTotalBytes else {
            return "\(planned) planned (all processes); the system does not tell what is held"
        }
        return "\(planned) planned, \(ByteCount(measured)) measured (all processes, after the last step)"
    }

    var text: String {
        let accounts = figures.plan.ranks + [figures.plan.supervisor].compactMap(\.self)
        let kinds = MemoryKind.allCases.filter { kind in accounts.contains { $0[kind] > 0 } }
        let header = ["memory, MiB"] + kinds.map(\.label) + ["planned", "measured", "difference"]
        func row(_ name: String, _ account: MemoryAccount, _ measured: Int?) -> [String] {
            [name] + kinds.map { mebibytes(account[$0]) } + comparison(account.total, measured)
        }
        let ranks = figures.plan.ranks.enumerated().map { rank, account in
            row("rank \(rank)", account, figures.measuredBytesOfRank?[rank])
        }
        let supervisor = figures.plan.supervisor.map { row("supervisor", $0, figures.measuredBytesOfSupervisor) }
        let sums = kinds.map { kind in mebibytes(accounts.reduce(0) { $0 + $1[kind] }) }
        let all = ["all"] + sums + comparison(figures.plan.totalBytes, figures.measuredTotalBytes)
        return TextTable([header] + ranks + [supervisor].compactMap(\.self) + [all], leading: 1).text
    }

    private func comparison(_ planned: Int, _ measured: Int?) -> [String] {
        guard let measured else { return [mebibytes(planned), "unknown", "unknown"] }
        return [mebibytes(planned), mebibytes(measured), mebibytes(measured - planned)]
    }

    private func mebibytes(_ bytes: Int) -> String { (Double(bytes) / 1_048_576).fixed(2) }
}
