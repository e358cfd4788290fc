import FoundationEssentials
import Glibc
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

/// Whole files.
public enum WholeFile {
    /// The file's bytes, mapped rather than read when it is large.
    static func read(_ path: String) throws(DataError) -> Data {
        do throws(SystemError) {
            // An empty file cannot be mapped; Foundation would leak the buffer that it reads it into.
            if try regularSize(path) == 0 { return Data() }
        } catch {
            throw DataError(path: path, reason: "cannot be read: \(error)")
        }
        do {
            return try Data(contentsOf: URL(filePath: path), options: .mappedIfSafe)
        } catch {
            throw DataError(path: path, reason: "cannot be read: \(error)")
        }
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
}
