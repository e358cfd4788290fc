import FoundationEssentials

/// JSON as every command writes it: snake case keys in order, a number that is none as a string.
enum JSONText {
    static func encode(_ value: some Encodable) throws(CommandError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        do { return String(decoding: try encoder.encode(value), as: UTF8.self) } catch {
            throw CommandError(code: .failed, message: "the result could not be written as JSON: \(error)")
        }
    }
}
