// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// Schedule files that nobody wrote: sound ones with a few bytes or cells changed.
struct FileChanger {
    private var random: ScheduleSpace

    /// The same seed gives the same changes.
    init(seed: UInt64) { random = ScheduleSpace(seed: seed) }

    /// Bytes that mean something, or nothing at all.
    private static let bytes = Array("0123456789FIBWSENDRECV_UOLAP();, \t\r\n\"x-".utf8) + [0, 0x7f, 0xc3, 0xff]
    private static let words = [
        "", "0F0", "1B0", "0I0", "0W0", "0BW0", "1SEND_F0", "1RECV_B0", "0UNSHARD", "0REDUCE_GRAD",
        "(0F0;1B0)OVERLAP_F_B",
        "()OVERLAP_F_B", "99999999999999999999F0", "16777215F0", "0F16777215", "0F", "\"0F0\"", "\"", " 0F0 ", "0F0x",
    ]

    /// - Parameter texts: at least one, none of them empty.
    mutating func file(from texts: [[UInt8]]) -> [UInt8] {
        var text = texts[random.number(below: texts.count)]
        for _ in 0...random.number(below: 3) {
            if random.number(below: 2) == 0 {
                changeByte(&text)
            } else {
                text = changedCells(text)
            }
        }
        return text
    }

    private mutating func changeByte(_ text: inout [UInt8]) {
        let index = random.number(below: text.count + 1)
        let byte = Self.bytes[random.number(below: Self.bytes.count)]
        switch random.number(below: 5) {
        case 0: text.insert(byte, at: index)
        case 1 where index < text.count: text.remove(at: index)
        case 2: text.removeLast(random.number(below: min(text.count, 9) + 1))
        case _ where index < text.count: text[index] = byte
        default: text.append(byte)
        }
    }

    private mutating func changedCells(_ text: [UInt8]) -> [UInt8] {
        var rows = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map {
            $0.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map(Array.init)
        }
        let row = random.number(below: rows.count)
        let (first, second) = (random.number(below: rows[row].count), random.number(below: rows[row].count))
        let other = random.number(below: rows.count)
        switch random.number(below: 8) {
        case 0: rows[row].swapAt(first, second)
        case 1: rows[row].insert(rows[row].remove(at: first), at: second)
        case 2: rows[row].remove(at: first)
        case 3: rows[row].insert(rows[row][first], at: second)
        case 4: rows[other].append(rows[row].remove(at: first))
        case 5: rows.swapAt(row, other)
        case 6: rows.remove(at: row)
        default: rows[row][first] = Array(Self.words[random.number(below: Self.words.count)].utf8)
        }
        let lines = rows.map { Array($0.joined(separator: [UInt8(ascii: ",")])) }
        return Array(lines.joined(separator: [UInt8(ascii: "\n")]))
    }
}
