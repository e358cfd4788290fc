import FoundationEssentials
import Glibc
import SharedTensor
import Threads

/// Something wrong with a file's contents, or the file cannot be read or written.
public struct DataError: Error, Equatable, CustomStringConvertible {
    public let path: String
    public let reason: String

    public init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    public var description: String { "\(path): \(reason)" }
}

/// Whole files in and out.
public enum WholeFile {
    /// All of a file's bytes, in memory of their own.
    static func read(_ path: String) throws(DataError) -> Data {
        let file = try ReadableFile(path: path)
        if file.size == 0 { return Data() }
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

    /// Bytes in a regular file; anything else is refused.
    @discardableResult
    private static func regularSize(_ path: String) throws(SystemError) -> Int {
        let descriptor = try systemCall("open") { unsafe open(path, O_RDONLY | O_CLOEXEC) }
        defer { close(descriptor) }
        var status = stat()
        try systemCall("fstat") { unsafe fstat(descriptor, &status) }
        if status.st_mode & S_IFMT == S_IFDIR { throw SystemError(call: "read", code: EISDIR) }
        if status.st_mode & S_IFMT != S_IFREG { throw SystemError(call: "read (not a regular file)", code: EINVAL) }
        return Int(status.st_size)
    }

    /// Writes pieces one after the other.
    static func write(_ path: String, _ pieces: [UnsafeRawBufferPointer]) throws(DataError) {
        try replace(path) { descriptor throws(SystemError) in
            for index in unsafe pieces.indices { unsafe try append(pieces[index], to: descriptor) }
        }
    }

    /// Writes texts one after the other, each as the sequence makes it.
    public static func write(_ path: String, texts: some Sequence<String>) throws(DataError) {
        try replace(path) { descriptor throws(SystemError) in
            for text in texts {
                // Sound: the view is read while the text is in scope, by a call that keeps nothing of it.
                unsafe try text.utf8.span.bytes.withUnsafeBytes { bytes throws(SystemError) in
                    unsafe try append(bytes, to: descriptor)
                }
            }
        }
    }

    public static func write(_ path: String, text: String) throws(DataError) { try write(path, texts: [text]) }

    public static func write(_ path: String, data: Data) throws(DataError) {
        try replace(path) { descriptor throws(SystemError) in
            // Sound: as above.
            unsafe try data.bytes.withUnsafeBytes { bytes throws(SystemError) in
                unsafe try append(bytes, to: descriptor)
            }
        }
    }

    /// Has a neighbour of `path` written and renames it into place once it is on the disk, so that `path` holds the old
    /// contents or the new, never a part.
    private static func replace(_ path: String, _ write: (Int32) throws(SystemError) -> Void) throws(DataError) {
        let temporary = "\(path).\(getpid()).partial"
        do throws(SystemError) {
            do throws(SystemError) {
                try writeDurably(temporary, write)
                try systemCall("rename") { unsafe rename(temporary, path) }
            } catch {
                unsafe unlink(temporary)
                throw error
            }
        } catch {
            throw DataError(path: path, reason: "cannot be written: \(error)")
        }
    }

    private static func writeDurably(
        _ path: String, _ write: (Int32) throws(SystemError) -> Void
    ) throws(SystemError) {
        let descriptor = try systemCall("open") {
            unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        }
        defer { close(descriptor) }
        try write(descriptor)
        try systemCall("fsync") { fsync(descriptor) }
    }

    private static func append(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) throws(SystemError) {
        var rest = unsafe bytes[...]
        while unsafe !rest.isEmpty {
            let written = try systemCall("write") {
                unsafe Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
            }
            unsafe rest = rest.dropFirst(written)
        }
    }

    /// Whether a file could be made at `path`: its folder exists and may be written to. Checked before a long run.
    public static func checkWritable(_ path: String) throws(DataError) {
        let folder = path.contains("/") ? String(path[..<path.lastIndex(of: "/")!]) : "."
        do throws(SystemError) {
            try systemCall("access") { unsafe access(folder.isEmpty ? "/" : folder, W_OK | X_OK) }
            if (try? regularSize(path)) == nil, unsafe access(path, F_OK) == 0 {
                throw SystemError(call: "open", code: EISDIR)
            }
        } catch {
            throw DataError(path: path, reason: "cannot be written: \(error)")
        }
    }
}
