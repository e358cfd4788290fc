// SPDX-License-Identifier: Apache-2.0

import CThreads
import Glibc

/// The operating system refused something: which call, and its errno by name.
public struct SystemError: Error, Equatable, Sendable, Codable, CustomStringConvertible {
    /// The call and what it was asked for, such as `shm_open` or `open data.bin`.
    public let call: String
    /// The errno.
    public let code: Int32

    /// A call and the errno that it gave.
    public init(call: String, code: Int32) {
        self.call = call
        self.code = code
    }

    /// The error that the calling thread's errno holds now.
    public static func last(_ call: String) -> SystemError { SystemError(call: call, code: errno) }

    /// Such as `open data.bin: ENOENT (No such file or directory)`.
    public var description: String { "\(call): \(name) (\(sentence))" }

    private var name: String {
        // Sound: the system's own constant text, or null.
        unsafe ppt_error_name(code).map { unsafe String(cString: $0) } ?? "errno \(code)"
    }

    private var sentence: String {
        // Sound: as above. Unlike strerror's, the text lies in nobody's buffer.
        unsafe ppt_error_sentence(code).map { unsafe String(cString: $0) } ?? "unknown"
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
