// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Small text files of /sys and /proc, where a missing file is an answer, not an error.
package enum TextFile {
    /// The whole text, or nil when the file cannot be read.
    package static func text(_ path: String) -> String? {
        guard let descriptor = try? systemCall("open", { unsafe open(path, O_RDONLY | O_CLOEXEC) }) else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            guard let count = try? systemCall("read", { unsafe read(descriptor, &chunk, chunk.count) }) else {
                return nil
            }
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk[..<count]
        }
    }

    /// The first line, without its end.
    package static func line(_ path: String) -> String? {
        text(path)?.split(separator: "\n", omittingEmptySubsequences: false).first.map(String.init)
    }

    package static func integer(_ path: String) -> Int? { line(path).flatMap { Int($0) } }
}
