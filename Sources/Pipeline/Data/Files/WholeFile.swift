// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SharedTensor
import Threads

/// Whole files.
public enum WholeFile {
    /// All of a file's bytes, in memory of their own.
    /// - Parameter memory: what reading it takes, what is made of it included.
    static func read(_ path: String, memory reading: ReadingMemory) throws(DataError) -> Data {
        let file = try ReadableFile(path: path)
        if file.size == 0 { return Data() }
        let bound = tightestBound
        try checkFits(path, bytes: file.size, memory: reading.least(file.size), bound)
        let memory: Segment
        do throws(SegmentError) {
            memory = try Segment(bytes: file.size, backing: .privateMemory)
        } catch {
            throw DataError(path: path, reason: "cannot be read: \(error)")
        }
        // Sound: the address lies in a segment as large as the file, which lives until the data has no reader any more.
        let bytes = unsafe UnsafeMutableRawBufferPointer(
            start: memory.address(of: Region(offset: 0, bytes: file.size)), count: file.size)
        unsafe try file.read(into: bytes, at: 0)
        let data = unsafe Data(
            bytesNoCopy: bytes.baseAddress!, count: bytes.count, deallocator: .custom { _, _ in _ = memory })
        // Now that it can be looked at, which is done only where it may matter.
        if let bound, reading.most(file.size) > bound.availableBytes {
            // Sound: every byte is a valid UInt8, and the view ends with the statement.
            let estimate = reading.estimate(unsafe data.bytes._unsafeView(as: UInt8.self))
            try checkFits(path, bytes: file.size, memory: estimate, bound)
        }
        return data
    }

    /// A machine that does not say what memory it has gives an error when there is none.
    static var tightestBound: MemoryBound? { (try? Machine.current())?.memoryBounds.first }

    /// Refuses a file that is too large, before the system starts to swap, or kills the program without a word.
    /// - Parameters:
    ///   - subject: a part of the file, if it is not the whole, with its verb.
    ///   - bytes: of the file, or of that part.
    ///   - memory: that reading these takes, in bytes.
    ///   - bound: as it was before anything was read.
    static func checkFits(
        _ path: String, _ subject: String = "has", bytes: Int, memory: Int, _ bound: MemoryBound? = tightestBound
    ) throws(DataError) {
        guard let bound, memory > bound.availableBytes else { return }
        throw DataError(
            path: path,
            reason:
                "\(subject) \(ByteCount(bytes)); to read them takes about \(ByteCount(memory)) of memory, and \(bound)")
    }
}
