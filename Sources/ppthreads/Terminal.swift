import Glibc

/// Where words go.
enum Terminal {
    /// Writes a line to standard output.
    /// - Throws: `CommandError` when nobody can read it any more, or the disk is full.
    static func output(_ line: String) throws(CommandError) {
        if !write(line + "\n", STDOUT_FILENO) {
            throw CommandError(code: .failed, message: "standard output could not be written")
        }
    }

    /// Writes a line to standard error.
    static func error(_ line: String) { _ = write(line + "\n", STDERR_FILENO) }

    /// Replaces the last line of standard error, when that is a terminal.
    static func progress(_ line: String) {
        if isatty(STDERR_FILENO) == 1 { _ = write("\r\u{1B}[K" + line, STDERR_FILENO) }
    }

    private static func write(_ text: String, _ descriptor: Int32) -> Bool {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let written = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0 && errno != EINTR { return false }
            bytes = bytes.dropFirst(max(0, written))
        }
        return true
    }
}
