// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// Spans of one step, a line for each rank; in several bands, one below the other, where its names need more room than a line has.
struct TraceDrawing {
    /// In their order in time, for each rank that has any.
    private let spans: [Int: [TraceFile.Span]]
    private let ranks: Int
    /// Whether a rank has several, so that names need theirs.
    private let hasStages: Bool
    private let start: Double
    /// Microseconds from the start of the first span to the end of the last.
    let length: Double
    /// Nil where tasks do not tell their CPU times.
    private let causes: WaitCauses?

    /// - Parameter drawn: at least one.
    init(_ drawn: [TraceFile.Span], ranks: Int) {
        spans = Dictionary(grouping: drawn.sorted { $0.start < $1.start }, by: \.rank)
        self.ranks = ranks
        hasStages = spans.values.contains { Set($0.compactMap(\.stage)).count > 1 }
        let start = drawn.map(\.start).min()!
        self.start = start
        length = drawn.map(\.end).max()! - start
        causes = WaitCauses((0..<ranks).map { [spans] in spans[$0] ?? [] })
    }

    /// Of a step with waits of both kinds, what tells them apart in the drawing, and how much the imbalance is.
    var causeLines: [String] {
        guard let causes, causes.parts.joined().contains(where: { $0 > 0 }) else { return [] }
        let mean = (causes.imbalance / 1000).fixed(2)
        return [
            ": waits for rank \(causes.busiest), which has the most work (imbalance, \(mean) ms in the mean)",
            ". other waits, the order's, or for a rank that had no CPU",
        ]
    }

    /// Columns of the ranks' names, and at least a blank behind the longest.
    private var margin: Int { max(9, "rank \(ranks - 1)".count + 1) }

    /// Columns that lines have besides the drawing's: names at the left, shares at the right.
    var columnsBeside: Int { margin + Self.share(100).count }

    private static func share(_ percent: Double) -> String { "  at work \(percent.fixed(0)) %" }

    /// The part of the actions that have their names in some band.
    func partNamed(_ canvas: TraceCanvas) -> Double {
        let named = spans.values.joined().compactMap { span in name(span).map { (span, $0) } }
        let shown = named.count { span, name in
            (0..<canvas.bands).contains { columns(span, canvas, $0).count >= name.count }
        }
        return named.isEmpty ? 1 : Double(shown) / Double(named.count)
    }

    private func columns(_ span: TraceFile.Span, _ canvas: TraceCanvas, _ band: Int) -> Range<Int> {
        canvas.columns(from: span.start - start, to: span.end - start, band)
    }

    func lines(_ canvas: TraceCanvas) -> [String] {
        (0..<canvas.bands).flatMap { band in (band > 0 ? [""] : []) + lines(canvas, band) }
    }

    private func lines(_ canvas: TraceCanvas, _ band: Int) -> [String] {
        let isLast = band == canvas.bands - 1
        let lines = (0..<ranks).map { rank in
            let own = spans[rank] ?? []
            let worked = own.filter { !$0.isWait }.reduce(0) { $0 + $1.duration }
            let share = length > 0 ? worked / length * 100 : 0
            let line = "rank \(rank)".padded(to: margin) + line(rank, own, canvas, band)
            return isLast ? line + Self.share(share) : line.trimmedRight
        }
        return lines + ["".padded(to: margin) + canvas.axis(band)]
    }

    private func line(_ rank: Int, _ own: [TraceFile.Span], _ canvas: TraceCanvas, _ band: Int) -> String {
        var cells = Array(repeating: Character(" "), count: canvas.width)
        for span in own {
            let columns = columns(span, canvas, band)
            for (column, character) in zip(columns, bar(span, columns: columns.count)) { cells[column] = character }
        }
        for (wait, part) in zip(own.filter(\.isWait), causes?.parts[rank] ?? []) where part > 0 {
            let from = wait.end - part - start
            for column in canvas.columns(from: from, to: wait.end - start, band) where cells[column] == "." {
                cells[column] = ":"
            }
        }
        return String(cells)
    }

    /// An action's, with its stage where a rank has several; nil for what has a sign alone.
    private func name(_ span: TraceFile.Span) -> String? {
        switch RankTask.Kind(rawValue: span.category) {
        case .packing, .reduction, .update, nil: nil
        default: (hasStages ? span.stage.map(String.init) ?? "" : "") + span.name.visible
        }
    }

    /// The name and then the kind's sign; the sign alone where the name does not fit.
    private func bar(_ span: TraceFile.Span, columns: Int) -> String {
        let character: Character =
            switch RankTask.Kind(rawValue: span.category) {
            case .forward: "="
            case .backward, .backwardInput: "#"
            case .backwardWeights: "+"
            case .packing: "p"
            case .reduction: "r"
            case .update: "u"
            case nil: span.isWait ? "." : "?"
            }
        let sign = String(repeating: character, count: columns)
        guard let name = name(span), name.count <= columns else { return sign }
        return name + sign.dropFirst(name.count)
    }
}
