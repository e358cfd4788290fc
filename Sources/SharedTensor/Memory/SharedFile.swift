// SPDX-License-Identifier: Apache-2.0

import Glibc
import Threads

/// A file of /dev/shm without a name, open: other processes of the same user can open it too for as long as it is, if they are told
/// where. What it holds is there for as long as somebody has it mapped.
public final class SharedFile: Sendable {
    /// Where another process finds an open file, and how it knows that it is the same.
    public struct Address: Codable, Equatable, Sendable {
        /// In /proc, by process and descriptor.
        let path: String
        let device, inode: UInt64
    }

    let descriptor: Int32
    let bytes: Int

    /// Makes one whose memory is there at once: a full /dev/shm is an error here and would be a SIGBUS later.
    /// - Parameter bytes: its size; at least a page.
    public init(bytes: Int) throws(SystemError) {
        require(bytes >= 0, "a file of \(bytes) bytes")
        self.bytes = max(bytes, 4096)
        descriptor = try SharedMemory.file()
        var code: Int32
        repeat { code = posix_fallocate(descriptor, 0, self.bytes) } while code == EINTR
        // Where it throws, `deinit` closes: all of the object is there by now.
        try check(code, "posix_fallocate on /dev/shm")
    }

    /// Opens one that another process has open.
    /// - Throws: `SystemError` where it cannot, or finds another file there (ESTALE): processes may not know each other by the same
    ///   numbers.
    public init(at address: Address, bytes: Int) throws(SystemError) {
        self.bytes = max(bytes, 4096)
        descriptor = try systemCall("open \(address.path)") { unsafe open(address.path, O_RDWR | O_CLOEXEC) }
        guard let found = try? Self.address(descriptor, address.path), found == address else {
            throw SystemError(call: "open \(address.path)", code: ESTALE)
        }
    }

    deinit { close(descriptor) }

    /// For another process on this host.
    public var address: Address {
        get throws(SystemError) { try Self.address(descriptor, "/proc/\(getpid())/fd/\(descriptor)") }
    }

    private static func address(_ descriptor: Int32, _ path: String) throws(SystemError) -> Address {
        var status = stat()
        try systemCall("fstat") { unsafe fstat(descriptor, &status) }
        return Address(path: path, device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    }
}
