// SPDX-License-Identifier: Apache-2.0

import Testing

/// Of each module's own `Bug`: its tests have this file as a link to the one of `ThreadsTests`.
struct BugTests {
    @Test("a caller's bug traps with a sentence", arguments: Bug.allCases)
    func traps(bug: Bug) async throws {
        let result = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            [bug = bug as Bug] in try bug.happen()
        }
        let text = String(decoding: result.standardErrorContent, as: UTF8.self)
        #expect(text.contains("Fatal error: \(bug.sentence)"), "\(text)")
    }
}
