// SPDX-License-Identifier: Apache-2.0

/// Rows of instructions that are done one after the other in each row, as far as they go.
struct RowRun {
    /// What has to have happened in another row.
    struct Need {
        let position: FileRows.Position
        /// Whether the instruction has to be over; else it is enough that the row has come to it.
        let isOver: Bool

        fileprivate var row: Int { position.row }
        fileprivate var finished: Int { isOver ? position.index + 1 : position.index }
    }

    /// For each row, the index at which it stands when nothing goes on any more.
    private var next: [Int]
    /// For each row that stands still, what for.
    private var need: [Need?]
    private let counts: [Int]

    /// - Parameters:
    ///   - counts: of each row's instructions.
    ///   - needs: of an instruction.
    /// - Complexity: O(instructions and needs).
    init(_ counts: [Int], needs: (FileRows.Position) -> [Need]) {
        self.counts = counts
        next = counts.map { _ in 0 }
        need = counts.map { _ in nil }
        // For each row, who waits for it to have finished so many.
        var waiting: [[Int: [Int]]] = counts.map { _ in [:] }
        var ready = Array(counts.indices.reversed())
        while let row = ready.popLast() {
            need[row] = nil
            while next[row] < counts[row] {
                if let unmet = needs(FileRows.Position(row: row, index: next[row])).first(where: {
                    next[$0.row] < $0.finished
                }) {
                    need[row] = unmet
                    waiting[unmet.row][unmet.finished, default: []].append(row)
                    break
                }
                next[row] += 1
                ready += waiting[row].removeValue(forKey: next[row]) ?? []
            }
        }
    }

    /// Where rows wait for each other, and for what, from the first of them on; nil when all came to their ends.
    var cycle: [(waiting: FileRows.Position, awaited: FileRows.Position)]? {
        guard var row = counts.indices.first(where: { next[$0] < counts[$0] }) else { return nil }
        var order: [Int] = []
        var seen: Set<Int> = []
        while seen.insert(row).inserted, let need = need[row] {
            order.append(row)
            row = need.row
        }
        let around = order.drop { $0 != row }
        let first = around.min().flatMap { around.firstIndex(of: $0) } ?? around.startIndex
        return (around[first...] + around[..<first]).compactMap { row in
            need[row].map { (FileRows.Position(row: row, index: next[row]), $0.position) }
        }
    }
}

extension [[FileRows.Entry]] {
    /// The circle in which rows end, and where its first instruction stands; nil when all come to their ends.
    /// - Parameter needs: of an instruction in a row, from other rows.
    func deadlock(
        needs: (Instruction, _ row: Int) -> [RowRun.Need]
    ) -> (cycle: WaitCycle, start: FileRows.Position)? {
        let run = RowRun(map(\.count)) { needs(self[$0].instruction, $0.row) }
        guard let waits = run.cycle, let start = waits.first?.waiting else { return nil }
        let links = waits.map { waiting, awaited in
            WaitCycle.Link(waiting: self[waiting].instruction, awaited: self[awaited].instruction)
        }
        return (WaitCycle(links: links), start)
    }
}
