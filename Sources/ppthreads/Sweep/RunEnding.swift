// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// How a run ended, as its row tells.
struct RunEnding {
    let hasFailed: Bool
    /// Others had its ranks' CPUs for more than `Disturbance.limit` of the step.
    let isDisturbed: Bool
    /// Another machine, or another version or commit of ppthreads, than those that run now.
    let isFromElsewhere: Bool

    /// - Parameter values: one for each column, as read from a file or about to be written.
    init(ofRow values: [String]) {
        let row = Dictionary(uniqueKeysWithValues: zip(ResultRow.names, values))
        hasFailed = row["error"]?.isEmpty == false
        isDisturbed = row["disturbance"].flatMap(Double.init).map { Disturbance(share: $0).isTooMuch } ?? false
        isFromElsewhere = !ResultRow.isFromHere(row, Version.program)
    }
}

/// What a person should know of the runs that a sweep's file holds.
struct SweepNotes {
    let lines: [String]

    init(_ endings: [RunEnding], of path: String) {
        let disturbed = endings.count(where: \.isDisturbed)
        let elsewhere = endings.count(where: \.isFromElsewhere)
        let lines = [
            disturbed == 0
                ? nil
                : "\(Self.runs(disturbed)) disturbed: others had CPUs of the ranks for more than "
                    + "\((Disturbance.limit * 100).fixed(0)) % of the step in each of \(Quietest<Void>.triesMost) tries; "
                    + "to measure again on a quieter machine, remove rows with a disturbance above \(Disturbance.limit)",
            elsewhere == 0
                ? nil
                : "\(Self.runs(elsewhere)) of another host, CPU, version or commit, and not measured anew; for that, give "
                    + "another file with --out",
        ]
        self.lines = lines.compactMap(\.self)
    }

    private static func runs(_ count: Int) -> String { count == 1 ? "1 run is" : "\(count) runs are" }
}
