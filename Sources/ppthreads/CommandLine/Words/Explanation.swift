// SPDX-License-Identifier: Apache-2.0

/// What the words of a report mean: those that head a column or a line of it, and P, v and M.
struct Explanation {
    /// In the order in which they come.
    let terms: [Term]

    init(of report: String) {
        let letters: [(String, Term)] = [
            (" P=", .ranks), (" v=", .chunks), (" M=", .microbatches), ("; bound ", .bound),
        ]
        let headings = report.split(separator: "\n").flatMap { line in
            line.split(separator: "  ").map { String($0.drop { $0 == " " }) }
        }
        terms = (letters.filter { report.contains($0.0) }.map(\.1) + headings.compactMap(Term.init(heading:))).unique
    }

    init(_ terms: [Term]) { self.terms = terms }

    /// A line for each.
    var lines: [String] { TextTable(terms.map { [$0.name, $0.meaning] }, leading: 2).lines }

    /// What follows the report.
    var footer: String { terms.isEmpty ? "" : "\n\n" + lines.joined(separator: "\n") }
}

extension Flag {
    /// `--explain`.
    static func explain(set path: WritableKeyPath<Options, Bool>) -> Flag {
        .on("--explain", set: path, help: "say below the tables what each of their words means")
    }
}
