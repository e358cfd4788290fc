// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The built commands, run as a user would.
struct Command {
    struct Outcome {
        let code: Int32
        let output: String
        let errors: String
        var errorLines: [Substring] { errors.split(separator: "\n") }
    }

    /// Where an executable of the package is: beside the test bundle.
    static func path(_ name: String) -> String {
        URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(path: name).path
    }

    /// Runs `ppthreads`, or another executable of the package, to its end.
    static func run(
        _ arguments: [String], through launcher: [String] = [], executable: String = "ppthreads"
    ) throws -> Outcome {
        try Running(arguments, through: launcher, executable: executable).wait()
    }

    static func run(_ arguments: String...) throws -> Outcome { try run(arguments) }

    /// What one JSON report holds.
    static func json(_ arguments: [String], through launcher: [String] = []) throws -> [String: Any] {
        let outcome = try run(arguments + ["--json"], through: launcher)
        #expect(outcome.code == 0, "\(outcome.errors)")
        return try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    }

    /// The command while it runs.
    final class Running {
        let process: ChildProcess

        init(_ arguments: [String], through launcher: [String] = [], executable: String = "ppthreads") throws {
            process = try ChildProcess(launcher + [Command.path(executable)] + arguments)
        }

        /// Collects the command once it ends; one that hangs is killed after two minutes, which its exit code then tells.
        func wait() -> Outcome {
            let process = process
            let watchdog = DispatchWorkItem { kill(process.processIdentifier, SIGKILL) }
            DispatchQueue.global().asyncAfter(deadline: .now() + 120, execute: watchdog)
            defer { watchdog.cancel() }
            let end = process.wait()
            return Outcome(
                code: end.code, output: String(decoding: end.output, as: UTF8.self),
                errors: String(decoding: end.errors, as: UTF8.self))
        }

        /// The processes that this one has forked.
        var children: [Int32] {
            let folder = "/proc/\(process.processIdentifier)/task/\(process.processIdentifier)/children"
            let text = (try? String(contentsOfFile: folder, encoding: .utf8)) ?? ""
            return text.split(separator: " ").compactMap { Int32($0) }
        }
    }
}

/// Whether the commands are built with a sanitizer: it has memory of its own that no estimate knows,
/// reads /proc, and does not start under a limit on the size of files.
enum Sanitizer {
    static let isOn = ["__tsan_init", "__asan_init"].contains(where: isLinked)
    /// The thread sanitizer runs a signal's handler once the thread that took it comes out of a call that the sanitizer knows.
    static let delaysSignals = isLinked("__tsan_init")

    private static func isLinked(_ name: String) -> Bool { unsafe dlsym(nil, name) != nil }
}

/// A folder that is gone with the value.
final class Folder {
    let url = FileManager.default.temporaryDirectory.appending(path: "ppthreads-\(UUID().uuidString)")
    init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(at: url) }
    func path(_ name: String) -> String { url.appending(path: name).path }
    /// A program that a shell runs. Another program writes it: as long as this one, or a child that it is just starting, has it
    /// open, the system says that the text is busy.
    func program(_ name: String, _ script: String) throws {
        let text = try file("\(UUID().uuidString)", Array(script.utf8))
        #expect(try ChildProcess(["/usr/bin/install", "-m", "755", text, path(name)]).wait().code == 0)
        try FileManager.default.removeItem(atPath: text)
    }
    func file(_ name: String, _ bytes: [UInt8]) throws -> String {
        try Data(bytes).write(to: url.appending(path: name))
        return path(name)
    }

    /// What is in it.
    func names() throws -> Set<String> { Set(try FileManager.default.contentsOfDirectory(atPath: url.path)) }

    /// Runs the command in a shell: `script` starts it as `"$@"`, in the folder.
    func shell(_ script: String, _ arguments: [String]) throws -> Command.Outcome {
        try Command.run(arguments, through: ["/bin/sh", "-c", "cd \"$1\" && shift && \(script)", "sh", url.path])
    }
}

/// Names in /dev/shm that ppthreads made.
func sharedMemoryNames() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "/dev/shm").filter { $0.hasPrefix("ppthreads-") }
}

/// Flags of a model that takes milliseconds a step.
let tiny = [
    "--layers", "4", "--heads", "2", "--dim", "16", "--ffn", "24", "--vocab-size", "31", "--seq-len", "5", "--batch",
    "12",
]
