// SPDX-License-Identifier: Apache-2.0

/// What the system says is mounted where, in /proc/self/mountinfo.
package enum MountInfo {
    /// Whether something is mounted at an absolute path without links, as when a container was given a single file. Not
    /// known, and false, where there is no /proc.
    package static func hasMountPoint(_ path: String, in text: String? = TextFile.text("/proc/self/mountinfo")) -> Bool
    {
        (text ?? "").split(separator: "\n").contains { point(of: $0) == path }
    }

    /// The mount point that a line tells of.
    static func point(of line: Substring) -> String? {
        let fields = line.split(separator: " ")
        return fields.count > 4 ? unescaped(fields[4]) : nil
    }

    /// The kernel writes blanks, tabs, line ends and backslashes in paths as three octal digits.
    package static func unescaped(_ path: Substring) -> String {
        let pieces = path.split(separator: "\\", omittingEmptySubsequences: false)
        return pieces.dropFirst().reduce(String(pieces[0])) { text, piece in
            guard piece.count >= 3, let code = UInt8(piece.prefix(3), radix: 8) else { return text + "\\" + piece }
            return text + String(UnicodeScalar(code)) + piece.dropFirst(3)
        }
    }
}
