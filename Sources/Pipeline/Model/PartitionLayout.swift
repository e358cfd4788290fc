// SPDX-License-Identifier: Apache-2.0

/// A cut of a model as a person writes it, a letter for each unit and a bar between two stages: `E a f a f | a f a f H`.
///
/// The letters are the units' own (`Unit.letter`): E embedding, a attention half, f feed-forward half, H head. `t` is a whole
/// layer and `L` is H, so that Megatron's layouts are read too, such as `Et*3|(tt|)*29,L`. `*n` repeats the letter, or the
/// group in parentheses, that stands before it; groups may hold groups. Spaces, ends of lines and commas mean nothing.
/// Which units there have to be, `Partition.init(_:of:)` checks.
public struct PartitionLayout: Sendable {
    /// A letter or a bar, and where in the text it stands.
    struct Symbol: Sendable {
        let letter: UInt8
        let offset: Int32

        static let bar = UInt8(ascii: "|")
        static let wholeLayer = UInt8(ascii: "t")
        var isBar: Bool { letter == Self.bar }
        var character: Character { Character(UnicodeScalar(letter)) }
    }

    /// As it was given.
    public let text: String
    /// Without repetitions. No stage is empty.
    let symbols: [Symbol]

    /// More letters and bars than this are refused, before they take memory; no model that runs has as many.
    public static let symbolsMost = 1 << 20
    /// Bytes of a text; longer ones are refused.
    public static let bytesMost = 1 << 16

    /// Reads a text.
    /// - Throws: what is wrong with it for any model, and where.
    /// - Complexity: O(characters + letters and bars, repeated ones included).
    public init(_ text: String) throws(LayoutError) {
        if text.utf8.count > Self.bytesMost { throw LayoutError(.tooLong("\(Self.bytesMost) bytes"), in: text) }
        var reader = LayoutReader(text)
        try reader.read()
        self.text = text
        symbols = reader.symbols
    }

    /// How many stages it has.
    public var stages: Int { 1 + symbols.count(where: \.isBar) }
}

extension PartitionLayout: Equatable {
    /// Whether the same letters and bars follow each other, however they are written.
    public static func == (a: PartitionLayout, b: PartitionLayout) -> Bool {
        a.symbols.elementsEqual(b.symbols) { $0.letter == $1.letter }
    }
}

/// Reads a layout's text, one character after the other.
struct LayoutReader {
    private(set) var symbols: [PartitionLayout.Symbol] = []
    private let text: String
    private let characters: [Character]
    private var next = 0
    /// Groups that are open: where they start among the symbols, and in the text.
    private var groups: [(start: Int, offset: Int)] = []
    /// Where among the symbols starts what a `*` would repeat; nil where there is nothing to.
    private var repeatable: Int?

    init(_ text: String) {
        self.text = text
        characters = Array(text)
    }

    mutating func read() throws(LayoutError) {
        while next < characters.count {
            let offset = next
            next += 1
            do throws(LayoutError.Fault) { try take(offset) } catch {
                throw LayoutError(error, in: text, at: offset)
            }
        }
        if let group = groups.last { throw LayoutError(.openGroup, in: text, at: group.offset) }
        try checkStages()
    }

    private mutating func take(_ offset: Int) throws(LayoutError.Fault) {
        switch characters[offset] {
        case ",": break
        case "|":
            try append(PartitionLayout.Symbol.bar, offset)
            repeatable = nil
        case "(":
            groups.append((symbols.count, offset))
            repeatable = nil
        case ")":
            guard let group = groups.popLast() else { throw .unopenedGroup }
            if group.start == symbols.count { throw .emptyGroup }
            repeatable = group.start
        case "*": try repeatLast()
        case "m": throw .multiTokenPrediction
        case let character where character.isWhitespace: break
        case let character:
            guard let letter = character.asciiValue, character.isLetter else { throw .unknown(character) }
            repeatable = symbols.count
            try append(letter == UInt8(ascii: "L") ? UInt8(ascii: "H") : letter, offset)
        }
    }

    private mutating func append(_ letter: UInt8, _ offset: Int) throws(LayoutError.Fault) {
        if symbols.count == PartitionLayout.symbolsMost { throw .tooLong(LayoutError.symbols) }
        symbols.append(PartitionLayout.Symbol(letter: letter, offset: Int32(offset)))
    }

    /// Of a letter or a group, the rest of its repetitions.
    private mutating func repeatLast() throws(LayoutError.Fault) {
        guard let start = repeatable else { throw .repeatsNothing }
        repeatable = nil
        let count = try count()
        let part = symbols[start...]
        let room = PartitionLayout.symbolsMost - symbols.count
        if count - 1 > room / part.count { throw .tooLong(LayoutError.symbols) }
        for _ in 1..<count { symbols += part }
    }

    private mutating func count() throws(LayoutError.Fault) -> Int {
        while next < characters.count, characters[next].isWhitespace { next += 1 }
        let digits = characters[next...].prefix { $0.isASCII && $0.isNumber }
        next = digits.endIndex
        if digits.isEmpty { throw .noCount }
        guard let count = Int(String(digits)), count > 0, count <= PartitionLayout.symbolsMost else {
            throw .count(String(digits.prefix(20)))
        }
        return count
    }

    private func checkStages() throws(LayoutError) {
        guard let last = symbols.last else { throw LayoutError(.nothing, in: text) }
        var stage = 0
        for (index, symbol) in symbols.enumerated() where symbol.isBar {
            if index == 0 || symbols[index - 1].isBar {
                throw LayoutError(.emptyStage(stage), in: text, at: Int(symbol.offset))
            }
            stage += 1
        }
        if last.isBar { throw LayoutError(.emptyStage(stage), in: text, at: Int(last.offset)) }
    }
}
