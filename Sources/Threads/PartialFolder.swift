import CThreads
import FoundationEssentials
import Glibc

/// A folder that was made under a name that nobody had, for files on their way. It goes with this value and all that is in
/// it; when the process ends by a signal whose handler calls `ppt_partial_unlink_all`, with the files named beforehand.
package final class PartialFolder {
    package let path: String
    private let slots: [Int32]

    /// - Parameters:
    ///   - parent: a folder that exists.
    ///   - names: of files that are going to be in it.
    package init(in parent: String, prefix: String, names: [String]) throws(SystemError) {
        var template = Array("\(parent)/\(prefix).XXXXXX".utf8CString)
        let made = unsafe template.withUnsafeMutableBufferPointer { unsafe mkdtemp($0.baseAddress!) != nil }
        let code = errno
        if !made { throw SystemError(call: "mkdtemp", code: code) }
        let path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        self.path = path
        slots = ([path] + names.map { "\(path)/\($0)" }).map { path in
            unsafe path.withCString { unsafe ppt_partial_add($0) }
        }
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
        for slot in slots { ppt_partial_remove(slot) }
    }
}
