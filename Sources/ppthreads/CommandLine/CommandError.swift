// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Threads

/// How a command ends: what the shell sees.
enum ExitCode: Int32, CaseIterable {
    case success = 0
    /// Wrong flags, or settings that do not fit together (EX_USAGE).
    case usage = 64
    /// A file that is not what it should be (EX_DATAERR).
    case data = 65
    /// A program of the machine's that is needed and not there (EX_UNAVAILABLE).
    case unavailable = 69
    /// A run that failed (EX_SOFTWARE).
    case failed = 70
    /// Ended by a signal: 128 and its number, as a shell tells it.
    case hangUp = 129
    case interrupt = 130
    case quit = 131
    case terminate = 143

    init(_ signal: StopSignal) {
        switch signal {
        case .hangUp: self = .hangUp
        case .interrupt: self = .interrupt
        case .quit: self = .quit
        case .terminate: self = .terminate
        }
    }

    /// Whether it tells of a signal.
    var isOfSignal: Bool { rawValue > 128 }

    /// For the help.
    var meaning: String {
        switch self {
        case .success: "done"
        case .usage: "wrong usage"
        case .data: "bad data"
        case .unavailable: "a program that is not there"
        case .failed: "a run failed"
        case .hangUp, .interrupt, .quit, .terminate: "ended by a signal"
        }
    }
}

/// The end of a command that could not do its job: one line for the person, one code for the shell.
package struct CommandError: Error {
    let code: ExitCode
    let message: String
}

extension RunError {
    /// As the command line reports it.
    var commandError: CommandError {
        switch self {
        case .configuration, .model: CommandError(code: .usage, message: description)
        case .data: CommandError(code: .data, message: description)
        case .failed: CommandError(code: .failed, message: description)
        }
    }
}

/// Runs something that reads or writes files; what is wrong with them ends the command with code 65.
func readingData<Value>(_ body: () throws(DataError) -> Value) throws(CommandError) -> Value {
    do throws(DataError) { return try body() } catch {
        throw CommandError(code: .data, message: error.description)
    }
}

extension CommandError {
    /// Refuses two flags that ask for different reports.
    /// - Throws: where both are given, with the first one's name.
    static func refuse(_ flag: String, _ isGiven: Bool, with other: String, _ otherIsGiven: Bool) throws(CommandError) {
        guard isGiven && otherIsGiven else { return }
        throw CommandError(code: .usage, message: "\(flag): cannot be given together with \(other)")
    }
}
