// SPDX-License-Identifier: Apache-2.0

import Glibc
import Threads

/// A regular file that is read in pieces, each where it lies.
///
/// It is never mapped: the system ends a program by SIGBUS when a file that it has mapped shrinks, while reading past a
/// file's end is an answer, and here a sentence. Several threads and forked processes may read at once, since every read
/// says where it starts.
package final class ReadableFile: Sendable {
    let path: String
    /// Bytes that it had when it was opened.
    let size: Int
    private let descriptor: Int32
    private let modified: timespec

    /// - Throws: `DataError` when there is no such file, or it is a folder, a pipe or a device.
    package init(path: String) throws(DataError) {
        var status = stat()
        let descriptor: Int32
        do throws(SystemError) {
            // Without O_NONBLOCK, opening a pipe that nobody writes to would never return.
            descriptor = try systemCall("open") { unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
            do throws(SystemError) {
                try systemCall("fstat") { unsafe fstat(descriptor, &status) }
            } catch {
                close(descriptor)
                throw error
            }
        } catch {
            throw DataError(path: path, reason: "cannot be read: \(error)")
        }
        if status.kind != S_IFREG {
            close(descriptor)
            throw DataError(
                path: path, reason: "is \(status.kindName); a regular file is needed, to be read at any offset")
        }
        self.path = path
        self.descriptor = descriptor
        size = Int(status.st_size)
        modified = status.st_mtim
    }

    deinit { close(descriptor) }

    /// Fills a buffer with what lies at `offset`.
    /// - Throws: `DataError` when the file no longer reaches that far, or the system cannot read it.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(DataError) {
        var done = 0
        while done < buffer.count {
            let count: Int
            do throws(SystemError) {
                // Sound: the rest of the buffer starts at its `done`th byte.
                count = try systemCall("pread") {
                    unsafe pread(descriptor, buffer.baseAddress! + done, buffer.count - done, offset + done)
                }
            } catch {
                throw DataError(path: path, reason: "cannot be read: \(error)")
            }
            if count == 0 {
                var status = stat()
                let now = unsafe fstat(descriptor, &status) == 0 ? " and has \(status.st_size)" : ""
                throw DataError(path: path, reason: "has shrunk while it was in use: it had \(size) bytes\(now)")
            }
            done += count
        }
    }

    /// The bytes in a range, which must lie within `size`.
    package func bytes(_ range: Range<Int>) throws(DataError) -> [UInt8] {
        require(range.lowerBound >= 0 && range.upperBound <= size, "bytes \(range) outside a file of \(size)")
        var bytes = [UInt8](repeating: 0, count: range.count)
        try read(into: &bytes, at: range.lowerBound)
        return bytes
    }

    /// The same into an array's first bytes, as many as `count` says.
    package func read(into bytes: inout [UInt8], count: Int? = nil, at offset: Int) throws(DataError) {
        let count = count ?? bytes.count
        require(count <= bytes.count, "\(count) bytes to read, and room for \(bytes.count)")
        var span = bytes.mutableSpan
        // Sound: the view is as large as the array, and used within the call alone.
        unsafe try span.withUnsafeMutableBytes { bytes throws(DataError) in
            unsafe try read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[..<count]), at: offset)
        }
    }

    /// Whether nobody has written to the file since it was opened, or has set its time.
    /// - Throws: `DataError` when the system does not tell.
    var isUntouched: Bool {
        get throws(DataError) {
            let status: stat
            do throws(SystemError) { status = try FileStatus.of(descriptor: descriptor) } catch {
                throw DataError(path: path, reason: "cannot be looked at again: \(error)")
            }
            let modifiedNow = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
            return Int(status.st_size) == size && modifiedNow == (modified.tv_sec, modified.tv_nsec)
        }
    }
}
