/// Instructions that wait for each other in a circle.
public struct WaitCycle: Hashable, Sendable, CustomStringConvertible {
    /// Where a rank stands still, and for what.
    public struct Link: Hashable, Sendable {
        /// What cannot begin.
        public let waiting: Instruction
        /// What it waits for: another rank's, which is the next link's `waiting` or stands behind it.
        public let awaited: Instruction
    }

    /// One for each rank that is part of it; the last waits for what stands behind the first.
    public let links: [Link]

    /// `0B0 waits for 1B0, which stands behind 1F1, which waits for 0F1, which stands behind 0B0`; the middle of a long one
    /// is counted instead.
    public var description: String {
        guard let first = links.first, let last = links.last else { return "" }
        var parts = links.indices.map(part)
        let hidden = links.count - Self.linksMost
        if hidden > 0 {
            let way = "leads over \(hidden) more rank\(hidden == 1 ? "" : "s") to \(last.waiting)"
            parts.replaceSubrange((Self.linksMost - 2)..<(links.count - 1), with: [way])
        }
        return "\(first.waiting) " + parts.joined(separator: ", which ")
    }

    private func part(_ index: Int) -> String {
        let next = links[(index + 1) % links.count].waiting
        let awaited = links[index].awaited
        return "waits for \(awaited)" + (next == awaited ? "" : ", which stands behind \(next)")
    }

    private static let linksMost = 6
}

/// Rows of instructions that are done one after the other in each row, as far as they go.
struct RowRun {
    /// What has to have happened in another row.
    struct Need {
        let row, index: Int
        /// Whether the instruction has to be over; else it is enough that the row has come to it.
        let isOver: Bool

        var finished: Int { isOver ? index + 1 : index }
    }

    /// For each row, where it stands when nothing goes on any more.
    private(set) var next: [Int]
    /// For each row that stands still, what for.
    private var need: [Need?]
    private let counts: [Int]

    /// - Parameter needs: of an instruction, given its row and index.
    /// - Complexity: O(instructions and needs).
    init(_ counts: [Int], needs: (_ row: Int, _ index: Int) -> [Need]) {
        self.counts = counts
        next = counts.map { _ in 0 }
        need = counts.map { _ in nil }
        // For each row, who waits for it to have finished so many.
        var waiting: [[Int: [Int]]] = counts.map { _ in [:] }
        var ready = Array(counts.indices.reversed())
        while let row = ready.popLast() {
            need[row] = nil
            while next[row] < counts[row] {
                if let unmet = needs(row, next[row]).first(where: { next[$0.row] < $0.finished }) {
                    need[row] = unmet
                    waiting[unmet.row][unmet.finished, default: []].append(row)
                    break
                }
                next[row] += 1
                ready += waiting[row].removeValue(forKey: next[row]) ?? []
            }
        }
    }

    /// The rows that wait for each other, each with what it waits for, the first of them first; nil when all came to their end.
    var cycle: [(row: Int, need: Need)]? {
        guard var row = counts.indices.first(where: { next[$0] < counts[$0] }) else { return nil }
        var order: [Int] = []
        var seen: Set<Int> = []
        while seen.insert(row).inserted, let need = need[row] {
            order.append(row)
            row = need.row
        }
        guard let start = order.firstIndex(of: row) else { return nil }
        let around = Array(order[start...])
        let first = around.indices.min { around[$0] < around[$1] } ?? 0
        return (around[first...] + around[..<first]).compactMap { row in need[row].map { (row, $0) } }
    }
}
