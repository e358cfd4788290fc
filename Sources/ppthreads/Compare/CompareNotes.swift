import Pipeline
import Threads

/// What a person should know before taking a comparison's figures at their word.
struct CompareNotes {
    let lines: [String]

    init(_ figures: ComparisonFigures) {
        let candidates = figures.comparison.candidates
        let first = candidates[0].plan
        let remarks = candidates.compactMap(\.plan.schedule.remark)
        lines =
            first.configuration.fileNotes + remarks.unique
            + [first.placement.note, Self.disturbance(figures)]
            .compactMap(\.self)
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

extension [String] {
    /// Each once, in the order in which they come first.
    var unique: [String] { reduce(into: []) { if !$0.contains($1) { $0.append($1) } } }
}
