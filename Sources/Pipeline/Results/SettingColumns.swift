// SPDX-License-Identifier: Apache-2.0

/// Settings of rows, or of groups of them: for each setting a column of the numbers of its values.
///
/// Columns take 4 bytes a value, are sorted by counting, and are compared one by one, so that a million combinations of
/// settings need no list each.
struct SettingColumns {
    private(set) var columns: [[SettingValues.Number]]
    /// Rows that were added last, one after the other: columns get them by the hundred, which is quicker than one by one.
    private var pending: [SettingValues.Number] = []
    private static let pendingMost = 256 * RunSetting.allCases.count

    init() { columns = RunSetting.allCases.map { _ in [] } }

    subscript(row: Int, setting: RunSetting) -> SettingValues.Number { columns[setting.index][row] }

    /// - Parameter numbers: one for each setting, in the order of all.
    mutating func append(_ numbers: [SettingValues.Number]) {
        pending += numbers
        if pending.count == Self.pendingMost { flush() }
    }

    /// Gives columns the rows that are pending. To be called after the last one, before any of them is looked at.
    mutating func flush() {
        for index in columns.indices {
            columns[index].append(
                contentsOf: stride(from: index, to: pending.count, by: columns.count).lazy.map { [pending] in
                    pending[$0]
                })
        }
        pending.removeAll(keepingCapacity: true)
    }

    /// Gives each value another number.
    mutating func renumber(_ numbers: [SettingValues.Number]) {
        for index in columns.indices {
            for row in columns[index].indices { columns[index][row] = numbers[Int(columns[index][row])] }
        }
    }

    /// Keeps some rows, in this order.
    mutating func select(_ rows: [Int32]) {
        for index in columns.indices {
            let column = columns[index]
            columns[index] = rows.map { column[Int($0)] }
        }
    }

    /// Settings that have several values.
    var varying: [RunSetting] {
        RunSetting.allCases.filter { setting in
            let column = columns[setting.index]
            return column.contains { $0 != column[0] }
        }
    }

    func areAlike(_ a: Int, _ b: Int, in settings: [RunSetting]) -> Bool {
        settings.allSatisfy { columns[$0.index][a] == columns[$0.index][b] }
    }

    /// For each of some rows whether it differs from the one before in any of some settings; the first one does.
    func changes(_ rows: [Int32], in settings: [RunSetting]) -> [Bool] {
        var changes = Array(repeating: false, count: rows.count)
        if !rows.isEmpty { changes[0] = true }
        for setting in settings {
            let column = columns[setting.index]
            for index in rows.indices.dropFirst() where column[Int(rows[index])] != column[Int(rows[index - 1])] {
                changes[index] = true
            }
        }
        return changes
    }

    /// Rows by the numbers of some settings, the first of these before all; those alike stay in their order.
    func sorted(_ rows: [Int32], by settings: [RunSetting]) -> [Int32] {
        settings.reversed().reduce(rows) { Self.sorted($0, by: columns[$1.index]) }
    }

    /// A stable sort by counting: O(rows + values).
    private static func sorted(_ rows: [Int32], by column: [SettingValues.Number]) -> [Int32] {
        var ends = Array(repeating: Int32(0), count: Int(column.max() ?? 0) + 1)
        for row in rows { ends[Int(column[Int(row)])] += 1 }
        for value in ends.indices.dropFirst() { ends[value] += ends[value - 1] }
        var sorted = rows
        for row in rows.reversed() {
            ends[Int(column[Int(row)])] -= 1
            sorted[Int(ends[Int(column[Int(row)])])] = row
        }
        return sorted
    }
}
