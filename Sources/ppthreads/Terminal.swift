import Glibc
import Threads

/// Where words go.
enum Terminal {
    /// Writes a line to standard output.
    /// - Throws: `CommandError` when nobody can read it any more, or the disk is full.
    static func output(_ line: String) throws(CommandError) {
        do throws(SystemError) { try writeAll(line + "\n", to: STDOUT_FILENO) } catch {
            throw CommandError(code: .failed, message: "standard output could not be written: \(error)")
        }
    }

    /// Writes a line to standard error.
    static func error(_ line: String) { try? writeAll(line + "\n", to: STDERR_FILENO) }

    /// Replaces the last line of standard error, when that is a terminal.
    static func progress(_ line: String) {
        if isatty(STDERR_FILENO) == 1 { try? writeAll("\r\u{1B}[K" + line, to: STDERR_FILENO) }
    }
}
