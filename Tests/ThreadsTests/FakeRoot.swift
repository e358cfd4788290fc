// SPDX-License-Identifier: Apache-2.0

import Foundation
import Threads

/// A folder that stands for a machine's root, gone with the value.
final class FakeRoot {
    let url = FileManager.default.temporaryDirectory.appending(path: "ppthreads-\(UUID().uuidString)")

    init(_ files: [String: String] = [:]) throws {
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        for (path, text) in files { try write(path, text) }
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func write(_ path: String, _ text: String) throws {
        let file = url.appending(path: path)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data((text + "\n").utf8).write(to: file)
    }

    var machine: Machine { Machine(allowed: CPUSet(0..<4), root: url.path) }
}

/// The lines that Docker's containers and machines with systemd have.
enum KernelText {
    static let version2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"
    static func version1(_ controllers: String, group: String = "/") -> String {
        "33 32 0:30 \(group) /sys/fs/cgroup/\(controllers) rw shared:10 - cgroup cgroup rw,\(controllers)"
    }
    static let noLimit = "9223372036854771712"
}
