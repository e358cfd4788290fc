// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The command, built with MPI, and the launcher to start it with.
///
/// Built with the trait, these tests take the command beside them. `PPTHREADS_MPI` names another one, so that one build of the tests
/// does for every MPI; `MPIRUN` is the launcher of the MPI that it was built with, `mpirun` unless given.
enum MPIProgram {
    private static let environment = ProcessInfo.processInfo.environment

    static let path = environment["PPTHREADS_MPI"].map { URL(filePath: $0).path } ?? Command.path("ppthreads")
    /// The benchmarks, which are built beside it.
    static let benchmarks = path.replacing(/ppthreads(-\w+)?$/) { "ppthreads-bench\($0.output.1 ?? "")" }
    static let launcher = environment["MPIRUN"] ?? "mpirun"

    /// Whether there is one to be tested.
    static let isThere: Bool = {
        #if MPI
            true
        #else
            environment["PPTHREADS_MPI"] != nil
        #endif
    }()

    /// MPICH's launcher (Hydra) takes other flags than Open MPI's, and ends a job in another way.
    static let isMPICH: Bool = {
        guard isThere, let child = try? ChildProcess(["/usr/bin/env", launcher, "--version"]) else { return false }
        return String(decoding: child.wait().output, as: UTF8.self).contains("HYDRA")
    }()

    /// The launcher's words before the program, for so many ranks on this host, whatever CPUs there are.
    static func launcher(ranks: Int, environment: [String] = []) -> [String] {
        let common = ["/usr/bin/env", "OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"] + environment
        let quiet = isMPICH ? [] : ["-q", "--oversubscribe", "--bind-to", "none"]
        return common + [launcher] + quiet + ["-n", "\(ranks)"]
    }
}

/// A command under a launcher. Whatever it has started is ended with it, and found by a variable that all of it inherits.
final class MPIRun {
    struct Outcome {
        let code: Int32
        let output: String
        let errors: String
        /// Lines of the command itself, not of a launcher or an MPI.
        var errorLines: [Substring] { errors.split(separator: "\n").filter { $0.hasPrefix("ppthreads ") } }
    }

    private let child: ChildProcess
    private let mark = "PPTHREADS_TEST_MARK=\(UUID().uuidString)"
    private let started = Date.now

    /// - Parameters:
    ///   - words: of the program and its arguments, behind the launcher's.
    ///   - environment: variables of the launcher and the ranks, as `NAME=value`.
    ///   - limitSeconds: after these all of it is killed.
    init(_ words: [String], ranks: Int = 2, environment: [String] = [], limitSeconds: Double = 120) throws {
        child = try ChildProcess(MPIProgram.launcher(ranks: ranks, environment: [mark] + environment) + words)
        let (child, mark) = (child, mark)
        DispatchQueue.global().asyncAfter(deadline: .now() + limitSeconds) {
            if !child.isRunning { return }
            for process in Self.processes(with: mark) + [child.processIdentifier] { kill(process, SIGKILL) }
        }
    }

    deinit { for process in left { kill(process, SIGKILL) } }

    /// Runs ppthreads to its end.
    static func run(_ arguments: [String], ranks: Int = 2) throws -> Outcome {
        try MPIRun([MPIProgram.path] + arguments, ranks: ranks).wait()
    }

    /// What one JSON report holds.
    static func json(_ arguments: [String], ranks: Int = 2) throws -> [String: Any] {
        let outcome = try run(arguments + ["--json"], ranks: ranks)
        try #require(outcome.code == 0, "\(outcome.errors)")
        return try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    }

    var launcher: Int32 { child.processIdentifier }

    func wait() -> Outcome {
        let end = child.wait()
        return Outcome(
            code: end.code, output: String(decoding: end.output, as: UTF8.self),
            errors: String(decoding: end.errors, as: UTF8.self))
    }

    /// Seconds since it was started.
    var seconds: Double { Date.now.timeIntervalSince(started) }

    /// Its processes that run.
    var left: [Int32] { Self.processes(with: mark) }

    /// Whether nothing of it is left, or is gone soon: a launcher may end a moment before what it has killed.
    func isGone() -> Bool {
        let deadline = Date.now.addingTimeInterval(5)
        while !left.isEmpty && Date.now < deadline { usleep(10_000) }
        return left.isEmpty
    }

    /// The process of that number, whether it has a rank in the run or looks on.
    func process(ofRank rank: Int) -> Int32? {
        left.first { Self.variable(of: $0, isRank: rank) }
    }

    /// The process of a rank, once that has computed for a while.
    func rank(_ rank: Int) throws -> Int32 {
        let deadline = Date.now.addingTimeInterval(60)
        while Date.now < deadline {
            for process in left where Self.variable(of: process, isRank: rank) && Self.computes(process) {
                return process
            }
            usleep(20_000)
        }
        throw CocoaError(.executableNotLoadable, userInfo: [NSLocalizedDescriptionKey: "rank \(rank) does not compute"])
    }

    /// Whether it has a thread called `rank 0` or so that had a CPU for 50 ms.
    private static func computes(_ process: Int32) -> Bool {
        let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")) ?? []
        return tasks.contains { task in
            let stat = text("/proc/\(process)/task/\(task)/stat")
            guard stat.contains("(rank "), let end = stat.lastIndex(of: ")") else { return false }
            let fields = stat[end...].split(separator: " ")
            return fields.count > 13 && (Int(fields[12]) ?? 0) + (Int(fields[13]) ?? 0) >= 5
        }
    }

    private static func variable(of process: Int32, isRank rank: Int) -> Bool {
        let variables = environment(of: process)
        return ["OMPI_COMM_WORLD_RANK", "PMI_RANK"].contains { variables.contains("\($0)=\(rank)") }
    }

    private static func environment(of process: Int32) -> Set<Substring> {
        Set(text("/proc/\(process)/environ").split(separator: "\0"))
    }

    /// Those that have the variable and are not dead: a dead one's environment is empty.
    private static func processes(with mark: String) -> [Int32] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int32($0) }.filter { environment(of: $0).contains(Substring(mark)) }
    }

    private static func text(_ path: String) -> String {
        (try? Data(contentsOf: URL(filePath: path))).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}
