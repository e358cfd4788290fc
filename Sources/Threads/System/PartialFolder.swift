// SPDX-License-Identifier: Apache-2.0

import CThreads
import FoundationEssentials
import Glibc

/// A folder that was made under a name that nobody had, for files on their way. It goes with all that is in it when this value
/// goes, and when the process ends by a signal whose handler calls `ppt_partial_unlink_all`.
package final class PartialFolder {
    package let path: String
    private let slot: Int32

    /// - Parameter parent: a folder that exists, an absolute path.
    package init(in parent: String, prefix: String) throws(SystemError) {
        // No signal comes between the folder and the note of it.
        let before = Signals.block()
        defer { Signals.restore(before) }
        var template = Array("\(parent)/\(prefix).XXXXXX".utf8CString)
        let made = unsafe template.withUnsafeMutableBufferPointer { unsafe mkdtemp($0.baseAddress!) != nil }
        let code = errno
        if !made { throw SystemError(call: "mkdtemp", code: code) }
        let path = String(decoding: template.dropLast().map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self)
        self.path = path
        slot = unsafe path.withCString { unsafe ppt_partial_add($0) }
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
        ppt_partial_remove(slot)
    }
}
