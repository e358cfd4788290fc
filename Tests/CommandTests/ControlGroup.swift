// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A control group with one limit, of version 1 or 2, gone with the value.
final class ControlGroup {
    enum Controller: String { case memory, cpu, pids }

    private let folder: String

    /// - Parameter limit: bytes, microseconds of CPU time in 100 ms, or tasks.
    init(_ controller: Controller, _ limit: Int) throws {
        let name = "ppt-test-\(UUID().uuidString)"
        let first = "/sys/fs/cgroup/\(controller.rawValue)"
        let isFirst = FileManager.default.fileExists(atPath: first)
        folder = "\(isFirst ? first : "/sys/fs/cgroup")/\(name)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        let (file, text) =
            switch (controller, isFirst) {
            case (.memory, true): ("memory.limit_in_bytes", "\(limit)")
            case (.memory, false): ("memory.max", "\(limit)")
            case (.cpu, true): ("cpu.cfs_quota_us", "\(limit)")
            case (.cpu, false): ("cpu.max", "\(limit) 100000")
            case (.pids, _): ("pids.max", "\(limit)")
            }
        guard let handle = FileHandle(forWritingAtPath: "\(folder)/\(file)") else {
            unsafe _ = rmdir(folder)
            throw POSIXError(.ENOENT)
        }
        do { try handle.write(contentsOf: Data(text.utf8)) } catch {
            unsafe _ = rmdir(folder)
            throw error
        }
    }

    /// Processes that were in it may take a moment to go.
    deinit {
        let deadline = Date.now.addingTimeInterval(10)
        while unsafe rmdir(folder) != 0 && errno == EBUSY && Date.now < deadline { usleep(10_000) }
    }

    /// Starts a command inside.
    var launcher: [String] { ["/bin/sh", "-c", "echo $$ > \(folder)/cgroup.procs && exec \"$0\" \"$@\""] }

    /// Whether this machine lets us make one.
    static func canLimit(_ controller: Controller) -> Bool {
        // A sanitizer has memory and threads of its own.
        if controller != .cpu && Sanitizer.isOn { return false }
        guard let group = try? ControlGroup(controller, controller == .memory ? 1 << 30 : 100_000) else { return false }
        return (try? Command.run(["--version"], through: group.launcher).code) == 0
    }
}

/// A user who runs nothing else, and may have one task.
enum LoneUser {
    static let launcher = [
        "/bin/sh", "-c",
        "prlimit --pid $$ --nproc=1 && exec setpriv --reuid=64999 --regid=64999 --clear-groups \"$0\" \"$@\"",
    ]
    /// As root, where nothing but the system's own means stands in the way.
    static let isPossible = !Sanitizer.isOn && (try? Command.run(["--version"], through: launcher).code) == 0
}
