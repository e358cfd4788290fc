// SPDX-License-Identifier: Apache-2.0

import Glibc
import Threads

/// What tells files apart, whatever names and links lead to them: a file's device and number, or, for one that does not exist
/// yet, its folder's and its name.
public struct FileIdentity: Hashable, Sendable {
    private let device: dev_t
    private let number: ino_t
    private let name: String?

    private init(_ status: stat, name: String? = nil) {
        (device, number) = (status.st_dev, status.st_ino)
        self.name = name
    }

    /// Of the file that a path leads to; nil when there is none. Nil too for terminals and devices such as /dev/null, which take
    /// or give anything any number of times.
    public init?(_ path: String) {
        guard let status = try? FileStatus.of(path), status.kind != S_IFCHR else { return nil }
        self.init(status)
    }

    /// Of an open file; nil as above, and when the descriptor is closed.
    public init?(descriptor: Int32) {
        guard let status = try? FileStatus.of(descriptor: descriptor), status.kind != S_IFCHR else { return nil }
        self.init(status)
    }

    /// Of a file that is to be made.
    init(newFile name: String, folder: stat) { self.init(folder, name: name) }
}

/// The system's account of a file.
enum FileStatus {
    /// Of the file that a path leads to.
    static func of(_ path: String) throws(SystemError) -> stat {
        var status = stat()
        try systemCall("stat") { unsafe stat(path, &status) }
        return status
    }

    static func of(descriptor: Int32) throws(SystemError) -> stat {
        var status = stat()
        try systemCall("fstat") { unsafe fstat(descriptor, &status) }
        return status
    }
}

extension stat {
    /// S_IFREG and so on.
    var kind: mode_t { st_mode & S_IFMT }

    /// What it is, in words.
    var kindName: String {
        switch kind {
        case S_IFREG: "a regular file"
        case S_IFDIR: "a folder"
        case S_IFIFO: "a pipe"
        case S_IFSOCK: "a socket"
        case S_IFBLK: "a block device"
        case S_IFCHR: "a character device"
        default: "no file that can be written to"
        }
    }
}
