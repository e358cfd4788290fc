// SPDX-License-Identifier: Apache-2.0

/// What a cell of a schedule's file says.
enum CellText {
    /// The largest stage or microbatch.
    static let numberMost = (1 << 24) - 1

    /// An instruction as it is written.
    struct Word {
        let instruction: Instruction
        /// Whether it is BW, the old grammar's whole backward.
        let isOldName: Bool
    }

    /// What ranks of sharded stages do together.
    enum Collective: String, CaseIterable {
        case unshard = "UNSHARD"
        case reshard = "RESHARD"
        case reduceGradients = "REDUCE_GRAD"
    }

    case word(Word)
    case overlap([Word])
    case collective(Collective)

    /// - Parameter text: without spaces around it, and not empty.
    init(_ text: ArraySlice<UInt8>) throws(ScheduleFileError.Fault) {
        if text.first == UInt8(ascii: "(") {
            self = .overlap(try Self.overlap(text))
            return
        }
        let stage = text.prefix(while: \.isDigit)
        let name = text[stage.endIndex...].prefix(while: \.isNamePart)
        let microbatch = text[name.endIndex...].prefix(while: \.isDigit)
        let kind = String(decoding: name, as: UTF8.self)
        if stage.isEmpty { throw .unknown(text.shown) }
        if let collective = Collective(rawValue: kind) {
            // Whose it is does not matter, as long as there may be such a stage.
            _ = try Self.number(stage)
            if name.endIndex < text.endIndex {
                throw .trailing(text[name.endIndex...].shown, after: text[..<name.endIndex].shown)
            }
            self = .collective(collective)
            return
        }
        guard let make = Self.maker(kind) else { throw .unknown(text.shown) }
        let stageNumber = try Self.number(stage)
        if microbatch.isEmpty { throw .noMicrobatch(text.shown) }
        if microbatch.endIndex < text.endIndex {
            throw .trailing(text[microbatch.endIndex...].shown, after: text[..<microbatch.endIndex].shown)
        }
        self = .word(Word(instruction: make(stageNumber, try Self.number(microbatch)), isOldName: kind == "BW"))
    }

    /// How an instruction of this name is made; nil where there is no such name.
    private static func maker(_ name: String) -> ((_ stage: Int, _ microbatch: Int) -> Instruction)? {
        if let kind = name == "BW" ? .backward : Action.Kind(rawValue: name) {
            return { .action(Action(kind, stage: $0, microbatch: $1)) }
        }
        if let kind = Transfer.Kind(rawValue: name) {
            return { .transfer(Transfer(kind, stage: $0, microbatch: $1)) }
        }
        return nil
    }

    private static func overlap(_ text: ArraySlice<UInt8>) throws(ScheduleFileError.Fault) -> [Word] {
        guard let end = text.firstIndex(of: UInt8(ascii: ")")),
            text[(end + 1)...].trimmed.elementsEqual("OVERLAP_F_B".utf8)
        else { throw .overlap(text.shown) }
        var words: [Word] = []
        for part in text[(text.startIndex + 1)..<end].split(separator: UInt8(ascii: ";")) {
            let part = part.trimmed
            if part.isEmpty { continue }
            guard part.first != UInt8(ascii: "("), case .word(let word) = try CellText(part),
                case .action = word.instruction
            else { throw .overlap(text.shown) }
            words.append(word)
        }
        if words.isEmpty { throw .overlap(text.shown) }
        return words
    }

    private static func number(_ digits: ArraySlice<UInt8>) throws(ScheduleFileError.Fault) -> Int {
        var number = 0
        for digit in digits {
            number = 10 * number + Int(digit - UInt8(ascii: "0"))
            if number > numberMost { throw .tooLarge(digits.shown) }
        }
        return number
    }
}

extension UInt8 {
    fileprivate var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
    fileprivate var isNamePart: Bool {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) || self == UInt8(ascii: "_")
    }
}

extension ArraySlice<UInt8> {
    /// In quotes, for people: a long text's beginning, and `\xff` for a byte that is no letter, digit or sign of
    /// ASCII's.
    var shown: String {
        let bytes = prefix(24).map { byte -> String in
            if (0x20..<0x7f).contains(byte) { return String(UnicodeScalar(byte)) }
            return "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        return "\"" + bytes.joined() + (count > 24 ? "..." : "") + "\""
    }
}
