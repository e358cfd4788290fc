// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// Things that a command has to write at its end, each of which is tried whatever became of the others.
struct Attempts {
    /// The command's name, for its messages.
    let command: String
    private var failures: [CommandError] = []

    init(_ command: String) { self.command = command }

    mutating func attempt(_ body: () throws(CommandError) -> Void) {
        do throws(CommandError) { try body() } catch { failures.append(error) }
    }

    /// The same for a file.
    mutating func write(_ body: () throws(DataError) -> Void) {
        attempt { () throws(CommandError) in try readingData(body) }
    }

    /// Tells each failure in a line of its own.
    /// - Parameter ending: how the command ends in any case.
    /// - Throws: that, or the last failure, with code 65 when any was that of a file.
    func finish(_ ending: CommandError? = nil) throws(CommandError) {
        if let ending {
            for failure in failures { Terminal.error("ppthreads \(command): \(failure.message)") }
            throw ending
        }
        guard let last = failures.last else { return }
        for failure in failures.dropLast() { Terminal.error("ppthreads \(command): \(failure.message)") }
        let isData = failures.contains { $0.code == .data }
        throw CommandError(code: isData ? .data : last.code, message: last.message)
    }
}
