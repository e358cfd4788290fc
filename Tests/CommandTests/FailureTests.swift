// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

struct FailureTests {
    /// A run of processes that would take minutes.
    private func longRun(_ transport: String = "processes") throws -> Command.Running {
        let running = try Command.Running(
            ["run", "--transport", transport, "--measure", "1000000", "--stages", "3", "--layers", "6"]
                + tiny.dropFirst(2))
        let deadline = Date.now.addingTimeInterval(20)
        while running.children.count < 3 && Date.now < deadline { usleep(5000) }
        try #require(running.children.count == 3)
        usleep(100_000)
        return running
    }

    @Test(
        "killing any one rank ends the run, with one line that names it", arguments: ["processes", "sockets", "unix"],
        0..<3)
    func killedChild(transport: String, rank: Int) throws {
        let before = try sharedMemoryNames()
        let running = try longRun(transport)
        let children = running.children
        kill(children[rank], SIGKILL)
        let outcome = running.wait()
        #expect(outcome.code == 70)
        #expect(outcome.errorLines.count == 1)
        #expect(outcome.errors.contains("rank \(rank) was killed by signal 9 (SIGKILL) "))
        #expect(children.allSatisfy { !isAlive($0) })
        #expect(try sharedMemoryNames() == before)
    }

    @Test("a rank that cannot leave, because somebody has stopped it, is killed when another has died")
    func stoppedChild()
        throws
    {
        let running = try longRun()
        let children = running.children
        kill(children[2], SIGSTOP)
        kill(children[0], SIGKILL)
        let outcome = running.wait()
        #expect(outcome.code == 70 && outcome.errorLines.count == 1)
        #expect(outcome.errors.contains("rank 0 was killed by signal 9 (SIGKILL) "))
        #expect(children.allSatisfy { !isAlive($0) })
    }

    @Test("killing the parent leaves no process and nothing in /dev/shm", arguments: [SIGKILL, SIGTERM, SIGINT])
    func killedParent(signal: Int32) throws {
        let before = try sharedMemoryNames()
        let running = try longRun()
        let children = running.children
        kill(running.process.processIdentifier, signal)
        _ = running.wait()
        let deadline = Date.now.addingTimeInterval(5)
        while children.contains(where: isAlive) && Date.now < deadline { usleep(5000) }
        #expect(children.allSatisfy { !isAlive($0) })
        #expect(try sharedMemoryNames() == before)
    }

    /// Whether a process runs; one that is dead and not reaped by its new parent yet does not count.
    private func isAlive(_ process: Int32) -> Bool {
        guard let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else { return false }
        let state = status.split(separator: ")").last?.split(separator: " ").first
        return state != "Z" && state != "X"
    }
}
