import Pipeline

/// What `ppthreads analyze` found, for table and page alike.
struct AnalyzeReport {
    let path: String
    let analysis: ResultsAnalysis
    let names: AnalyzeNames
    let plots: AnalyzePlots

    /// Groups of which table and page tell; a summary has all.
    private static let most = 1000

    init(path: String, _ results: Results) {
        self.path = path
        analysis = ResultsAnalysis(results)
        names = AnalyzeNames(results)
        plots = AnalyzePlots(analysis, names)
    }

    var groups: Range<Int> { analysis.groups.prefix(Self.most) }
    var results: Results { analysis.results }

    var hasRepeats: Bool { groups.contains { results.samples($0).count > 1 } }
    var hasTerms: Bool { groups.contains { analysis.breakdown($0) != nil } }

    /// What all groups have in common, as far as the file tells.
    var common: [(name: String, value: String)] {
        RunSetting.allCases.filter { !results.varying.contains($0) }.compactMap { setting in
            let value = results.text(0, setting)
            return value.isEmpty ? nil : (setting.column, value)
        }
    }

    var machines: [String] {
        var machines: [String] = []
        for group in results.groups.indices {
            let parts = [RunSetting.host, .cpu].map { results.text(group, $0) }.filter { !$0.isEmpty }
            let machine = parts.joined(separator: ", ")
            if !machine.isEmpty && machines.last != machine { machines.append(machine) }
        }
        return machines
    }

    // MARK: Notes

    var notes: [String] {
        let rest = results.groups.count - groups.count
        let lines = [
            machines.count > 1
                ? "the file has runs of \(machines.count) machines, which are not compared with each other" : nil,
            results.replacedCount > 0
                ? "\(Self.count(results.replacedCount, "row")) left out for a newer one with the same settings and repeat"
                : nil,
            results.problemCount > 0
                ? "\(Self.count(results.problemCount, "row")) left out that could not be read" : nil,
            missing("GPipe run with the same model, P, M and transport: no speedup") { analysis.speedup($0) != nil },
            missing("one-stage run with the same model, M and threads: no scaling efficiency") {
                analysis.efficiency($0) != nil
            }, rest > 0 ? "\(Self.count(rest, "group")) more; --summary has them" : nil,
        ]
        return lines.compactMap(\.self) + gaps + plots.leftOut.map { "no plot \($0)" }
    }

    private func missing(_ what: String, _ has: (Int) -> Bool) -> String? {
        let measured = groups.filter { !results.samples($0).isEmpty }
        let without = measured.count { !has($0) }
        return without == 0 ? nil : "\(Self.count(without, "group")) of \(measured.count) without a \(what)"
    }

    /// Groups without a run, and why.
    private var gaps: [String] {
        let gaps = groups.filter { results.samples($0).isEmpty }
        return gaps.prefix(20).map { "no run of \(names.full($0)): \(results.groups[$0].failure ?? "")" }
            + (gaps.count > 20 ? ["\(gaps.count - 20) more gaps"] : [])
    }

    static func count(_ count: Int, _ what: String) -> String { "\(count.grouped) \(what)\(count == 1 ? "" : "s")" }
}
