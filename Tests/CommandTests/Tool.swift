// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Programs that some machines have; tests that need one are off where it is not.
enum Tool {
    static let node = path("node")
    static let chromium = path("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

    private static func path(_ names: String...) -> String? {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        return names.flatMap { name in folders.map { "\($0)/\(name)" } }
            .first(where: FileManager.default.isExecutableFile)
    }
}
