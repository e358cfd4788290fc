// SPDX-License-Identifier: Apache-2.0

import CThreads
import Glibc

/// A signal that asks a program to end, by the system's numbers.
public enum StopSignal: Int32, Sendable, CustomStringConvertible {
    case hangUp = 1
    case interrupt = 2
    case quit = 3
    case terminate = 15

    /// What a shell sees of a program that it ended.
    public var exitCode: Int32 { 128 + rawValue }

    /// Such as `SIGINT`.
    public var description: String { SignalName.text(rawValue)! }
}

/// What signals do to a program. For programs, not for libraries: dispositions belong to the whole process.
public enum Signals {
    /// Sets dispositions that do not depend on who started the program, and sees to it that standard input, output and error
    /// are open. To be called once, before anything else.
    ///
    /// SIGINT, SIGTERM, SIGHUP and SIGQUIT end the program with a sentence, exit code 128 plus the signal, and without the
    /// partial files of outputs; as process 1 of a container too. An ignored SIGHUP stays ignored, for nohup. What is written
    /// to a pipe without a reader, or beyond a limit on files' sizes, is an error of the write.
    /// - Parameter name: the program's, with which the sentence begins.
    public static func takeOver(name: String) throws(SystemError) {
        try check(ppt_open_standard_descriptors(), "open /dev/null")
        unsafe name.withCString { unsafe ppt_take_over_signals($0) }
    }

    /// Whether a descriptor, of 0, 1 and 2, was closed before `takeOver`: what is written there now, nobody gets.
    public static func wasClosed(_ descriptor: Int32) -> Bool { ppt_was_closed(descriptor) != 0 }

    /// While `body` runs, the first SIGINT, SIGTERM or SIGHUP only sets `noted`, so that work can be ended in order; the second
    /// ends the program.
    public static func notingTheFirst<Value, Failure: Error>(
        _ body: () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        ppt_note_first_stop(1)
        defer { ppt_note_first_stop(0) }
        return try body()
    }

    /// The same for work that has to come to its end, in a command that a signal ends at once otherwise: when `body` has returned,
    /// a signal that was noted ends the program after all.
    public static func deferringTheFirst<Value, Failure: Error>(
        _ body: () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        if ppt_notes_first_stop() != 0 { return try body() }
        let value = try notingTheFirst(body)
        if let noted { raise(noted.rawValue) }
        return value
    }

    /// The signal that was noted.
    public static var noted: StopSignal? { StopSignal(rawValue: ppt_noted_stop()) }

    /// What the sentence of a program that is ended at once goes on with, such as `; 3 rows are in results.csv`.
    public static func setRemark(_ remark: String) { unsafe remark.withCString { unsafe ppt_set_stop_remark($0) } }
}

extension Signals {
    /// Keeps signals from the calling thread, and returns what was kept from it before, for `restore`.
    static func block() -> sigset_t {
        var (all, before) = (sigset_t(), sigset_t())
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_BLOCK, &all, &before)
        return before
    }

    static func restore(_ before: sigset_t) {
        var before = before
        unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
    }
}

/// A signal's number with its name, such as `9 (SIGKILL)`.
public struct SignalName: CustomStringConvertible, Sendable {
    /// The number, and the name if there is one.
    public let description: String

    /// Of a signal, or of a number that is none, without a name then.
    public init(_ number: Int32) { description = "\(number)\(Self.text(number).map { " (\($0))" } ?? "")" }

    /// The name alone; nil for a number that is none.
    static func text(_ number: Int32) -> String? {
        // Sound: the system's own constant text, or null.
        unsafe ppt_signal_name(number).map { unsafe "SIG\(String(cString: $0))" }
    }
}
