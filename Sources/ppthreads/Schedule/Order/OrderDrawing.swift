// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// An order in time as lines of text, one for each rank: `F0 B0### F1`, with dots where the rank does nothing.
///
/// An action's name is its letter and its microbatch, with the stage before them where ranks run several; a longer one goes on
/// with its sign. Where the names of all actions do not fit into the width, the whole step is squeezed into it, and
/// actions that are too short for their names are drawn by their signs.
package struct OrderDrawing {
    package let lines: [String]
    /// How to read it where names are left out; nil where every action that takes time has its name.
    package let hint: String?

    /// - Parameter width: columns that there are for the step.
    package init(_ times: OrderTimes, width: Int) {
        let cells = Cells(times, width: width)
        let margin = "rank \(times.schedule.ranks - 1)  ".count
        lines = times.schedule.actions.indices.map { rank in
            "rank \(rank)".padded(to: margin) + cells.line(rank)
        }
        hint = cells.widthOfNames.map { width in
            Self.signs
                + (width <= Double(Self.widthMost) ? "; --width \(Int(width.rounded(.up))) names every action" : "")
        }
    }

    /// How to read what has no name.
    static let signs = "= is a forward, # a backward or its input's half, + the weights' half"

    /// What `--width` takes.
    static let widthMost = 10_000
}

/// Where a step's actions stand in columns.
private struct Cells {
    private let times: OrderTimes
    /// Whether a rank has several.
    private let hasStages: Bool
    private let columnsOfUnit: Double
    /// Of the shortest time that all durations are multiples of; nil where names do not fit.
    private let columnsOfMeasure: Int?
    /// Columns that all names need, infinitely many where no number is enough; nil where there are so many.
    let widthOfNames: Double?

    init(_ times: OrderTimes, width: Int) {
        self.times = times
        hasStages = times.schedule.virtualStages > 1
        let named = Self.columns(times)
        let needed = named.map { times.makespan / $0.measure * Double($0.columns) } ?? .infinity
        if let (measure, columns) = named, needed <= Double(width) {
            columnsOfMeasure = columns
            columnsOfUnit = Double(columns) / measure
            widthOfNames = nil
        } else {
            columnsOfMeasure = nil
            // Of a step that takes no time, or next to none, there is nothing to draw.
            let columns = Double(width) / times.makespan
            columnsOfUnit = columns.isFinite ? columns : 0
            widthOfNames = needed
        }
    }

    /// The largest time that all durations are multiples of, and as many columns for it as give every action its name and a blank;
    /// nil where there is none.
    private static func columns(_ times: OrderTimes) -> (measure: Double, columns: Int)? {
        let kinds = Set(times.schedule.actions.joined().map(\.kind))
        let stages = times.costs.stages.unique
        let lengths = stages.flatMap { stage in
            kinds.map { (time: stage.duration($0), name: longestName($0, times.schedule) + 1) }.filter { $0.time > 0 }
        }
        let moments = lengths.map(\.time) + stages.map(\.handOff).filter { $0 > 0 }
        guard let measure = commonMeasure(moments), measure > 0 else { return nil }
        let columns = lengths.map { (Double($0.name) * measure / $0.time).rounded(.up) }.max() ?? 1
        // Beside a time that is next to none, the others need more room than there is.
        return columns <= Double(OrderDrawing.widthMost) ? (measure, Int(columns)) : nil
    }

    private static func longestName(_ kind: Action.Kind, _ schedule: Schedule) -> Int {
        let last = Action(kind, stage: schedule.stages - 1, microbatch: schedule.microbatches - 1)
        return name(last, hasStages: schedule.virtualStages > 1).count
    }

    /// The largest number that all of them are multiples of, among hundredths.
    private static func commonMeasure(_ values: [Double]) -> Double? {
        let hundredths = values.map { ($0 * 100).rounded() }
        guard zip(values, hundredths).allSatisfy({ abs($0 * 100 - $1) < 1e-6 && $1 < 1e9 }) else { return nil }
        return Double(hundredths.map { Int($0) }.reduce(0, gcd)) / 100
    }

    private static func gcd(_ a: Int, _ b: Int) -> Int { b == 0 ? a : gcd(b, a % b) }

    private static func name(_ action: Action, hasStages: Bool) -> String {
        hasStages ? action.description : "\(action.kind.rawValue)\(action.microbatch)"
    }

    func line(_ rank: Int) -> String {
        let columns = Int((times.makespan * columnsOfUnit).rounded())
        var cells = (0..<max(columns, 1)).map(idle)
        for (index, action) in times.schedule.actions[rank].enumerated() {
            let from = Int((times.start[rank][index] * columnsOfUnit).rounded())
            let to = Int((times.end(rank, index) * columnsOfUnit).rounded())
            for (offset, character) in bar(action, columns: to - from).enumerated() where from + offset < cells.count {
                cells[from + offset] = character
            }
        }
        return String(cells).trimmedRight
    }

    /// A dot; a blank at the end of each measure, as behind a name.
    private func idle(_ column: Int) -> Character {
        guard let columnsOfMeasure, columnsOfMeasure > 1 else { return "." }
        return column % columnsOfMeasure == columnsOfMeasure - 1 ? " " : "."
    }

    private func bar(_ action: Action, columns: Int) -> String {
        if columns <= 0 { return "" }
        let name = Self.name(action, hasStages: hasStages)
        let sign: Character =
            switch action.kind {
            case .forward: "="
            case .backward, .backwardInput: "#"
            case .backwardWeights: "+"
            }
        let signs = String(repeating: sign, count: columns)
        if columnsOfMeasure != nil { return name + signs.dropFirst(name.count + 1) + " " }
        // Without a sign behind it, a name could not be told from the next one's.
        return name.count < columns ? name + signs.dropFirst(name.count) : signs
    }
}
