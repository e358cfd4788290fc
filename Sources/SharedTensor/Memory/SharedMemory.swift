// SPDX-License-Identifier: Apache-2.0

import Glibc
import Threads

/// The file system in /dev/shm.
public enum SharedMemory {
    /// An empty file there without a name: nobody else can open it, and whatever ends this process, nothing is left.
    ///
    /// - Returns: its descriptor, open to read and write.
    static func file() throws(SystemError) -> Int32 {
        do throws(SystemError) { return try unnamedFile() } catch { return try unlinkedFile() }
    }

    /// A file that never has a name, nor can be given one.
    package static func unnamedFile() throws(SystemError) -> Int32 {
        // O_TMPFILE, which Swift's Glibc module lacks; the number is the same wherever Swift runs.
        let unnamed = 0o20_000_000 | O_DIRECTORY
        return try systemCall("open /dev/shm") { unsafe open("/dev/shm", unnamed | O_EXCL | O_RDWR | O_CLOEXEC, 0o600) }
    }

    /// A file whose name is gone at once, for kernels that have none without, such as gVisor's. A kill between the two
    /// calls leaves the name.
    package static func unlinkedFile() throws(SystemError) -> Int32 {
        let name = "/ppthreads-\(getpid())-\(String(UInt64.random(in: .min ... .max), radix: 36))"
        let descriptor = try systemCall("shm_open in /dev/shm") {
            unsafe shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0o600)
        }
        try systemCall("shm_unlink") { unsafe shm_unlink(name) }
        return descriptor
    }

    /// What /dev/shm has; nil when there is none.
    public static var space: FileSystemSpace? { FileSystemSpace(of: "/dev/shm") }

    /// Tries what a run of processes needs: a page in a file there.
    /// - Returns: why that cannot be had; nil when it can.
    public static func trial() -> SegmentError? {
        do throws(SegmentError) { _ = try Segment(bytes: 1, backing: .sharedMemory) } catch { return error }
        return nil
    }
}

extension FileSystemSpace {
    /// A run takes a file for each segment: one for each rank, and some.
    public static let filesFew = 64

    /// What is left, in words, files where there is room for few; nil when there is no bound.
    public var left: String? {
        let files = freeFiles.flatMap { $0 < Self.filesFew ? "room for \(counted($0, "more file"))" : nil }
        let parts = [freeBytes.map { "\(ByteCount($0))" }, files].compactMap(\.self)
        return parts.isEmpty ? nil : parts.joined(separator: " and ")
    }
}
