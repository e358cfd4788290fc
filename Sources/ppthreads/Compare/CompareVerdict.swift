import Pipeline

/// What a comparison means, in two sentences: one about the transport, one about the schedule.
struct CompareVerdict {
    private let comparison: Comparison

    init(_ comparison: Comparison) { self.comparison = comparison }

    var transport: String {
        let kinds = unique(comparison.candidates.map(\.transport))
        let shares = kinds.map { kind in
            let places = comparison.candidates.indices.filter { comparison.candidates[$0].transport == kind }
            let shares = places.map {
                comparison.seconds($0, in: .transport).value / comparison.stepSeconds($0).value * 100
            }
            return "\(range(shares, 2)) % of the step on \(kind.rawValue)"
        }
        let cost = "hand-offs add \(shares.joined(separator: ", "))"
        if kinds.count == 1 { return "Transport: \(cost)." }
        let first = kinds[0]
        let pairs = kinds.dropFirst().map { kind in
            let parts = comparison.candidates.indices.filter { comparison.candidates[$0].transport == kind }.map {
                difference($0, over: comparison.place(comparison.candidates[$0].schedule, first)!)
            }
            return "\(kind.rawValue) against \(first.rawValue): \(joined(parts, \.schedule.title))"
        }
        return "Transport: \(cost); \(pairs.joined(separator: "; "))."
    }

    var schedule: String {
        let kinds = unique(comparison.candidates.map(\.schedule))
        let transport = comparison.candidates[0].transport
        let places = kinds.compactMap { comparison.place($0, transport) }
        if places.count == 1 {
            func loss(_ term: Breakdown.Term) -> Double { comparison.seconds(places[0], in: term).value }
            let largest = Breakdown.Term.allCases.dropFirst().max { loss($0) < loss($1) }!
            return "Schedule: the largest loss is \(largest), \(loss(largest).duration) of the step."
        }
        let parts = places.dropFirst().map { difference($0, over: places[0]) }
        return "Schedule: against \(kinds[0].title), on \(transport.rawValue): \(joined(parts, \.schedule.title))."
    }

    // MARK: Parts

    private struct Difference {
        let candidate: Comparison.Candidate
        let ratio: Estimate
        /// The term that makes most of it.
        let reason: String

        var isSeen: Bool { !ratio.contains(1) }
        var text: String {
            "x\(ratio.value.fixed(3)) [\(ratio.low.fixed(3)), \(ratio.high.fixed(3))]" + (isSeen ? reason : "")
        }
    }

    private func difference(_ place: Int, over other: Int) -> Difference {
        Difference(
            candidate: comparison.candidates[place], ratio: comparison.ratio(place, over: other),
            reason: reason(place, over: other))
    }

    /// The term that changed most, if its change is seen.
    private func reason(_ place: Int, over other: Int) -> String {
        let changes = Breakdown.Term.allCases.map { ($0, comparison.change(place, over: other, in: $0)) }
        let (term, change) = changes.max { abs($0.1.value) < abs($1.1.value) }!
        if change.contains(0) { return ", and no one term shows why" }
        let sign = change.value > 0 ? "+" : ""
        return ", mostly \(term) (\(sign)\(change.value.duration))"
    }

    private func joined(_ parts: [Difference], _ name: (Comparison.Candidate) -> String) -> String {
        let unseen = parts.filter { !$0.isSeen }
        let seen = parts.filter(\.isSeen).map { "\(name($0.candidate)) \($0.text)" }
        let none =
            unseen.isEmpty
            ? []
            : ["no difference seen for " + unseen.map { "\(name($0.candidate)) (\($0.text))" }.joined(separator: ", ")]
        return (seen + none).joined(separator: "; ")
    }

    private func range(_ values: [Double], _ digits: Int) -> String {
        let (low, high) = (values.min()!.fixed(digits), values.max()!.fixed(digits))
        return low == high ? low : "\(low) to \(high)"
    }

    private func unique<Value: Equatable>(_ values: [Value]) -> [Value] {
        values.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }
}
