// SPDX-License-Identifier: Apache-2.0

import Foundation
import Pipeline
import Testing
import ppthreads

struct ScheduleListTests {
    @Test("docs/schedules.md is what the code says") func document() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let found = try String(contentsOf: root.appending(path: "docs/schedules.md"), encoding: .utf8)
        #expect(
            found == ScheduleList.document + "\n",
            "ppthreads schedule --list --markdown > docs/schedules.md makes it anew")
        #expect(try Command.run("schedule", "--list", "--markdown").output == found)
    }

    @Test("the terminal's list has a line of each order's peak and constraints, and one of its idle time")
    func terminal()
        throws
    {
        let outcome = try Command.run("schedule", "--list")
        let lines = outcome.output.split(separator: "\n")
        func plain(_ text: String) -> String { text.replacing("`", with: "") }
        for kind in ScheduleKind.allCases {
            let own = lines.filter { $0.hasPrefix("\(kind.rawValue) ") }
            #expect(own.count == 2, "\(kind.title)")
            #expect(own.first?.contains("  \(plain(kind.about.peak))  ") == true, "\(kind.title)")
            #expect(own.first?.hasSuffix("  \(plain(kind.about.constraints))") == true, "\(kind.title)")
            #expect(own.last?.hasSuffix("  \(plain(kind.about.idle))") == true, "\(kind.title)")
        }
    }
}
