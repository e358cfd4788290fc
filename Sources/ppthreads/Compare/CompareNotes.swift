// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Threads

/// What a person should know before taking a comparison's figures at their word.
package struct CompareNotes {
    package let lines: [String]

    /// - Parameter orderNotes: what is to be said of the schedules' files.
    package init(_ figures: ComparisonFigures, orderNotes: [String] = []) {
        let candidates = figures.comparison.candidates
        let first = candidates[0].plan
        let remarks = candidates.compactMap(\.plan.schedule.remark)
        lines =
            first.configuration.fileNotes + orderNotes + remarks.unique
            + [first.configuration.linkNote, first.placement.note, Self.disturbance(figures), Self.tooFew(figures)]
            .compactMap(\.self) + Self.remarks(figures.candidates)
    }

    /// Those that are the same for all once, the others with their candidates' names.
    private static func remarks(_ candidates: [CandidateFigures]) -> [String] {
        let common = candidates[0].remarks.filter { remark in candidates.allSatisfy { $0.remarks.contains(remark) } }
        return common
            + candidates.flatMap { candidate in
                candidate.remarks.filter { !common.contains($0) }.map { "\(candidate.name): \($0)" }
            }
    }

    /// What the figures' intervals are, in a few words.
    static func intervals(_ figures: ComparisonFigures) -> String {
        if !figures.comparison.hasIntervals { return "too few trials for intervals" }
        return figures.pairCount > 1
            ? "95 % intervals, those of the \(figures.pairCount) ratios together" : "95 % intervals"
    }

    private static func tooFew(_ figures: ComparisonFigures) -> String? {
        figures.comparison.hasIntervals
            ? nil : "\(figures.comparison.fewTrials) for an interval; at least \(Estimate.countLeast) are needed"
    }

    /// What was measured again, and what stayed disturbed all the same.
    private static func disturbance(_ figures: ComparisonFigures) -> String? {
        let tries = figures.candidates.map { ($0.name, $0.tries) } + [("one stage", figures.oneStageTries)]
        let again = tries.reduce(0) { $0 + $1.1.all } - figures.comparison.oneStage.count * tries.count
        if again == 0 { return nil }
        let disturbed = tries.filter { $0.1.disturbed > 0 }.map { "\($0.1.disturbed) of \($0.0)" }
        let limit = "\((Disturbance.limit * 100).fixed(0)) % of the step"
        let end =
            disturbed.isEmpty
            ? "until all were quiet"
            : "and \(disturbed.joined(separator: ", ")) stayed DISTURBED in \(Quietest<Void>.triesMost) tries"
        let times = counted(again, "time")
        return "others had CPUs of the ranks for more than \(limit); runs were measured \(times) more for that, \(end)"
    }
}

extension Comparison {
    /// Whether there are enough trials for them.
    var hasIntervals: Bool { oneStage.count >= Estimate.countLeast }
    /// `3 trials are too few`.
    var fewTrials: String { "\(counted(oneStage.count, "trial")) \(oneStage.count == 1 ? "is" : "are") too few" }
}
