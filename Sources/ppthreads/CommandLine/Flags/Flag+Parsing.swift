// SPDX-License-Identifier: Apache-2.0

extension Flag {
    /// Reads a command's arguments into its options.
    ///
    /// Takes `--flag value`, `--flag=value` and switches; a flag given twice counts as given last.
    /// - Throws: `CommandError` with code 64.
    static func parse(_ arguments: [String], _ flags: [Flag], into options: inout Options) throws(CommandError) {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            guard argument.hasPrefix("-") else {
                throw usage("unexpected argument '\(argument)': only flags are allowed here")
            }
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard let flag = flags.first(where: { $0.names.contains(parts[0]) }) else {
                throw unknown(parts[0], among: flags.flatMap(\.names))
            }
            let next = rest.first?.prefix { $0 != "=" }
            if flag.placeholder != nil, parts.count == 1, let next,
                flags.contains(where: { $0.names.contains(String(next)) })
            {
                throw usage("\(parts[0]): a value is missing before \(next)")
            }
            try flag.apply(parts, &rest, to: &options)
        }
    }

    private func apply(
        _ parts: [String], _ rest: inout ArraySlice<String>, to options: inout Options
    ) throws(CommandError) {
        let value: String
        if placeholder == nil {
            if parts.count > 1 { throw Self.usage("\(parts[0]): takes no value") }
            value = ""
        } else if parts.count > 1 {
            value = parts[1]
        } else {
            guard let next = rest.popFirst() else { throw Self.usage("\(parts[0]): a value is missing") }
            value = next
        }
        do throws(FlagValueError) {
            try apply(&options, value)
        } catch {
            throw Self.usage("\(parts[0]): '\(value)' is not allowed; \(error.advice)")
        }
    }

    private static func usage(_ message: String) -> CommandError { CommandError(code: .usage, message: message) }

    private static func unknown(_ name: String, among names: [String]) -> CommandError {
        let hint = Slip.of(name, among: names).map { "did you mean \($0)?" } ?? "--help lists those there are"
        return usage("unknown flag \(name); \(hint)")
    }
}
