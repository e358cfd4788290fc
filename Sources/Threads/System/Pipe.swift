// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc

/// A one-way pipe between a parent and the child it is about to fork.
struct Pipe {
    let readEnd: Int32
    private let writeEnd: Int32

    init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        try systemCall("pipe") { unsafe pipe(&ends) }
        readEnd = ends[0]
        writeEnd = ends[1]
    }

    func closeReadEnd() { close(readEnd) }
    func closeWriteEnd() { close(writeEnd) }

    /// Writes all of it; false when the reader is gone.
    func write(_ data: Data) -> Bool {
        do throws(SystemError) {
            try writeAll(data.bytes, to: writeEnd)
            return true
        } catch {
            return false
        }
    }
}

/// Collects what a child writes until the child, the only holder of the write end, closes it or dies.
struct PipeReader {
    private(set) var bytes = Data()
    private var descriptor: Int32 = -1
    private var ended = false

    init() {}
    init(descriptor: Int32) { self.descriptor = descriptor }

    /// Reads what there is for up to `milliseconds`; true once the other end is closed.
    mutating func isAtEnd(within milliseconds: Int) -> Bool {
        if ended { return true }
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        // A pipe that cannot be polled or read any more is at its end too: what the child was is learnt by reaping it.
        let ready = try? systemCall("poll") { unsafe poll(&entry, 1, Int32(clamping: milliseconds)) }
        if ready != 0 { readOnce() }
        return ended
    }

    func close() { _ = Glibc.close(descriptor) }

    private mutating func readOnce() {
        var chunk = [UInt8](repeating: 0, count: 65536)
        let count = (try? systemCall("read") { unsafe read(descriptor, &chunk, chunk.count) }) ?? 0
        if count == 0 { ended = true } else { bytes.append(contentsOf: chunk[..<count]) }
    }
}
