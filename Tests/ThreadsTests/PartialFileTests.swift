// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import Threads

@Suite(.serialized) final class PartialFileTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "ppthreads-\(UUID().uuidString)").path

    init() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder) }

    private func make(_ name: String = "weights") throws -> PartialFile {
        try PartialFile(folder: folder, name: name, mode: 0o666)
    }

    @Test("what a signal's handler removes stays noted, and goes again when it is made anew before the next one")
    func removedTwice() async {
        // In a process of its own: all its partial files go.
        await #expect(processExitsWith: .success) {
            let folder = FileManager.default.temporaryDirectory.appending(path: "ppthreads-\(UUID().uuidString)").path
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let file = try PartialFile(folder: folder, name: "weights", mode: 0o666)
            let names = try FileManager.default.contentsOfDirectory(atPath: folder)
            PartialFile.removeAll()
            let none = try FileManager.default.contentsOfDirectory(atPath: folder)
            try Data().write(to: URL(filePath: "\(folder)/\(names[0])"))
            PartialFile.removeAll()
            let left = try FileManager.default.contentsOfDirectory(atPath: folder)
            withExtendedLifetime(file) {}
            try #require(names.count == 1 && none.isEmpty && left.isEmpty)
        }
    }

    @Test("a partial file has a name of its own that starts with the target's, and goes unless it is renamed")
    func life() throws {
        do {
            let (first, second) = (try make(), try make())
            let both = try names()
            #expect(both.count == 2 && both.allSatisfy { $0.hasPrefix("weights.") && $0.hasSuffix(".partial") })
            try writeAll("whole", to: first.descriptor)
            try first.rename(to: "\(folder)/weights")
            withExtendedLifetime(second) {}
        }
        #expect(try names() == ["weights"])
        #expect(try String(contentsOfFile: "\(folder)/weights", encoding: .utf8) == "whole")
    }

    @Test("a signal's handler removes those that are there, and neither what was renamed nor what others have made")
    func removeAll() throws {
        let (kept, gone) = (try make("kept"), try make("gone"))
        try kept.rename(to: "\(folder)/kept")
        try Data().write(to: URL(filePath: "\(folder)/foreign.partial"))
        PartialFile.removeAll()
        #expect(try Set(names()) == ["kept", "foreign.partial"])
        withExtendedLifetime(gone) {}
    }

    @Test("a folder goes with all that is in it, and with nothing that links in it lead to") func folders() throws {
        let made = try PartialFolder(in: folder, prefix: "p")
        try Data().write(to: URL(filePath: "\(folder)/kept"))
        // More than is read of a folder at once.
        for below in ["", "/profile", "/profile/cache"] {
            try FileManager.default.createDirectory(atPath: made.path + below, withIntermediateDirectories: true)
            for number in 0..<100 { try Data([1]).write(to: URL(filePath: "\(made.path)\(below)/file \(number)")) }
            try FileManager.default.createSymbolicLink(atPath: "\(made.path)\(below)/up", withDestinationPath: folder)
        }
        PartialFile.removeAll()
        #expect(try names() == ["kept"])
        withExtendedLifetime(made) {}
    }

    @Test("a forked child's handler leaves its parent's files") func fork() throws {
        let file = try make()
        let child = try systemCall("fork") { Glibc.fork() }
        if child == 0 {
            // Nothing here that needs a lock another thread may hold.
            PartialFile.removeAll()
            _exit(0)
        }
        var status: Int32 = -1
        try systemCall("waitpid") { unsafe waitpid(child, &status, 0) }
        #expect(status == 0)
        #expect(try names().count == 1)
        withExtendedLifetime(file) {}
        PartialFile.removeAll()
        #expect(try names().isEmpty)
    }

    @Test("more files than the table has room for are made and removed all the same, and their entries are free again")
    func manyFiles() throws {
        for _ in 0..<3 {
            let files = try (0..<40).map { _ in try make() }
            #expect(try names().count == 40)
            withExtendedLifetime(files) {}
        }
        #expect(try names().isEmpty)
        let file = try make()
        PartialFile.removeAll()
        #expect(try names().isEmpty, "it was in the table")
        withExtendedLifetime(file) {}
    }

    @Test("all of a text is written where there is room for little at a time, and nobody waits for room in the call")
    func writesAll() throws {
        var ends: [Int32] = [-1, -1]
        try systemCall("pipe") { unsafe pipe(&ends) }
        let (readEnd, writeEnd) = (ends[0], ends[1])
        for end in ends { try systemCall("fcntl") { fcntl(end, F_SETFL, O_NONBLOCK) } }
        let text = String(repeating: "0123456789", count: 100_000)
        let writer = try PinnedThread<Bool, Never>(name: "writer", cpu: nil) { _ in
            defer { close(writeEnd) }
            return (try? writeAll(text, to: writeEnd)) != nil
        }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = unsafe read(readEnd, &chunk, chunk.count)
            if count == 0 { break }
            if count > 0 { bytes += chunk[..<count] } else { usleep(1000) }
        }
        close(readEnd)
        #expect(try writer.join() && bytes == Array(text.utf8))
    }

    @Test("a write that the system refuses is an error with its errno") func refusedWrite() throws {
        let full = try systemCall("open") { unsafe open("/dev/full", O_WRONLY | O_CLOEXEC) }
        defer { close(full) }
        #expect(throws: SystemError(call: "write", code: ENOSPC)) { try writeAll("text", to: full) }
        #expect(throws: SystemError(call: "write", code: EBADF)) { try writeAll("text", to: -1) }
    }

    @Test("an errno is read before the call's name is made") func errnoAtOnce() {
        func name() -> String {
            errno = 0
            return "call"
        }
        #expect(throws: SystemError(call: "call", code: EBADF)) {
            try systemCall(name()) { close(-1) }
        }
    }
}
