// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Scripts of the repository, run by the Python that is on the path; where there is none, the tests that need it are off.
enum Python {
    private static let path = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map {
        "\($0)/python3"
    }.first(where: FileManager.default.isExecutableFile)

    static let isThere = path != nil

    /// - Parameter script: beside this file, or from there.
    static func run(_ script: String, _ arguments: [String] = []) throws -> Command.Outcome {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: script).path
        let end = try ChildProcess([try #require(path), "-B", file] + arguments).wait()
        return Command.Outcome(
            code: end.code, output: String(decoding: end.output, as: UTF8.self),
            errors: String(decoding: end.errors, as: UTF8.self))
    }
}
