// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// What `ppthreads analyze` found, for table and page alike.
struct AnalyzeReport {
    let path: String
    let analysis: ResultsAnalysis
    let names: AnalyzeNames
    let plots: AnalyzePlots
    let hasRepeats: Bool
    let hasIntervals: Bool
    let hasTerms: Bool
    let machines: [String]

    init(path: String, _ results: Results) {
        self.path = path
        analysis = ResultsAnalysis(results)
        names = AnalyzeNames(results)
        plots = AnalyzePlots(analysis, names)
        hasRepeats = results.groups.contains { results.samples($0).count > 1 }
        hasIntervals = results.groups.contains { results.samples($0).count >= Estimate.countLeast }
        hasTerms = results.groups.contains { results.samples($0).contains { $0.breakdown != nil } }
        machines = Self.machines(results)
    }

    var results: Results { analysis.results }

    /// What all groups have in common, as far as the file tells.
    var common: [(name: String, value: String)] {
        RunSetting.allCases.filter { !results.varying.contains($0) }.compactMap { setting in
            let value = results.text(0, setting)
            return value.isEmpty ? nil : (setting.name, value)
        }
    }

    /// Host and CPU of each, which groups are sorted by before all else.
    private static func machines(_ results: Results) -> [String] {
        func machine(_ group: Int) -> [String] { [.host, .cpu].map { results.text(group, $0) } }
        return results.groups.filter { $0 == 0 || machine($0) != machine($0 - 1) }.map { group in
            machine(group).filter { !$0.isEmpty }.joined(separator: ", ")
        }.filter { !$0.isEmpty }
    }

    /// What intervals the figures have, to follow what the figures are.
    var intervals: String {
        if !hasIntervals { return "" }
        let count = analysis.speedupCount
        return " with 95 % intervals" + (count > 1 ? ", those of the \(count.grouped) ratios to GPipe together" : "")
    }

    // MARK: Notes

    /// - Parameter told: groups that a table has rows for.
    func notes(told: Range<Int>) -> [String] {
        let all = results.groups.count
        let lines = [
            told.count < all
                ? "the first \(told.count.grouped) of \(all.grouped) groups are shown; --summary FILE writes them all"
                : nil,
            machines.count > 1
                ? "the file has runs of \(machines.count.grouped) machines, which are not compared with each other"
                : nil,
            results.replacedCount > 0
                ? "\(Self.count(results.replacedCount, "row")) left out for a newer one with the same settings and repeat"
                : nil,
            results.problemCount > 0
                ? "\(Self.count(results.problemCount, "row")) left out that could not be read" : nil,
            results.disturbedCount > 0
                ? "\(Self.count(results.disturbedCount, "row")) measured while others took the ranks' CPUs "
                    + "(disturbance above \(Disturbance.limit))" : nil,
            results.throttledCount > 0
                ? "\(Self.count(results.throttledCount, "row")) measured under a quota that stopped the ranks "
                    + "(throttled above \(Disturbance.limit))" : nil,
            tooFew, missing("GPipe run with the same model, P, M and transport: no speedup", analysis.hasGPipe),
            missing("one-stage run with the same model, M and threads: no scaling efficiency", analysis.hasOneStage),
        ]
        return lines.compactMap(\.self) + gaps + plots.leftOut.map { "no plot \($0)" }
    }

    private var tooFew: String? {
        let few = results.groups.count { group in
            let count = results.samples(group).count
            return count > 1 && count < Estimate.countLeast
        }
        return few == 0
            ? nil
            : "\(Self.count(few, "group")) with fewer than \(Estimate.countLeast) repeats, which are too few for an interval"
    }

    private func missing(_ what: String, _ has: (Int) -> Bool) -> String? {
        let measured = results.groups.filter { !results.samples($0).isEmpty }
        let without = measured.count { !has($0) }
        return without == 0
            ? nil : "\(Self.count(without, "group")) of \(measured.count.grouped) without a \(what)"
    }

    /// Groups without a run, and why.
    private var gaps: [String] {
        let gaps = results.groups.filter { results.samples($0).isEmpty }
        return gaps.prefix(20).map { "no run of \(names.full($0)): \(results.failure($0) ?? "")" }
            + (gaps.count > 20 ? [Self.count(gaps.count - 20, "more gap")] : [])
    }

    static func count(_ count: Int, _ what: String) -> String { "\(count.grouped) \(what)\(count == 1 ? "" : "s")" }
}
