// SPDX-License-Identifier: Apache-2.0

import Glibc
import Pipeline
import Threads

/// The files of a command, told to it before anything runs. No output may be an input, another output, or what the command's
/// standard output or error goes to, whatever names and links lead there: each such pair ends the command with code 64.
struct CommandFiles {
    private struct Entry {
        let name: String
        let identity: FileIdentity
        let isOutput: Bool
    }

    private static let standardOutput = "standard output"

    private var entries: [Entry] = []
    /// The flag whose file is standard output; what the command reports then goes to standard error.
    private var ownerOfStandardOutput: String?

    init() {
        for (descriptor, name) in [(1, Self.standardOutput), (2, "standard error")] as [(Int32, String)] {
            guard let identity = FileIdentity(descriptor: descriptor) else { continue }
            entries.append(Entry(name: name, identity: identity, isOutput: true))
        }
    }

    /// Takes note of a file that is read.
    mutating func read(_ name: String, _ path: String) throws(CommandError) {
        try add(name, path, FileIdentity(path), isOutput: false)
    }

    /// Takes note of a file that is written at the end, if one was asked for, and checks that it can be; `-` is standard
    /// output.
    /// - Parameter input: the flag of an input that may be the same file, because it was read long before.
    mutating func write(_ name: String, _ path: String?, over input: String? = nil) throws(CommandError) -> OutputFile?
    {
        guard let path else { return nil }
        let file = try readingData { () throws(DataError) in
            path == "-" ? try OutputFile.standardOutput() : try OutputFile(path)
        }
        if let descriptor = file.descriptor { try Self.checkWasOpen(descriptor, name) }
        if file.isStandardOutput { try takeStandardOutput(name) }
        try add(name, path, file.identity, isOutput: true, over: input)
        try readingData { () throws(DataError) in try file.checkWritable() }
        return file
    }

    /// Takes note of files that may be written to a folder, if that was given.
    mutating func write(_ name: String, folder: String?, _ files: [String]) throws(CommandError) -> [String: OutputFile]
    {
        guard let folder else { return [:] }
        try readingData { () throws(DataError) in try OutputFile.checkIsFolder(folder) }
        var outputs: [String: OutputFile] = [:]
        for file in files { outputs[file] = try write(name, "\(folder)/\(file)") }
        return outputs
    }

    /// Takes note of a file that is read and then grows, and that is opened elsewhere.
    mutating func grow(_ name: String, _ path: String) throws(CommandError) {
        // One that is there is opened as it is: what keeps a file from being replaced does not matter.
        if let identity = FileIdentity(path) { return try add(name, path, identity, isOutput: true) }
        let file = try readingData { () throws(DataError) in try OutputFile(path) }
        try add(name, path, file.identity, isOutput: true)
    }

    // MARK: Reporting

    /// Checks that nothing else is asked for on standard output.
    /// - Parameter flag: one that asks for it by name, such as --json.
    func keepStandardOutput(for flag: String) throws(CommandError) {
        try Self.checkWasOpen(STDOUT_FILENO, flag)
        guard let owner = ownerOfStandardOutput else { return }
        throw CommandError(code: .usage, message: "\(flag): standard output is the file of \(owner); it cannot be both")
    }

    /// Prints what the command found, to standard error where standard output is some flag's file.
    /// - Parameter isData: whether it is for other programs, such as a CSV, and is printed as it is.
    func report(_ text: String, isData: Bool = false) throws(CommandError) {
        if ownerOfStandardOutput != nil { return try Terminal.errors(text) }
        if isData { try Terminal.data(text) } else { try Terminal.output(text) }
    }

    // MARK: Comparing

    /// A standard descriptor that was closed when the command started is /dev/null now.
    private static func checkWasOpen(_ descriptor: Int32, _ flag: String) throws(CommandError) {
        guard Signals.wasClosed(descriptor) else { return }
        let name = ["standard input", standardOutput, "standard error"][Int(descriptor)]
        throw CommandError(code: .usage, message: "\(flag): \(name) is closed; it has to be open")
    }

    private mutating func takeStandardOutput(_ name: String) throws(CommandError) {
        if let owner = ownerOfStandardOutput { throw Self.clash(name, Self.standardOutput, owner) }
        ownerOfStandardOutput = name
        entries.removeAll { $0.name == Self.standardOutput }
    }

    private mutating func add(
        _ name: String, _ path: String, _ identity: FileIdentity?, isOutput: Bool, over input: String? = nil
    ) throws(CommandError) {
        guard let identity else { return }
        let same = entries.first { entry in
            entry.identity == identity && (entry.isOutput || isOutput) && entry.name != input
        }
        if let same { throw Self.clash(name, path, same.name) }
        entries.append(Entry(name: name, identity: identity, isOutput: isOutput))
    }

    private static func clash(_ name: String, _ path: String, _ other: String) -> CommandError {
        CommandError(code: .usage, message: "\(name): \(path) is the file of \(other) too; each needs one of its own")
    }
}
