// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Threads

/// What a comparison means, in two sentences: one about the transport, one about the schedule. A third tells where neither can be
/// relied on.
package struct CompareVerdict {
    private let figures: ComparisonFigures

    package init(_ figures: ComparisonFigures) { self.figures = figures }

    /// In the order in which they are told.
    package var sentences: [String] { [transport, schedule] + [machine].compactMap(\.self) }

    /// The candidates of each transport, in order.
    private var transports: [(name: String, indices: [Int])] {
        let names = figures.candidates.map(\.transport.rawValue)
        return names.unique.map { name in (name, names.indices.filter { names[$0] == name }) }
    }

    package var transport: String {
        let shares = transports.map { name, indices in
            let shares = indices.map { index -> Double in
                let candidate = figures.candidates[index]
                return candidate[.transport].value / candidate.stepSeconds.value * 100
            }
            return "\(range(shares, 2)) % of the step on \(name)"
        }
        let cost = "hand-offs add \(shares.joined(separator: ", "))"
        if transports.count == 1 { return "Transport: \(cost)." }
        let first = transports[0].name
        let pairs = transports.dropFirst().map { name, indices in
            "\(name) against \(first): \(joined(indices.compactMap { figures.acrossTransports[$0] }))"
        }
        return "Transport: \(cost); \(pairs.joined(separator: "; "))."
    }

    package var schedule: String {
        let first = figures.candidates[0]
        if figures.acrossSchedules.isEmpty {
            let largest = Breakdown.Term.allCases.dropFirst().max { first[$0].value < first[$1].value }!
            return "Schedule: the largest loss is \(largest), \(first[largest].value.duration) of the step."
        }
        let (title, transport) = (first.schedule, first.transport.rawValue)
        return "Schedule: against \(title), on \(transport): \(joined(figures.acrossSchedules))."
    }

    /// Nil where no more than half of any candidate's trials stayed disturbed, nor of those on one stage.
    package var machine: String? {
        let rounds = figures.comparison.oneStage.count
        let tries = figures.candidates.map { ($0.name, $0.tries) } + [("one stage", figures.oneStageTries)]
        let mostly = tries.filter { 2 * $0.1.disturbed > rounds }.map { name, tries in
            "\(name) (\(tries.disturbed) of \(counted(rounds, "trial")))"
        }
        if mostly.isEmpty { return nil }
        return
            "Machine: in most trials others took CPUs from \(mostly.joined(separator: ", ")); differences may be theirs."
    }

    // MARK: Words

    /// First those that are seen, each with the term that differs most.
    private func joined(_ differences: [Difference]) -> String {
        func listed(_ isSeen: Bool?) -> String? {
            let alike = differences.filter { $0.isSeen == isSeen }.map {
                "\($0.candidate.schedule) (\(ratio($0)))"
            }
            return alike.isEmpty ? nil : alike.joined(separator: ", ")
        }
        let seen = differences.filter { $0.isSeen == true }.map { difference in
            "\(difference.candidate.schedule) \(ratio(difference))\(reason(difference))"
        }
        let few = figures.comparison.fewTrials
        let others = [
            listed(false).map { "no difference seen for \($0)" },
            listed(nil).map { "\(few) to tell for \($0); at least \(Estimate.countLeast) are needed" },
        ]
        return (seen + others.compactMap(\.self)).joined(separator: "; ")
    }

    private func ratio(_ difference: Difference) -> String {
        let ratio = difference.ratio
        return (["x\(ratio.value.fixed(3))"] + [ratio.brackets { $0.fixed(3) }].compactMap(\.self)).joined(
            separator: " ")
    }

    private func reason(_ difference: Difference) -> String {
        if !difference.hasReason { return ", and no one term shows why" }
        let sign = difference.change.value > 0 ? "+" : ""
        return ", \(difference.term) differs most (\(sign)\(difference.change.value.duration))"
    }

    private func range(_ values: [Double], _ digits: Int) -> String {
        let (low, high) = (values.min()!.fixed(digits), values.max()!.fixed(digits))
        return low == high ? low : "\(low) to \(high)"
    }
}
