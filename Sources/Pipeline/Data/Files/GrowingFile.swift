// SPDX-License-Identifier: Apache-2.0

import Glibc
import Threads

/// A file that is read once and then grows by whole pieces, while no other program should grow it too.
public final class GrowingFile {
    private let path: String
    private let descriptor: Int32
    /// As far as this program knows.
    private var size = 0

    /// Opens a regular file, or makes an empty one.
    public init(path: String) throws(DataError) {
        self.path = path
        do throws(SystemError) {
            descriptor = try systemCall("open") {
                unsafe open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0o666)
            }
        } catch {
            throw DataError(path: path, reason: "cannot be written: \(error)")
        }
        var status = stat()
        if unsafe fstat(descriptor, &status) != 0 || status.st_mode & S_IFMT != S_IFREG {
            throw DataError(path: path, reason: "cannot be written: it is no regular file")
        }
        size = Int(status.st_size)
    }

    deinit { close(descriptor) }

    /// Keeps other processes from locking the file until this one ends, or says which one has it locked.
    ///
    /// The lock is fcntl's, which belongs to this process alone: flock's would go on in forked ranks, and so for a moment
    /// after this process was killed.
    public func lock() throws(DataError) -> Int32? {
        try reporting("locked") { () throws(SystemError) in
            while true {
                var request = flock()
                request.l_type = Int16(F_WRLCK)
                if unsafe fcntl(descriptor, F_SETLK, &request) == 0 { return nil }
                if errno != EAGAIN && errno != EACCES { throw SystemError.last("fcntl") }
                try systemCall("fcntl") { unsafe fcntl(descriptor, F_GETLK, &request) }
                if request.l_type != Int16(F_UNLCK) { return request.l_pid }
            }
        }
    }

    /// All that it holds.
    /// - Parameter memoryPerByte: what the caller makes of it takes at its peak, in bytes for each of these, which are included.
    public func bytes(memoryPerByte: Int) throws(DataError) -> [UInt8] {
        try WholeFile.checkFits(path, bytes: size, memory: ReadingMemory(perByte: memoryPerByte).least(size))
        return try reporting("read") { () throws(SystemError) in
            var bytes: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 65536)
            while true {
                let count = try systemCall("pread") { unsafe pread(descriptor, &chunk, chunk.count, bytes.count) }
                if count == 0 {
                    size = bytes.count
                    return bytes
                }
                bytes += chunk[..<count]
            }
        }
    }

    /// Cuts off everything after the first `size` bytes.
    public func truncate(to size: Int) throws(DataError) {
        try reporting("written") { () throws(SystemError) in
            try systemCall("ftruncate") { ftruncate(descriptor, size) }
        }
        self.size = size
    }

    /// Checks that nobody has removed, replaced or changed the file since it was last read or written here.
    public func checkUnchanged() throws(DataError) {
        let own = try reporting("looked at") { () throws(SystemError) in try FileStatus.of(descriptor: descriptor) }
        let there = try? FileStatus.of(path)
        if let there, (there.st_dev, there.st_ino) != (own.st_dev, own.st_ino) {
            throw DataError(path: path, reason: "was replaced by another file meanwhile")
        }
        if there == nil || own.st_nlink == 0 {
            throw DataError(path: path, reason: "was removed or moved meanwhile")
        }
        if own.st_size != size {
            throw DataError(
                path: path,
                reason: "has \(own.st_size) bytes, not the \(size) that it had: another program has changed it")
        }
    }

    /// Writes a text at the end, which is on the disk when this returns. When it throws, for want of room say, nothing of
    /// the text is left.
    public func append(_ text: String) throws(DataError) {
        try reporting("written") { () throws(SystemError) in
            do throws(SystemError) {
                try writeAll(text, to: descriptor)
                try systemCall("fsync") { fsync(descriptor) }
            } catch {
                _ = ftruncate(descriptor, size)
                throw error
            }
        }
        size += text.utf8.count
    }

    @discardableResult
    private func reporting<Value>(
        _ what: String, _ body: () throws(SystemError) -> Value
    ) throws(DataError) -> Value {
        do throws(SystemError) { return try body() } catch {
            throw DataError(path: path, reason: "cannot be \(what): \(error)")
        }
    }
}
