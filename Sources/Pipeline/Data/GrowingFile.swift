import Glibc
import Threads

/// A file that is read once and then grows by whole pieces, while no other program can grow it too.
public final class GrowingFile {
    private let path: String
    private let descriptor: Int32

    /// Opens a regular file, or makes an empty one.
    public init(path: String) throws(DataError) {
        self.path = path
        do throws(SystemError) {
            descriptor = try systemCall("open") {
                unsafe open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0o644)
            }
        } catch {
            throw DataError(path: path, reason: "cannot be written: \(error)")
        }
        var status = stat()
        if unsafe fstat(descriptor, &status) != 0 || status.st_mode & S_IFMT != S_IFREG {
            throw DataError(path: path, reason: "cannot be written: it is no regular file")
        }
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
    public func bytes() throws(DataError) -> [UInt8] {
        try reporting("read") { () throws(SystemError) in
            var bytes: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 65536)
            while true {
                let count = try systemCall("pread") { unsafe pread(descriptor, &chunk, chunk.count, bytes.count) }
                if count == 0 { return bytes }
                bytes += chunk[..<count]
            }
        }
    }

    /// Cuts off everything after the first `size` bytes.
    public func truncate(to size: Int) throws(DataError) {
        try reporting("written") { () throws(SystemError) in
            try systemCall("ftruncate") { ftruncate(descriptor, size) }
        }
    }

    /// Writes a text at the end, which is on the disk when this returns. When it throws, for want of room say, nothing of
    /// the text is left.
    public func append(_ text: String) throws(DataError) {
        try reporting("written") { () throws(SystemError) in
            let size = try systemCall("lseek") { lseek(descriptor, 0, SEEK_END) }
            do throws(SystemError) {
                var rest = Array(text.utf8)[...]
                while !rest.isEmpty {
                    let written = try systemCall("write") {
                        unsafe rest.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
                    }
                    rest = rest.dropFirst(written)
                }
                try systemCall("fsync") { fsync(descriptor) }
            } catch {
                _ = ftruncate(descriptor, size)
                throw error
            }
        }
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
