// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// Spans of one step, a line for each rank.
struct TraceDrawing {
    /// In their order in time, for each rank that has any.
    private let spans: [Int: [TraceFile.Span]]
    private let ranks: Int
    /// Whether a rank has several, so that names need theirs.
    private let hasStages: Bool
    private let width: Int
    private let start: Double
    /// Microseconds from the start of the first span to the end of the last.
    let length: Double

    /// - Parameter drawn: at least one.
    init(_ drawn: [TraceFile.Span], ranks: Int, width: Int) {
        spans = Dictionary(grouping: drawn.sorted { $0.start < $1.start }, by: \.rank)
        self.ranks = ranks
        hasStages = spans.values.contains { Set($0.compactMap(\.stage)).count > 1 }
        self.width = width
        let start = drawn.map(\.start).min()!
        self.start = start
        length = drawn.map(\.end).max()! - start
    }

    /// - Parameter scale: microseconds that the width stands for, at least `length`.
    func lines(over scale: Double) -> [String] {
        let lines = (0..<ranks).map { rank in
            let own = spans[rank] ?? []
            let worked = own.filter { !$0.isWait }.reduce(0) { $0 + $1.duration }
            let share = length > 0 ? worked / length * 100 : 0
            return "rank \(rank)".padded(to: margin) + line(own, scale) + "  at work \(share.fixed(0)) %"
        }
        let end = "\((scale / 1000).fixed(2)) ms"
        return lines + ["".padded(to: margin) + "0".padded(to: width - 10) + end.paddedLeft(to: 10)]
    }

    /// Columns of the ranks' names, and at least a blank behind the longest.
    private var margin: Int { max(9, "rank \(ranks - 1)".count + 1) }

    private func line(_ own: [TraceFile.Span], _ scale: Double) -> String {
        /// Of a time that is within the step.
        func column(_ time: Double) -> Int { scale > 0 ? Int((time - start) / scale * Double(width)) : 0 }
        var cells = Array(repeating: Character(" "), count: width)
        for span in own {
            let from = min(column(span.start), width - 1)
            let to = max(column(span.end), from + 1)
            let bar = bar(span, columns: to - from)
            for (offset, character) in bar.enumerated() where from + offset < width { cells[from + offset] = character }
        }
        return String(cells)
    }

    /// The name and then the kind's sign; the sign alone where the name does not fit.
    private func bar(_ span: TraceFile.Span, columns: Int) -> String {
        let kind = RankTask.Kind(rawValue: span.category)
        let (character, isNamed): (Character, Bool) =
            switch kind {
            case .forward: ("=", true)
            case .backward, .backwardInput: ("#", true)
            case .backwardWeights: ("+", true)
            case .packing: ("p", false)
            case .update: ("u", false)
            case nil: (span.isWait ? "." : "?", false)
            }
        let sign = String(repeating: character, count: columns)
        let name = (hasStages ? span.stage.map(String.init) ?? "" : "") + span.name.visible
        return isNamed && name.count <= columns ? name + sign.dropFirst(name.count) : sign
    }
}
