/// Writing CSV files (RFC 4180), and reading lines of those in which no value holds the end of a line.
public enum CSVText {
    /// A row without the end of its line. Ends of lines in values become spaces.
    public static func line(_ values: [String]) -> String {
        values.map { value in
            field(value.contains(where: \.isNewline) ? String(value.map { $0.isNewline ? " " : $0 }) : value)
        }.joined(separator: ",")
    }

    /// A value, in quotes where it has to be.
    public static func field(_ value: String) -> String {
        value.utf8.contains(where: isSpecial) ? "\"\(value.replacing("\"", with: "\"\""))\"" : value
    }

    private static func isSpecial(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: ","), UInt8(ascii: "\""), UInt8(ascii: "\n"), UInt8(ascii: "\r"): true
        default: false
        }
    }

    /// The values of a line; nil when its quotes do not match.
    public static func values(_ line: String) -> [String]? {
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
