// SPDX-License-Identifier: Apache-2.0

import Foundation
import Pipeline
import Testing

/// What `run --json` has besides the columns of the CSV.
struct RunJSONTests {
    private let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    @Test("the docs' table of the JSON's keys has each that the CSV's columns have not, and no other") func keys()
        throws
    {
        let folder = try Folder()
        let data = try folder.file("tokens", Array(repeating: 7, count: 100))
        let found = try ["threads", "processes"].flatMap { transport in
            try Command.json(["run", "--measure", "2", "--data", data, "--transport", transport] + tiny).keys
        }
        let columns = ResultColumn.all.compactMap(\.jsonKey)
        let document = try String(contentsOf: repository.appending(path: "docs/commands.md"), encoding: .utf8)
        let below = try #require(document.range(of: "### The JSON's keys"))
        let rows = document[below.upperBound...].split(separator: "\n").drop { !$0.hasPrefix("| ---") }.dropFirst()
        let told = rows.prefix { $0.hasPrefix("| ") }.flatMap { row in
            row.split(separator: "|")[0].matches(of: /`([a-z_]+)`/).map { String($0.output.1) }
        }
        // A signal's name is there only after one.
        #expect(Set(told) == Set(found).subtracting(columns).union(["stopped_by"]))
    }

    @Test(
        "the feed-forward's width is what the docs say where nobody gives it",
        arguments: [("decoder", 2048), ("gpt", 96)])
    func feedForward(architecture: String, width: Int) throws {
        let flags = [
            "--layers", "2", "--heads", "2", "--dim", "24", "--vocab-size", "9", "--seq-len", "3", "--batch", "4",
        ]
        let report = try Command.json(["run", "--measure", "1", "--warmup", "0", "--arch", architecture] + flags)
        #expect(report["ffn"] as? Int == width)
    }

    @Test(
        "matrix products of a step: those of linear maps and of attention, thrice each",
        arguments: [("decoder", 5_666_976), ("gpt", 3_671_136)])
    func productFLOPs(architecture: String, flops: Int) throws {
        // For each of 42 tokens 6 floating-point operations an element of a matrix: d = 24, ffn 40, vocabulary 37, 3 layers. A
        // decoder's layer has 2 (4 d^2) + 2 (24 x 40) elements and, twice, 2 x 7 x d for attention over 7 tokens; a
        // gpt's 4 d^2 + 2 (24 x 40) and once; the head 24 x 37.
        let flags = [
            "--layers", "3", "--heads", "3", "--dim", "24", "--ffn", "40", "--vocab-size", "37", "--seq-len", "7",
            "--batch", "6", "--microbatches", "2", "--stages", "1",
        ]
        let report = try Command.json(["run", "--measure", "1", "--arch", architecture] + flags)
        #expect(report["product_flops"] as? Double == Double(flops))
    }
}
