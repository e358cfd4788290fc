// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

/// A model that cannot be trained: units that do not fit each other or the model, or sizes that make none.
public struct ModelError: Error, Equatable, CustomStringConvertible {
    /// The names of the units at fault; none where the model as a whole is.
    public let units: [String]
    /// What is wrong, worded to follow the units' names and a colon.
    public let reason: String

    init(_ units: Unit..., reason: String) {
        self.units = units.map(\.name)
        self.reason = reason
    }

    public var description: String {
        switch units.count {
        case 0: reason
        case 1: "unit \(units[0]): \(reason)"
        default: "units \(units.joined(separator: " and ")): \(reason)"
        }
    }
}

extension Model {
    /// Checks sizes, and what units assume of each other and of the model: columns, tokens, targets, parameters' names.
    ///
    /// - Parameter costs: of the units, in their order.
    func check(_ costs: [UnitCost]) throws(ModelError) {
        var gives = 0
        for (index, unit) in units.enumerated() {
            let before = index == 0 ? nil : units[index - 1]
            try costs[index].check(unit, takes: gives, from: before)
            if let rows = costs[index].plan.tokensBelow, rows < vocabulary {
                throw ModelError(
                    unit, reason: "has rows for \(rows) tokens, and the model's vocabulary is \(vocabulary)")
            }
            if let columns = costs[index].plan.targetsBelow, columns < vocabulary {
                throw ModelError(
                    unit, reason: "has columns for \(columns) tokens, and the model's vocabulary is \(vocabulary)")
            }
            gives = unit.outputColumns
        }
        try Self.checkNames(units, costs)
    }

    /// The largest size that a model may have: far beyond what runs, and small enough that no sum of a layer overflows.
    static let sizeMost = 1 << 30

    /// Checks what needs no unit to be made.
    func checkSizes() throws(ModelError) {
        if let refusal { throw refusal }
        guard let last = units.last else { throw ModelError(reason: "the model has no units") }
        if last.outputColumns != 0 {
            throw ModelError(
                last, reason: "the last unit computes the loss, and gives 0 columns, not \(last.outputColumns)")
        }
        for unit in units.dropLast() where !(1...Self.sizeMost).contains(unit.outputColumns) {
            throw ModelError(
                unit,
                reason: "gives \(unit.outputColumns) columns; a unit that is not the last gives 1 to \(Self.sizeMost)")
        }
        for unit in units where !unit.letter.isASCII || !unit.letter.isLetter || "tLm".contains(unit.letter) {
            throw ModelError(
                unit,
                reason:
                    "its letter is \(unit.letter), which is none of ASCII, or t, L or m, which layouts have for others")
        }
        let sizes = [("vocabulary", vocabulary), ("sequence length", sequenceLength)]
        for (what, size) in sizes where !(1...Self.sizeMost).contains(size) {
            throw ModelError(reason: "a \(what) of \(size); 1 to \(Self.sizeMost) is allowed")
        }
    }

    /// Checks that every layer has a unit, and that units stand in their layers' order: what cuts between layers assume.
    func checkLayers() throws(ModelError) {
        var next = 0
        for unit in units {
            guard let layer = unit.layer else { continue }
            if layer != next && layer != next - 1 {
                throw ModelError(
                    unit, reason: "is of layer \(layer), and stands where one of layer \(next) is to stand")
            }
            next = layer + 1
        }
        if next != layers { throw ModelError(reason: "the model has \(layers) layers, and its units are of \(next)") }
    }

    static func checkNames(_ units: [Unit], _ costs: [UnitCost]) throws(ModelError) {
        var owners: [String: Unit] = [:]
        for (unit, cost) in zip(units, costs) {
            for parameter in cost.parameters {
                if let owner = owners.updateValue(unit, forKey: parameter.name) {
                    throw ModelError(owner, unit, reason: "both have a parameter called \(parameter.name)")
                }
                if parameter.name.isEmpty || parameter.name == "__metadata__" {
                    throw ModelError(unit, reason: "a checkpoint cannot hold a parameter called \"\(parameter.name)\"")
                }
            }
        }
    }
}

extension UnitCost {
    /// Checks a unit that receives so many columns.
    func check(_ unit: Unit, takes columns: Int, from before: Unit?) throws(ModelError) {
        if let wanted = layer.inputColumns, wanted != columns {
            guard let before else { throw ModelError(unit, reason: "takes \(wanted) columns, and gets \(columns)") }
            throw ModelError(before, unit, reason: "the first gives \(columns) columns, the second takes \(wanted)")
        }
        if let made = layer.outputColumns, made != unit.outputColumns {
            throw ModelError(
                unit, reason: "says that it gives \(unit.outputColumns) columns, and its layer gives \(made)")
        }
    }
}

extension StagePlan {
    /// Traps unless sizes that a layer was made with are from 1 to what no sum of them overflows with.
    static func requireSizes(_ what: String, _ sizes: [Int]) {
        for size in sizes {
            require((1...Model.sizeMost).contains(size), "\(what) of size \(size); 1 to \(Model.sizeMost) is allowed")
        }
    }
}
