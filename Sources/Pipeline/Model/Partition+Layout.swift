// SPDX-License-Identifier: Apache-2.0

extension Partition {
    /// The cut that a layout tells of: all units of the model, in their order, with the layout's bars between them.
    /// - Throws: which unit is missing, or which letter stands twice or too early, and where.
    /// - Complexity: O(letters and bars + units).
    public init(_ layout: PartitionLayout, of model: Model) throws(LayoutError) {
        var walk = LayoutWalk(layout, model)
        self.init(cuts: try walk.cuts())
    }

    /// The cut as a layout that reads back as it, each the same way: `E t f | a f t*3 H`. A whole layer is `t`, three letters of
    /// a kind or more are one with their number, and a space stands between all others.
    /// - Parameter model: that it cuts.
    public func layout(of model: Model) -> String {
        ranges.map { Self.stageText(model.units, $0) }.joined(separator: " | ")
    }

    private static func stageText(_ units: [Unit], _ range: Range<Int>) -> String {
        var runs: [(letter: Character, count: Int)] = []
        var next = range.lowerBound
        while next < range.upperBound {
            let end = units.endOfLayer(from: next)
            let isWhole = end.map { $0 <= range.upperBound } ?? false
            let letter = isWhole ? "t" : units[next].letter
            if runs.last?.letter == letter { runs[runs.count - 1].count += 1 } else { runs.append((letter, 1)) }
            next = isWhole ? end! : next + 1
        }
        return runs.map { letter, count in
            count > 2 ? "\(letter)*\(count)" : Array(repeating: String(letter), count: count).joined(separator: " ")
        }.joined(separator: " ")
    }
}

extension [Unit] {
    /// Where the layer ends whose first unit is this one; nil where none starts.
    fileprivate func endOfLayer(from index: Int) -> Int? {
        guard index < count, let layer = self[index].layer else { return nil }
        if index > 0 && self[index - 1].layer == layer { return nil }
        return self[index...].firstIndex { $0.layer != layer } ?? count
    }
}

/// Follows a layout along a model's units.
private struct LayoutWalk {
    private typealias Symbol = PartitionLayout.Symbol

    private let layout: PartitionLayout
    private let model: Model
    private let units: [Unit]
    /// The unit that has to come now.
    private var next = 0

    init(_ layout: PartitionLayout, _ model: Model) {
        (self.layout, self.model) = (layout, model)
        units = model.units
    }

    mutating func cuts() throws(LayoutError) -> [Int] {
        var cuts = [0]
        for (index, symbol) in layout.symbols.enumerated() {
            if symbol.isBar {
                cuts.append(next)
            } else if let end = end(of: symbol.letter) {
                next = end
            } else {
                throw LayoutError(fault(at: index), in: layout.text, at: Int(symbol.offset))
            }
        }
        if next < units.count { throw LayoutError(.missing(name(of: next), before: nil), in: layout.text) }
        return cuts + [units.count]
    }

    /// Behind what a letter stands for, if that has to come now.
    private func end(of letter: UInt8) -> Int? {
        if letter == Symbol.wholeLayer { return units.endOfLayer(from: next) }
        return next < units.count && units[next].letter.asciiValue == letter ? next + 1 : nil
    }

    // MARK: What is wrong

    /// With a letter that has not to come now.
    private func fault(at index: Int) -> LayoutError.Fault {
        let symbol = layout.symbols[index]
        let all = count(symbol.letter, in: units.indices)
        if all == 0 { return .unknownLetter(symbol.character, model: model.name, known: knownLetters) }
        let isWithinLayer = symbol.letter == Symbol.wholeLayer && next < units.count && units[next].layer != nil
        if !isWithinLayer && count(symbol.letter, in: next..<units.count) == 0 {
            return .tooOften(symbol.character, count: all)
        }
        return comesLater(from: index)
            ? .tooEarly(symbol.character, unit: name(of: next)) : .missing(name(of: next), before: symbol.character)
    }

    /// Units of a letter; of `t`, layers that start there.
    private func count(_ letter: UInt8, in range: Range<Int>) -> Int {
        range.count { index in
            letter == Symbol.wholeLayer
                ? units.endOfLayer(from: index) != nil : units[index].letter.asciiValue == letter
        }
    }

    /// Whether the rest of the layout has as many of the unit that has to come now as there have to be, the layers' in their
    /// `t` counted.
    private func comesLater(from index: Int) -> Bool {
        let letter = units[next].letter.asciiValue ?? 0
        let ofLayer = units.first { $0.layer != nil }?.layer.map { layer in
            units.count { $0.layer == layer && $0.letter.asciiValue == letter }
        }
        let there = layout.symbols[index...].reduce(0) { sum, symbol in
            sum + (symbol.letter == letter ? 1 : symbol.letter == Symbol.wholeLayer ? ofLayer ?? 0 : 0)
        }
        return there >= count(letter, in: next..<units.count)
    }

    /// `unit 5, f of layer 1`.
    private func name(of index: Int) -> String {
        "unit \(index + 1), \(units[index].letter)" + (units[index].layer.map { " of layer \($0)" } ?? "")
    }

    /// `E, a, f and H`, in the order in which they come first.
    private var knownLetters: String {
        let letters = units.reduce(into: [Character]()) { if !$0.contains($1.letter) { $0.append($1.letter) } }
        let names = letters.map(String.init)
        return names.count < 2 ? names.joined() : names.dropLast().joined(separator: ", ") + " and \(names.last!)"
    }
}
