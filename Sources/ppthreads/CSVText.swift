/// Lines of a CSV file (RFC 4180), each of which is a row: no value holds the end of a line.
enum CSVText {
    /// A row without the end of its line. Ends of lines in values become spaces.
    static func line(_ values: [String]) -> String { values.map(quoted).joined(separator: ",") }

    private static func quoted(_ value: String) -> String {
        let value = String(value.map { $0.isNewline ? " " : $0 })
        if !value.contains(",") && !value.contains("\"") { return value }
        return "\"\(value.replacing("\"", with: "\"\""))\""
    }

    /// The values of a line; nil when its quotes do not match.
    static func values(_ line: String) -> [String]? {
        var values = [""]
        var isQuoted = false
        var rest = line[...]
        while let character = rest.popFirst() {
            switch character {
            case "\"" where isQuoted && rest.first == "\"": values[values.count - 1].append(rest.removeFirst())
            case "\"": isQuoted.toggle()
            case "," where !isQuoted: values.append("")
            default: values[values.count - 1].append(character)
            }
        }
        return isQuoted ? nil : values
    }
}
