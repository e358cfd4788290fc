import Foundation
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
    }
}
