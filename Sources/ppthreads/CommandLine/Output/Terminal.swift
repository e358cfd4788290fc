// SPDX-License-Identifier: Apache-2.0

import Glibc
import Threads

/// Where words go.
enum Terminal {
    /// Writes text of this program's own, of one or several lines, to standard output.
    ///
    /// Whatever is hidden in it, but for ends of lines, is shown as an escape.
    /// - Throws: `CommandError` when nobody can read it any more, or the disk is full.
    static func output(_ text: String) throws(CommandError) { try data(text.visible(but: ["\n"])) }

    /// Writes lines that hold what a file says, such as the names in a table: none of it can end a line either.
    static func output(_ lines: [String]) throws(CommandError) {
        try data(lines.map(\.visible).joined(separator: "\n"))
    }

    /// Writes a text for other programs, a CSV say, as it is.
    static func data(_ text: String) throws(CommandError) {
        do throws(SystemError) { try writeAll(text + "\n", to: STDOUT_FILENO) } catch {
            throw CommandError(code: .failed, message: "standard output could not be written: \(error)")
        }
    }

    /// Writes a line to standard error, and makes sure that it is one, whatever a file or an argument has brought into it.
    static func error(_ line: String) { try? errors(line.visible) }

    /// Writes text of this program's own, of one or several lines, to standard error.
    /// - Throws: `CommandError` when nobody can read it any more, or the disk is full.
    static func errors(_ text: String) throws(CommandError) {
        do throws(SystemError) { try writeAll(text.visible(but: ["\n"]) + "\n", to: STDERR_FILENO) } catch {
            throw CommandError(code: .failed, message: "standard error could not be written: \(error)")
        }
    }

    /// Replaces the last line of standard error, when that is a terminal that can; there is no progress on others.
    static func progress(_ line: String) {
        if showsProgress { try? writeAll("\r\u{1B}[K" + line.visible, to: STDERR_FILENO) }
    }

    /// A terminal without a name, or a dumb one, writes escape sequences out.
    private static let showsProgress: Bool = {
        guard isatty(STDERR_FILENO) == 1, let name = unsafe getenv("TERM") else { return false }
        // Sound: the string is copied at once, and nothing in this program changes the environment.
        return !["", "dumb"].contains(unsafe String(cString: name))
    }()
}
