// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// Candidates that take turns: A B C A B C ..., so that a machine that gets slower for a while slows all of them.
struct Alternation {
    struct Candidate {
        let name: String
        /// Measures once; what it gives is in the alternation's unit.
        let measure: () throws(BenchmarkError) -> Double
    }

    let unit: String
    private let names: [String]
    /// [candidate][round]
    private let samples: [[Double]]

    /// Runs all rounds.
    init(_ candidates: [Candidate], rounds: Int, unit: String) throws(BenchmarkError) {
        var samples = candidates.map { _ in [Double]() }
        for _ in 0..<rounds {
            for (index, candidate) in candidates.enumerated() { samples[index].append(try candidate.measure()) }
        }
        self.unit = unit
        self.samples = samples
        names = candidates.map(\.name)
    }

    /// The ratio of two candidates, round by round.
    func ratio(_ numerator: Int, over denominator: Int) -> Statistics {
        Statistics(zip(samples[numerator], samples[denominator]).map { $0 / $1 })
    }

    /// What a candidate gave, over all rounds.
    func samples(_ candidate: Int) -> Statistics { Statistics(samples[candidate]) }

    func median(_ candidate: Int) -> Double { samples(candidate).median }

    /// A line for each candidate: its median, and its ratio to the first.
    var table: String {
        let width = names.map(\.count).max()!
        return names.indices.map { index in
            let name = names[index] + String(repeating: " ", count: width - names[index].count)
            let figure = "\(name)  \(Statistics(samples[index]).median.short) \(unit)"
            return index == 0 ? figure : "\(figure)  x\(ratio(index, over: 0).withQuartiles)"
        }.joined(separator: "\n")
    }
}

extension Statistics {
    /// Median and quartiles.
    var withQuartiles: String { "\(median.short) [\(quantile(0.25).short), \(quantile(0.75).short)]" }
}

extension Double {
    /// Four significant digits, or all digits before the point.
    var short: String {
        if !isFinite || self == 0 { return "\(self)" }
        var scale = 1.0
        while magnitude * scale < 1000 && scale < 1e12 { scale *= 10 }
        let rounded = (self * scale).rounded() / scale
        return rounded == rounded.rounded() && rounded.magnitude >= 1000 ? "\(Int(rounded))" : "\(rounded)"
    }
}
