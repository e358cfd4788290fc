import Glibc

/// The operating system refused something: which call, and its errno by name.
public struct SystemError: Error, Equatable, Sendable, Codable, CustomStringConvertible {
    /// The call and what it was asked for, such as `shm_open` or `open data.bin`.
    public let call: String
    public let code: Int32

    public init(call: String, code: Int32) {
        self.call = call
        self.code = code
    }

    /// The error that the calling thread's errno holds now.
    public static func last(_ call: String) -> SystemError { SystemError(call: call, code: errno) }

    public var description: String { "\(call): \(Self.name(of: code)) (\(Self.sentence(for: code)))" }

    private static func name(of code: Int32) -> String {
        let names: [Int32: String] = [
            EPERM: "EPERM", ENOENT: "ENOENT", ESRCH: "ESRCH", EINTR: "EINTR", EIO: "EIO", EBADF: "EBADF",
            EAGAIN: "EAGAIN", ENOMEM: "ENOMEM", EACCES: "EACCES", EEXIST: "EEXIST", ENOTDIR: "ENOTDIR",
            EISDIR: "EISDIR", EINVAL: "EINVAL", ENFILE: "ENFILE", EMFILE: "EMFILE", EFBIG: "EFBIG",
            ENOSPC: "ENOSPC", EROFS: "EROFS", ELOOP: "ELOOP", EBUSY: "EBUSY", EXDEV: "EXDEV", EPIPE: "EPIPE",
            ENOSYS: "ENOSYS", EOVERFLOW: "EOVERFLOW",
            ETIMEDOUT: "ETIMEDOUT", EDQUOT: "EDQUOT", ENAMETOOLONG: "ENAMETOOLONG",
            EADDRINUSE: "EADDRINUSE", EADDRNOTAVAIL: "EADDRNOTAVAIL", EAFNOSUPPORT: "EAFNOSUPPORT",
            ECONNREFUSED: "ECONNREFUSED", ENETUNREACH: "ENETUNREACH", ENOBUFS: "ENOBUFS",
        ]
        return names[code] ?? "errno \(code)"
    }

    private static func sentence(for code: Int32) -> String {
        // strerror's buffer may be overwritten by another thread; the copy is made before anything else can run here.
        unsafe strerror(code).map { unsafe String(cString: $0) } ?? "unknown"
    }
}

/// Runs a call that returns -1 and sets errno, again for as long as a signal interrupts it.
@discardableResult
package func systemCall<Result: FixedWidthInteger>(
    _ call: @autoclosure () -> String, _ body: () -> Result
) throws(SystemError) -> Result {
    while true {
        let result = body()
        if result != -1 { return result }
        // Read at once: making the call's name may set it anew.
        let code = errno
        if code != EINTR { throw SystemError(call: call(), code: code) }
    }
}

/// Throws the errno that a function of CThreads or pthreads returned, if it is not 0.
package func check(_ code: Int32, _ call: @autoclosure () -> String) throws(SystemError) {
    if code != 0 { throw SystemError(call: call(), code: code) }
}
