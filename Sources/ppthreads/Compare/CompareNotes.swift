import Pipeline
import Threads

/// What a person should know before taking a comparison's figures at their word.
struct CompareNotes {
    let lines: [String]

    init(_ comparison: Comparison) {
        let same = comparison.candidates.filter {
            $0.schedule == .interleaved && $0.plan.schedule.stages == $0.plan.schedule.ranks
        }.map { "with one stage a rank, Interleaved-1F1B on \($0.transport.rawValue) is plain 1F1B" }
        let placement = comparison.candidates[0].plan.placement.note
        let files = comparison.candidates[0].plan.configuration.fileNotes
        lines = files + same + [placement, Self.disturbance(comparison)].compactMap(\.self)
    }

    /// What was measured again, and what stayed disturbed all the same.
    private static func disturbance(_ comparison: Comparison) -> String? {
        let places: [Int?] = comparison.candidates.indices.map { $0 } + [nil]
        let tries = places.map(comparison.tries)
        let again = tries.reduce(0) { $0 + $1.all } - comparison.oneStage.count * places.count
        if again == 0 { return nil }
        let disturbed = places.indices.filter { tries[$0].disturbed > 0 }.map { index -> String in
            let candidate = places[index].map { comparison.candidates[$0] }
            let name = candidate.map { "\($0.schedule.title) on \($0.transport.rawValue)" } ?? "one stage"
            return "\(tries[index].disturbed) of \(name)"
        }
        let limit = "\((Disturbance.limit * 100).fixed(0)) % of the step"
        let end =
            disturbed.isEmpty
            ? "until all were quiet"
            : "and \(disturbed.joined(separator: ", ")) stayed DISTURBED in \(Quietest<Void>.triesMost) tries"
        let times = counted(again, "time")
        return "others had CPUs of the ranks for more than \(limit); runs were measured \(times) more for that, \(end)"
    }
}
