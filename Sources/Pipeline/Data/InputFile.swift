import FoundationEssentials
import Glibc
import SharedTensor
import Threads

/// Something wrong with a file's contents, or the file cannot be read or written.
public struct DataError: Error, Equatable, Codable, CustomStringConvertible {
    public let path: String
    public let reason: String

    public init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    public var description: String { "\(path): \(reason)" }
}

/// Whole files.
public enum WholeFile {
    /// All of a file's bytes, in memory of their own.
    /// - Parameter memoryPerByte: what reading it takes at its peak, what is made of it included, in bytes for each of its own.
    static func read(_ path: String, memoryPerByte: Int) throws(DataError) -> Data {
        let file = try ReadableFile(path: path)
        if file.size == 0 { return Data() }
        try checkFits(path, bytes: file.size, memoryPerByte)
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
        return unsafe Data(
            bytesNoCopy: bytes.baseAddress!, count: bytes.count, deallocator: .custom { _, _ in _ = memory })
    }

    /// Refuses a file that is too large, before the system starts to swap, or kills the program without a word.
    static func checkFits(_ path: String, bytes: Int, _ memoryPerByte: Int) throws(DataError) {
        // A machine that does not say what memory it has gives an error when there is none.
        guard let bound = (try? Machine.current())?.memoryBounds.first else { return }
        let (needed, isTooLarge) = bytes.multipliedReportingOverflow(by: memoryPerByte)
        if !isTooLarge && needed <= bound.availableBytes { return }
        let amount = isTooLarge ? "more than any machine has" : "\(ByteCount(needed))"
        throw DataError(
            path: path, reason: "has \(ByteCount(bytes)); to read them takes about \(amount) of memory, and \(bound)")
    }
}
