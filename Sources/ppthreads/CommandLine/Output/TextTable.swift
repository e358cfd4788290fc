// SPDX-License-Identifier: Apache-2.0

/// Rows of cells in columns as wide as their widest cell.
struct TextTable {
    private let rows: [[String]]
    private let leading: Int

    /// - Parameters:
    ///   - rows: whose cells may hold anything; what is hidden in them is shown as escapes, each as wide as it is.
    ///   - leading: how many columns have their text on the left; the others, numbers, have it on the right.
    init(_ rows: [[String]], leading: Int) {
        self.rows = rows.map { $0.map(\.visible) }
        self.leading = leading
    }

    var text: String { lines.joined(separator: "\n") }

    var lines: [String] {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max()! }
        return rows.map { row in
            let cells = row.indices.map { column in
                column < leading
                    ? row[column].padded(to: widths[column]) : row[column].paddedLeft(to: widths[column])
            }
            return cells.joined(separator: "  ").trimmedRight
        }
    }
}

extension String {
    /// The text with spaces behind it, up to a width; longer texts stay as they are.
    func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
    /// The text with spaces before it.
    func paddedLeft(to width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }
    /// Without spaces at its end.
    var trimmedRight: String { String(self[..<(lastIndex { $0 != " " }.map { index(after: $0) } ?? startIndex)]) }
}
