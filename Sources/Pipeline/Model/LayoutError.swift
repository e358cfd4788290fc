// SPDX-License-Identifier: Apache-2.0

/// Why a layout is refused, and where.
public struct LayoutError: Error, Equatable, CustomStringConvertible {
    /// The line of the text, counted from 1; nil where it has but one.
    public let line: Int?
    /// The character of that line, counted from 1; nil for what is wrong with the layout as a whole.
    public let column: Int?
    /// What is wrong.
    public let fault: Fault

    /// - Parameter offset: of a character of the text.
    init(_ fault: Fault, in text: String, at offset: Int? = nil) {
        self.fault = fault
        guard let offset else {
            (line, column) = (nil, nil)
            return
        }
        let before = text.prefix(offset)
        let lineStart = before.lastIndex(where: \.isNewline).map { before[before.index(after: $0)...] } ?? before
        let hasLines = text.reversed().drop(while: \.isWhitespace).contains(where: \.isNewline)
        line = hasLines ? 1 + before.count(where: \.isNewline) : nil
        column = 1 + lineStart.count
    }

    /// `column 7: E stands twice`.
    public var description: String {
        let position = [line.map { "line \($0)" }, column.map { "column \($0)" }].compactMap { $0 }
        return (position.isEmpty ? "" : position.joined(separator: ", ") + ": ") + fault.description
    }

    /// What there may be no more of.
    static let symbols = "\(PartitionLayout.symbolsMost) letters and bars"

    /// What can be wrong with a layout. Units count from 1, as columns do; layers and stages from 0, as their names do.
    public enum Fault: Error, Equatable {
        /// No letter at all.
        case nothing
        /// More of something than is read: `65536 bytes`.
        case tooLong(String)
        /// A character that means nothing.
        case unknown(Character)
        /// Megatron's m.
        case multiTokenPrediction
        /// A `)` without its `(`.
        case unopenedGroup
        /// A `(` without its `)`.
        case openGroup
        /// A group of nothing.
        case emptyGroup
        /// A `*` with neither a letter nor a group before it.
        case repeatsNothing
        /// A `*` without a number behind it.
        case noCount
        /// A number of repetitions that is not allowed.
        case count(String)
        /// A stage, counted from 0, without a letter.
        case emptyStage(Int)
        /// A letter of no unit, the model's name, and the letters that its units have.
        case unknownLetter(Character, model: String, known: String)
        /// A unit that is not there, and the letter that stands where it belongs; nil at the end.
        case missing(String, before: Character?)
        /// A letter that stands before a unit that comes before it.
        case tooEarly(Character, unit: String)
        /// A letter that stands once more than there are units, or layers, of it: so many.
        case tooOften(Character, count: Int)
    }
}

extension LayoutError.Fault: CustomStringConvertible {
    /// A sentence without its end.
    public var description: String {
        switch self {
        case .nothing: "a layout has a letter for each unit, and this one has none"
        case .tooLong(let limit): "the layout has more than \(limit)"
        case .unknown(let character): "\(String(character).shortened) is neither a letter nor one of | ( ) *"
        case .multiTokenPrediction: "m is a layer for multi-token prediction, which no model here has"
        case .unopenedGroup: "the parenthesis closes none"
        case .openGroup: "the parenthesis is not closed"
        case .emptyGroup: "nothing stands between the parentheses"
        case .repeatsNothing: "* repeats a letter or a group in parentheses, and none stands before it"
        case .noCount: "* needs a number behind it"
        case .count(let text): "\(text) repetitions are not allowed; 1 to \(PartitionLayout.symbolsMost)"
        case .emptyStage(let stage): "stage \(stage) has no unit (stages count from 0)"
        case .unknownLetter(let letter, let model, let known):
            "\(letter) is no unit of \(model), which has \(known); t is a whole layer, L is H"
        case .missing(let unit, let letter): "\(unit), is missing \(letter.map { "before \($0)" } ?? "at the end")"
        case .tooEarly(let letter, let unit): "\(letter) stands too early: \(unit), comes before it"
        case .tooOften(let letter, 1): "\(letter) stands twice"
        case .tooOften("t", let count): "t stands once too often: all \(count) layers are there before it"
        case .tooOften(let letter, let count):
            "\(letter) stands once too often: all \(count) of it are there before"
        }
    }
}
