// SPDX-License-Identifier: Apache-2.0

import Glibc
import Threads

/// Where a path that is to be written leads, links followed.
enum OutputTarget: Sendable {
    /// A file of a folder, to be replaced by a new one; `old` is nil when it does not exist yet.
    case file(folder: String, name: String, old: stat?)
    /// A pipe or a character device, to be opened.
    case stream(path: String)
    /// What this process has open: /dev/stdout, /dev/fd/3.
    case descriptor(Int32)

    /// - Throws: `DataError` with the reason why nothing can be written there.
    init(_ path: String) throws(DataError) {
        do throws(SystemError) { self = try Self.follow(path) } catch {
            throw DataError(path: path, reason: "cannot be written: \(error)")
        }
        try check(path)
    }

    /// A file's path once more, without links in it.
    static func path(_ folder: String, _ name: String) -> String { folder == "/" ? "/\(name)" : "\(folder)/\(name)" }

    // MARK: Following

    private static func follow(_ path: String) throws(SystemError) -> OutputTarget {
        var path = path
        for _ in 0..<40 {
            let (folder, name) = try split(path)
            let target = Self.path(folder, name)
            if isListOfDescriptors(folder) {
                guard isOwn(folder), let number = Int32(name) else { return .stream(path: target) }
                return .descriptor(number)
            }
            guard let link = try linkText(target) else { return try found(folder, name) }
            path = link.hasPrefix("/") ? link : Self.path(folder, link)
        }
        throw SystemError(call: "open", code: ELOOP)
    }

    private static func found(_ folder: String, _ name: String) throws(SystemError) -> OutputTarget {
        let target = path(folder, name)
        do throws(SystemError) {
            let status = try FileStatus.of(target)
            let isStream = status.kind == S_IFIFO || status.kind == S_IFCHR
            return isStream ? .stream(path: target) : .file(folder: folder, name: name, old: status)
        } catch {
            if error.code != ENOENT { throw error }
            return .file(folder: folder, name: name, old: nil)
        }
    }

    /// The folder without links, and the name in it.
    private static func split(_ path: String) throws(SystemError) -> (folder: String, name: String) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard let name = parts.last, !name.isEmpty, name != ".", name != ".." else {
            // A folder, whatever its name is.
            return (try realPath(path), ".")
        }
        let folder = parts.dropLast().joined(separator: "/")
        return (try realPath(parts.count == 1 ? "." : folder.isEmpty ? "/" : folder), String(name))
    }

    /// A folder's path without links; as it was given where that is no UTF-8, or too long for a path, as the working folder's
    /// may be.
    private static func realPath(_ folder: String) throws(SystemError) -> String {
        guard let text = unsafe realpath(folder, nil) else {
            let code = errno
            throw SystemError(call: "its folder", code: code)
        }
        defer { unsafe free(text) }
        let path = unsafe String(validatingCString: text) ?? folder
        return path.utf8.count + Int(NAME_MAX) < PATH_MAX ? path : folder
    }

    /// What a link holds; nil for anything else, or nothing.
    private static func linkText(_ path: String) throws(SystemError) -> String? {
        var text = [CChar](repeating: 0, count: Int(PATH_MAX))
        do throws(SystemError) {
            let count = try systemCall("open") { unsafe readlink(path, &text, text.count) }
            guard let link = String(validating: text[..<count].map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self)
            else {
                throw SystemError(call: "a link to a path that is not UTF-8", code: EILSEQ)
            }
            return link
        } catch {
            if error.code == EINVAL || error.code == ENOENT { return nil }
            throw error
        }
    }

    // MARK: Descriptors

    /// Whether a folder is a process's or thread's list of what it has open. Its links' texts are no paths.
    private static func isListOfDescriptors(_ folder: String) -> Bool {
        let parts = folder.split(separator: "/")
        return parts.first == "proc" && parts.last == "fd"
            && (parts.count == 3 || parts.count == 5 && parts[2] == "task")
    }

    private static func isOwn(_ folder: String) -> Bool {
        guard let own = try? realPath("/proc/self") else { return false }
        return folder.hasPrefix("\(own)/")
    }
}

// MARK: - What stands in the way

extension OutputTarget {
    /// - Throws: `DataError` with the reason why nothing can be written there.
    func check(_ path: String) throws(DataError) {
        let obstacle: String?
        do throws(SystemError) { obstacle = try self.obstacle() } catch {
            throw DataError(path: path, reason: "cannot be written: \(error)")
        }
        if let obstacle { throw DataError(path: path, reason: "cannot be written: \(obstacle)") }
    }

    private func obstacle() throws(SystemError) -> String? {
        switch self {
        case .descriptor(let number): Self.obstacle(descriptor: number)
        case .stream(let path): try Self.obstacle(stream: path)
        case .file(let folder, let name, let old?): try Self.obstacle(file: old, folder, name)
        case .file(_, _, nil): nil
        }
    }

    private static func obstacle(descriptor: Int32) -> String? {
        let flags = fcntl(descriptor, F_GETFL)
        if flags == -1 { return "descriptor \(descriptor) is not open" }
        return flags & O_ACCMODE == O_RDONLY ? "descriptor \(descriptor) is open for reading alone" : nil
    }

    private static func obstacle(stream: String) throws(SystemError) -> String? {
        let status = try FileStatus.of(stream)
        if status.kind != S_IFIFO && status.kind != S_IFCHR { return "it is what another process has open" }
        try systemCall("access") { unsafe access(stream, W_OK) }
        return nil
    }

    private static func obstacle(file: stat, _ folder: String, _ name: String) throws(SystemError) -> String? {
        if file.kind != S_IFREG { return "it is \(file.kindName)" }
        let target = path(folder, name)
        try systemCall("access") { unsafe access(target, W_OK) }
        if MountInfo.hasMountPoint(target) {
            return "it is a mount point, which cannot be replaced; its folder has room for other names"
        }
        let owner = try FileStatus.of(folder)
        let mayReplace = owner.st_mode & S_ISVTX == 0 || [0, file.st_uid, owner.st_uid].contains(geteuid())
        return mayReplace ? nil : "it is another user's, in a folder where each may replace only files of their own"
    }
}
