// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// What a sweep's CSV file holds, read as a stranger would: by the names in its header.
struct SweepFileContents {
    let text: String
    let names: [String]
    let rows: [[String: String]]

    init(_ path: String) throws {
        text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text.hasSuffix("\n"), "the last row is whole")
        let lines = text.dropLast().split(separator: "\n", omittingEmptySubsequences: false).map(Self.values)
        let names = try #require(lines.first)
        self.names = names
        for line in lines { #expect(line.count == names.count, "\(line)") }
        rows = lines.dropFirst().map { Dictionary(uniqueKeysWithValues: zip(names, $0)) }
    }

    /// RFC 4180, quote by quote: what stands between quotes is every other part.
    private static func values(_ line: Substring) -> [String] {
        let parts = line.split(separator: "\"", omittingEmptySubsequences: false)
        let joined = parts.enumerated().map { place, part in
            place % 2 == 0 ? String(part.replacing(",", with: "\u{0}")) : String(part)
        }.joined()
        return joined.split(separator: "\u{0}", omittingEmptySubsequences: false).map(String.init)
    }

    /// Which run each row tells of.
    var runs: [String] {
        let settings = [
            "layers", "heads", "hidden_dim", "world_size", "microbatches", "threads", "partition", "schedule",
            "transport", "repeat",
        ]
        return rows.map { row in settings.map { row[$0] ?? "?" }.joined(separator: " ") }
    }
}
