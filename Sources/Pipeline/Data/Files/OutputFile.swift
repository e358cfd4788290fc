// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import Threads

/// A file that is to be written, found and checked beforehand.
///
/// A regular file is replaced by a new one that is given its name once it is on the disk, so that the path holds the
/// old contents or the new, never a part; links lead to the file that is replaced. Pipes, character devices, and what this
/// process has open (/dev/stdout, /dev/fd/N) are written to directly, and so is a file that turns out to be a mount point when
/// it is to be replaced. Anything else is refused.
public struct OutputFile: Sendable {
    /// Whether nothing is written and nothing checked, because another process of the job does: set once, at the start.
    nonisolated(unsafe) public static var isSilent = false

    /// As it was given.
    public let path: String
    private let target: OutputTarget

    /// - Throws: `DataError` with the reason why it could not be written.
    public init(_ path: String) throws(DataError) {
        self.path = path
        target = unsafe Self.isSilent ? OutputTarget.stream(path: "/dev/null") : try OutputTarget(path)
    }

    private init(path: String, _ target: OutputTarget) { (self.path, self.target) = (path, target) }

    /// Descriptor 1, whatever it is.
    /// - Throws: `DataError` when it is not open for writing.
    public static func standardOutput() throws(DataError) -> OutputFile {
        let file = OutputFile(path: "standard output", .descriptor(STDOUT_FILENO))
        try file.target.check(file.path)
        return file
    }

    /// Whether it is descriptor 1 by that name, as /dev/stdout is.
    public var isStandardOutput: Bool {
        if case .descriptor(STDOUT_FILENO) = target { true } else { false }
    }

    /// The number by which this process has it open, as with /dev/fd/3; nil for all that it opens itself.
    public var descriptor: Int32? { if case .descriptor(let number) = target { number } else { nil } }

    /// What tells it apart from other files of a command.
    public var identity: FileIdentity? {
        switch target {
        case .descriptor(let number): FileIdentity(descriptor: number)
        case .stream(let path): FileIdentity(path)
        case .file(let folder, let name, nil):
            (try? FileStatus.of(folder)).map { FileIdentity(newFile: name, folder: $0) }
        case .file(let folder, let name, _?): FileIdentity(OutputTarget.path(folder, name))
        }
    }

    /// Makes an empty file where the new one will be made, and removes it, or opens a device: to be asked before a long run.
    /// - Throws: `DataError` with the reason, such as a file system that is read-only, or a name that is too long.
    public func checkWritable() throws(DataError) {
        if case .stream(let path) = target { return try checkDevice(path) }
        guard case .file(let folder, let name, _) = target else { return }
        try reporting { () throws(SystemError) in
            do throws(SystemError) { _ = try PartialFile(folder: folder, name: name, mode: 0o600) } catch {
                throw SystemError(call: "a new file in its folder", code: error.code)
            }
        }
    }

    /// A device can be opened beforehand: /dev/tty cannot be where there is no terminal. A pipe's reader may come later.
    private func checkDevice(_ path: String) throws(DataError) {
        try reporting { () throws(SystemError) in
            if try FileStatus.of(path).kind != S_IFCHR { return }
            close(try systemCall("open") { unsafe open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK) })
        }
    }

    /// - Throws: `DataError` when the path is no folder that exists.
    public static func checkIsFolder(_ path: String) throws(DataError) {
        do throws(SystemError) {
            if try FileStatus.of(path).kind != S_IFDIR { throw SystemError(call: "stat", code: ENOTDIR) }
        } catch {
            throw DataError(path: path, reason: "cannot be written: \(error)")
        }
    }

    // MARK: Writing

    /// Writes a text; a `DataError` says why it could not be.
    public func write(text: String) throws(DataError) { try write(texts: [text]) }

    /// Writes texts one after the other, each as the sequence makes it.
    public func write(texts: some Sequence<String>) throws(DataError) {
        try write { descriptor throws(SystemError) in
            for text in texts { try writeAll(text, to: descriptor) }
        }
    }

    /// Writes bytes; a `DataError` says why they could not be.
    public func write(data: Data) throws(DataError) {
        try write { descriptor throws(SystemError) in try writeAll(data.bytes, to: descriptor) }
    }

    /// - Throws: `DataError`; a regular file is then as it was before.
    func write(_ contents: (Int32) throws(SystemError) -> Void) throws(DataError) {
        try reporting { () throws(SystemError) in
            switch target {
            case .descriptor(let number): try contents(number)
            case .stream(let path):
                let descriptor = try systemCall("open") { unsafe open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY) }
                defer { close(descriptor) }
                try contents(descriptor)
            case .file(let folder, let name, let old): try Self.replace(folder, name, old, contents)
            }
        }
    }

    private static func replace(
        _ folder: String, _ name: String, _ old: stat?, _ contents: (Int32) throws(SystemError) -> Void
    ) throws(SystemError) {
        let file = try PartialFile(folder: folder, name: name, mode: old.map { $0.st_mode & 0o600 } ?? 0o666)
        try contents(file.descriptor)
        if let old {
            // Not every user may give files away, and not every file system has owners.
            _ = fchown(file.descriptor, old.st_uid, old.st_gid)
            try systemCall("fchmod") { fchmod(file.descriptor, old.st_mode & 0o7777) }
        }
        try systemCall("fsync") { fsync(file.descriptor) }
        let target = OutputTarget.path(folder, name)
        do throws(SystemError) { try file.rename(to: target) } catch {
            // Something was mounted there that nobody told of: better there in parts than lost.
            if error.code != EBUSY { throw error }
            try file.copy(to: target)
        }
    }

    private func reporting(_ body: () throws(SystemError) -> Void) throws(DataError) {
        do throws(SystemError) { try body() } catch {
            throw DataError(path: path, reason: "cannot be written: \(error)")
        }
    }
}
