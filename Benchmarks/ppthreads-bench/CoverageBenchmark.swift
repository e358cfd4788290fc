// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// How often intervals do what they promise, where the truth is known: on simulated noise.
struct CoverageBenchmark {
    private let samples: Int
    private let counts: [Int]

    init(_ effort: Effort) {
        samples = effort.samples
        counts = effort.isShort ? [5, 8] : [5, 6, 7, 8, 9, 10, 12, 15, 20, 25, 30]
    }

    func run() {
        print("How often, in %, the 95 % interval of one figure holds the true median: \(samples) samples of each kind")
        print(table { coverage($0, $1) })
        print("\nHow often, in %, a table of ratios over one of its candidates shows a difference where there is none")
        for comparisons in [1, 3, 5, 8] {
            print("\n\(comparisons == 1 ? "1 ratio" : "\(comparisons) ratios"), \(samples) tables of each kind")
            print(table { falseDifferences($0, $1, comparisons) })
        }
    }

    private func table(_ share: (Noise, Int) -> Double) -> String {
        let header = ["noise"] + counts.map { "n=\($0)" }
        let rows = Noise.all.map { noise in [noise.name] + counts.map { (share(noise, $0) * 100).tenths } }
        return ([header] + rows).map { cells in
            cells.enumerated().map { column, cell in
                let space = String(repeating: " ", count: max(0, (column == 0 ? 14 : 6) - cell.count))
                return column == 0 ? cell + space : space + cell
            }.joined()
        }.joined(separator: "\n")
    }

    private func coverage(_ noise: Noise, _ count: Int) -> Double {
        let draws = Draws("coverage of \(noise.name), \(count)")
        let hits = (0..<samples).count { sample in
            Estimate(medianOf: draw(noise, draws, sample, count)).excludes(noise.median) == false
        }
        return Double(hits) / Double(samples)
    }

    /// The share of tables with at least one.
    private func falseDifferences(_ noise: Noise, _ count: Int, _ comparisons: Int) -> Double {
        let draws = Draws("\(comparisons) of \(noise.name), \(count)")
        let wrong = (0..<samples).count { table in
            let candidates = (0...comparisons).map { draw(noise, draws, table * (comparisons + 1) + $0, count) }
            return candidates.dropFirst().contains { candidate in
                let ratios = zip(candidates[0], candidate).map { $0 / $1 }
                return Estimate(ratios: ratios, among: comparisons).excludes(1) == true
            }
        }
        return Double(wrong) / Double(samples)
    }

    private func draw(_ noise: Noise, _ draws: Draws, _ sample: Int, _ count: Int) -> [Double] {
        (0..<count).map { noise.value(draws, UInt64(sample * count + $0)) }
    }
}

extension Double {
    /// With one digit after the point.
    var tenths: String {
        let tenths = Int((self * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}
