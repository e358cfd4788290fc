// SPDX-License-Identifier: Apache-2.0

import CThreads
import Glibc

/// An empty file that was made under a name that nobody had, to be filled and then renamed to another's. It is removed
/// when this value goes before that, and when the process ends by a signal whose handler calls `ppt_partial_unlink_all`.
package final class PartialFile {
    package let descriptor: Int32
    private let path: String
    private let slot: Int32
    private var isRenamed = false

    /// The name starts with another file's, as one that `mkostemps` makes. That function makes files with mode 0600, and a
    /// chmod afterwards cannot give the rights that a file made with `mode` has: the process's mask can be read only by
    /// changing it, while other threads make files; and where the folder has default rights (an ACL), these apply instead of
    /// the mask, in the moment when the file is made, and 0600 has taken all but the owner's away.
    /// - Parameter folder: an absolute path.
    package init(folder: String, name: String, mode: mode_t) throws(SystemError) {
        // No signal comes between the file and the note of it.
        let before = Signals.block()
        defer { Signals.restore(before) }
        (path, descriptor) = try Self.make(folder, name, mode)
        slot = unsafe path.withCString { unsafe ppt_partial_add($0) }
    }

    deinit {
        close(descriptor)
        if !isRenamed { unsafe unlink(path) }
        ppt_partial_remove(slot)
    }

    /// Gives the file the name of another one of its folder, which goes.
    package func rename(to target: String) throws(SystemError) {
        require(!isRenamed, "a partial file was renamed before")
        try systemCall("rename") { unsafe Glibc.rename(path, target) }
        isRenamed = true
    }

    /// Copies the file into another one that cannot be replaced, such as one that something is mounted on.
    package func copy(to target: String) throws(SystemError) {
        let copy = try systemCall("open") { unsafe open(target, O_WRONLY | O_CLOEXEC | O_NOCTTY) }
        defer { close(copy) }
        try systemCall("lseek") { lseek(descriptor, 0, SEEK_SET) }
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        var size = 0
        while true {
            let count = try systemCall("read") { unsafe read(descriptor, &chunk, chunk.count) }
            if count == 0 { break }
            // Sound: bytes have no gaps between them, which nobody may read.
            try unsafe writeAll(chunk.span.extracting(first: count).bytes, to: copy)
            size += count
        }
        // Last, so that a disk without room keeps what it can of both.
        try systemCall("ftruncate") { ftruncate(copy, size) }
        try systemCall("fsync") { fsync(copy) }
    }

    /// What a signal's handler does.
    package static func removeAll() { ppt_partial_unlink_all() }

    private static func make(
        _ folder: String, _ name: String, _ mode: mode_t
    ) throws(SystemError) -> (String, Int32) {
        while true {
            let path = "\(folder == "/" ? "" : folder)/\(freshName(name))"
            do throws(SystemError) {
                let descriptor = try systemCall("open") {
                    unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode)
                }
                return (path, descriptor)
            } catch {
                if error.code != EEXIST { throw error }
            }
        }
    }

    /// At most 255 bytes, the most that file systems have.
    private static func freshName(_ name: String) -> String {
        let ending = ".\(String((0..<8).map { _ in letters.randomElement()! })).partial"
        var start = name[...]
        while start.utf8.count + ending.utf8.count > 255 { start.removeLast() }
        return start + ending
    }

    private static let letters = Array("abcdefghijklmnopqrstuvwxyz0123456789")
}
