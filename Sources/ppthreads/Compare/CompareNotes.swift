// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Threads

/// What a person should know before taking a comparison's figures at their word.
package struct CompareNotes {
    package let lines: [String]

    /// - Parameters:
    ///   - orderNotes: what is to be said of the schedules' files.
    ///   - link: that is reckoned with, if one is.
    package init(_ figures: ComparisonFigures, orderNotes: [String] = [], expecting link: LinkCost? = nil) {
        let candidates = figures.candidates
        let plans = candidates.map(\.plan)
        lines =
            plans[0].configuration.fileNotes + orderNotes + plans.compactMap(\.schedule.remark).unique
            + Self.told(candidates, plans.map { [$0.configuration.linkNote, $0.placement.note].compactMap(\.self) })
            + [Self.disturbance(figures), Self.tooFew(figures), link.map { Self.expectation(figures, of: $0) }]
            .compactMap(\.self) + Self.told(candidates, candidates.map(\.remarks))
    }

    /// What is to be said of each candidate: of all of them once, otherwise with the names of those that it is true of.
    private static func told(_ candidates: [CandidateFigures], _ notes: [[String]]) -> [String] {
        let all = notes.flatMap(\.self).unique
        let common = all.filter { note in notes.allSatisfy { $0.contains(note) } }
        return common
            + all.filter { !common.contains($0) }.map { note in
                let named = zip(candidates, notes).filter { $1.contains(note) }.map(\.0)
                return "\(names(named, among: candidates)): \(note)"
            }
    }

    /// `GPipe on threads, 1F1B on mpi`, or, of all those on a transport, `all on threads`.
    private static func names(_ some: [CandidateFigures], among all: [CandidateFigures]) -> String {
        let transports = some.map(\.transport).unique
        let isWhole = all.count { transports.contains($0.transport) } == some.count && some.count > transports.count
        return isWhole
            ? "all on \(transports.map(\.rawValue).joined(separator: ", "))" : some.map(\.name).joined(separator: ", ")
    }

    /// What a replay makes of each candidate's steps over a link.
    private static func expectation(_ figures: ComparisonFigures, of link: LinkCost) -> String {
        let steps = zip(figures.candidates, figures.expectedSteps(over: link)).map { candidate, step in
            let change = (step.value / candidate.stepSeconds.value - 1) * 100
            return "\(candidate.name) \(step.value.milliseconds) (\(change >= 0 ? "+" : "")\(change.fixed(1)) %)"
        }
        return "a replay with hand-offs of \(link.words) expects steps of \(steps.joined(separator: ", "))"
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
