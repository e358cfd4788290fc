// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// How groups of results are called: by what tells them apart in this file.
struct AnalyzeNames {
    private let results: Results
    /// Settings that differ in this file and do not stand in a name otherwise.
    let others: [RunSetting]

    init(_ results: Results) {
        self.results = results
        let named: Set<RunSetting> = [
            .layers, .heads, .ranks, .microbatches, .transport, .schedule, .virtualStages,
        ]
        others = RunSetting.allCases.filter { results.varying.contains($0) && !named.contains($0) }
    }

    func model(_ group: Int) -> String { "\(results.text(group, .layers))L-\(results.text(group, .heads))H" }

    /// A run without a pipeline is called that, whatever schedule it was made with: there a schedule changes nothing.
    func schedule(_ group: Int) -> String {
        if isOneStage(group) { return Term.oneStage.name }
        let text = results.text(group, .schedule)
        let v = results.count(group, .virtualStages).flatMap { $0 > 1 ? ", v=\($0)" : nil } ?? ""
        return (ScheduleKind(rawValue: text)?.title ?? text) + v
    }

    private func isOneStage(_ group: Int) -> Bool {
        results.count(group, .ranks) == 1 && (results.count(group, .virtualStages) ?? 1) == 1
    }

    /// A setting as a cell; a dash where the file does not tell.
    func cell(_ group: Int, _ setting: RunSetting) -> String {
        let text = results.text(group, setting)
        return text.isEmpty ? "-" : text
    }

    /// What groups that differ in their schedule alone have in common.
    /// - Parameters:
    ///   - model: what to call the model, where they differ in that too.
    ///   - hasMicrobatches: whether they have M in common.
    func block(_ group: Int, model: String? = nil, hasMicrobatches: Bool = true) -> String {
        let microbatches = hasMicrobatches ? results.text(group, .microbatches) : ""
        let parts =
            [
                model ?? self.model(group), "P=\(results.text(group, .ranks))",
                microbatches.isEmpty ? "" : "M=\(microbatches)",
            ]
            + [results.text(group, .transport)] + others.map { "\($0.name) \(cell(group, $0))" }
        return parts.filter { !$0.isEmpty }.joined(separator: ", ")
    }

    func full(_ group: Int) -> String { "\(schedule(group)), \(block(group))" }

    /// The class of a schedule's colour.
    func style(_ group: Int) -> String {
        isOneStage(group)
            ? SchedulePalette.oneStage
            : SchedulePalette.style(ScheduleKind(rawValue: results.text(group, .schedule)))
    }

    /// The schedules that some groups have, with their classes.
    func legend(_ groups: some Sequence<Int>) -> [(style: String, title: String)] {
        var legend = ScheduleKind.allCases.map { (style: SchedulePalette.style($0), title: $0.title) }
        legend += [(SchedulePalette.style(nil), "other schedules"), (SchedulePalette.oneStage, Term.oneStage.name)]
        let present = Set(groups.map(style))
        return legend.filter { present.contains($0.style) }.map { ("solid \($0.style)", $0.title) }
    }
}
