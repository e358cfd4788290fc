// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// A command whose parent had signals blocked, which a new program inherits.
struct BlockedSignalTests {
    private static let launcher = ["/usr/bin/env", "--block-signal=INT,TERM,HUP,QUIT"]

    /// The signals that a process keeps to itself, as the system says.
    private func blocked(_ process: Int32) -> UInt64? {
        let status = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
        return status.firstMatch(of: /SigBlk:\s*([0-9a-f]+)/).flatMap { UInt64($0.1, radix: 16) }
    }

    private func stops(_ signal: Int32) -> UInt64 { 1 << UInt64(signal - 1) }

    @Test("the launcher blocks what it is told to") func launcher() throws {
        let end = try ChildProcess(Self.launcher + ["/bin/cat", "/proc/self/status"]).wait()
        let text = String(decoding: end.output, as: UTF8.self)
        let mask = try #require(text.firstMatch(of: /SigBlk:\s*([0-9a-f]+)/).flatMap { UInt64($0.1, radix: 16) })
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] { #expect(mask & stops(signal) != 0) }
    }

    @Test(
        "signals that were blocked when the command was started end it all the same",
        .disabled(if: Sanitizer.delaysSignals), arguments: ["threads", "processes"],
        [SIGINT, SIGTERM, SIGHUP, SIGQUIT])
    func blockedAtStart(transport: String, signal: Int32) throws {
        let running = try Command.Running(
            ["run", "--measure", "1000000", "--no-timeline", "--transport", transport] + tiny, through: Self.launcher)
        try running.waitUntilItComputes()
        let process = running.process.processIdentifier
        for process in [process] + running.children {
            let mask = try #require(blocked(process))
            for number in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] {
                #expect(mask & stops(number) == 0, "\(number) is blocked in \(process)")
            }
        }
        kill(process, signal)
        for _ in 0..<20_000 where running.process.isRunning { usleep(1000) }
        if running.process.isRunning { kill(process, SIGKILL) }
        let outcome = running.wait()
        #expect(outcome.code == 128 + signal)
    }
}
