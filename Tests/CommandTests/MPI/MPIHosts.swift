// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Hosts that are namespaces of this one: `Tests/MPI/hosts.sh`.
enum MPIHosts {
    private static let script = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "MPI/hosts.sh").path

    private static let mpi = MPIProgram.isMPICH ? "mpich" : "openmpi"

    /// Whether namespaces are to be had here. Said where not; a CI is to have them.
    static let areThere: Bool = {
        guard MPIProgram.isThere, let end = try? run([], ["true"]) else { return false }
        if end.code == 0 { return true }
        let reason = "hosts of MPI: not tried: \(end.errors.split(separator: "\n").first ?? "")\n"
        FileHandle.standardError.write(Data(reason.utf8))
        return ProcessInfo.processInfo.environment["CI"] != nil
    }()

    /// Runs words on each host; the script takes everything away again.
    static func run(_ flags: [String], _ words: [String]) throws -> MPIRun.Outcome {
        let child = try ChildProcess([script, "--mpi", mpi] + flags + ["--"] + words)
        DispatchQueue.global().asyncAfter(deadline: .now() + 120) {
            if child.isRunning { kill(child.processIdentifier, SIGTERM) }
        }
        let end = child.wait()
        return MPIRun.Outcome(
            code: end.code, output: String(decoding: end.output, as: UTF8.self),
            errors: String(decoding: end.errors, as: UTF8.self))
    }

    static func json(_ flags: [String], _ words: [String]) throws -> [String: Any] {
        let outcome = try run(flags, [MPIProgram.path] + words + ["--json"])
        try #require(outcome.code == 0, "\(outcome.errors)")
        return try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    }
}
