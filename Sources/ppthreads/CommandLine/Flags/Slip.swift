// SPDX-License-Identifier: Apache-2.0

/// What was probably meant by a word that is not there.
///
/// Only a slip of the hand is put right: letters that were exchanged, one too few, too many or another one, a hyphen that is
/// missing. A word that is merely like another one, or the start of it, may well mean a feature that there is not.
package enum Slip {
    /// The word of a list that a hand which typed `word` was after; nil when none is likely.
    package static func of(_ word: String, among words: [String]) -> String? {
        let typed = letters(word)
        let slips = words.compactMap { candidate -> (word: String, edits: Int)? in
            let meant = letters(candidate)
            let edits = edits(from: meant, to: typed)
            return edits <= mostEdits(meant, typed) ? (candidate, edits) : nil
        }
        return slips.min { $0.edits < $1.edits }?.word
    }

    /// Hyphens at the start, `_` for `-`, and capitals do not count.
    private static func letters(_ word: String) -> [Character] {
        Array(word.lowercased().replacing("_", with: "-").drop { $0 == "-" })
    }

    /// One in a short word, two in a long one. In the shortest, and where words start with other letters or one is the start
    /// of the other by more than a letter, any edit may make another word of it.
    private static func mostEdits(_ meant: [Character], _ typed: [Character]) -> Int {
        let (short, long) = meant.count < typed.count ? (meant, typed) : (typed, meant)
        if short.count < 2 || long.count < 3 { return 0 }
        // A plural is no other word.
        if typed.count + 2 == meant.count && meant == typed + ["e", "s"] { return 2 }
        if long.count > short.count + 1 && long.starts(with: short) { return 0 }
        let startsAlike = meant[0] == typed[0] || meant[0] == typed[1] || meant[1] == typed[0]
        if !startsAlike { return long.count >= 6 ? 1 : 0 }
        return short.count >= 8 ? 2 : 1
    }

    /// The number of letters to change, add, leave out, or exchange with their neighbour (optimal string alignment).
    private static func edits(from a: [Character], to b: [Character]) -> Int {
        var rows = [Array(0...b.count)]
        for i in a.indices {
            var row = [i + 1]
            for j in b.indices {
                var edits = min(rows[i][j] + (a[i] == b[j] ? 0 : 1), rows[i][j + 1] + 1, row[j] + 1)
                if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] { edits = min(edits, rows[i - 1][j - 1] + 1) }
                row.append(edits)
            }
            rows.append(row)
        }
        return rows[a.count][b.count]
    }
}
