// SPDX-License-Identifier: Apache-2.0

/// The runs of a results CSV, each once, in groups of equal settings.
///
/// A class, because it is asked for settings of a million groups: nothing of it is copied.
public final class Results: Sendable {
    /// Where the file could not be used: the row, counted with the header as the first, and what was wrong with it.
    public struct Problem: Sendable {
        /// Counts from 1, which is the header.
        public let row: Int
        /// What is wrong with it, worded to follow the row's number and a colon.
        public let reason: String
        /// For people: the row's number and the reason.
        public var description: String { "row \(row): \(reason)" }
    }

    /// In the order of their settings.
    public let groups: Range<Int>
    /// The runs of all groups, one group's after another's.
    private let samples: [RunSample]
    /// Where each group's runs begin, and where the last one's end.
    private let starts: [Int32]
    /// Why runs of a group failed, of those that have a run too.
    private let failures: [Int: String]
    private let settings: SettingColumns
    private let values: SettingValues
    /// What is wrong with rows that are left out: the first of them.
    public let problems: [Problem]
    /// How many rows are left out: more than `problems` has, where they are many.
    public let problemCount: Int
    /// Rows with figures that a newer run with the same settings and repeat replaced.
    public let replacedCount: Int
    /// Runs that others disturbed too much.
    public var disturbedCount: Int { samples.count { $0.disturbance?.isTooMuch == true } }
    /// Runs that a quota stopped for more than the part of the time that disturbs a run.
    public var throttledCount: Int { samples.count { $0.throttledShare ?? 0 > Disturbance.limit } }
    /// Rows of the file, those that are left out included, but not the header.
    public let rowCount: Int
    /// Settings that differ between groups, in their order.
    public let varying: [RunSetting]

    init(_ rows: consuming RowStore, problems: [Problem], problemCount: Int, rowCount: Int) {
        rows.sortValues()
        varying = rows.settings.varying
        var (samples, starts, firsts): ([RunSample], [Int32], [Int32]) = ([], [], [])
        var failures: [Int: String] = [:]
        var replacedCount = 0
        let sorted = rows.sorted()
        for (row, startsGroup) in zip(sorted, rows.settings.changes(sorted, in: varying)) {
            if startsGroup {
                firsts.append(row)
                starts.append(Int32(samples.count))
            }
            guard let sample = rows.samples[Int(row)] else {
                failures[firsts.count - 1] = rows.failures[row]
                continue
            }
            if samples.count > starts[starts.count - 1] && samples[samples.count - 1].repetition == sample.repetition {
                replacedCount += 1
                samples[samples.count - 1] = sample
            } else {
                samples.append(sample)
            }
        }
        groups = 0..<firsts.count
        (self.samples, self.starts, self.failures) = (samples, starts + [Int32(samples.count)], failures)
        var settings = rows.settings
        settings.select(firsts)
        (self.settings, values, self.replacedCount) = (settings, rows.values, replacedCount)
        (self.problems, self.problemCount, self.rowCount) = (problems, problemCount, rowCount)
    }

    /// The runs of a group in the order of their repeats; none when no run of it went well.
    public func samples(_ group: Int) -> ArraySlice<RunSample> { samples[Int(starts[group])..<Int(starts[group + 1])] }

    /// Why a run of a group failed; nil when none did.
    public func failure(_ group: Int) -> String? { failures[group] }

    /// A setting as the CSV has it; empty where it does not tell.
    public func text(_ group: Int, _ setting: RunSetting) -> String { values.texts[Int(settings[group, setting])] }

    /// A setting that is a number; nil where the CSV does not tell.
    public func count(_ group: Int, _ setting: RunSetting) -> Int? {
        Int(exactly: values.numbers[Int(settings[group, setting])])
    }

    // MARK: Groups alike

    /// Whether two groups have the same settings, some aside.
    public func areAlike(_ a: Int, _ b: Int, but others: [RunSetting]) -> Bool {
        settings.areAlike(a, b, in: varying.filter { !others.contains($0) })
    }

    /// Groups that have the same settings, some aside: neighbours, as ranges of the list.
    func alike(but others: [RunSetting]) -> (groups: [Int32], ranges: [Range<Int>]) {
        let compared = varying.filter { !others.contains($0) }
        let sorted = settings.sorted(groups.map(Int32.init), by: compared)
        let changes = settings.changes(sorted, in: compared)
        let starts = sorted.indices.filter { changes[$0] } + [sorted.count]
        return (sorted, zip(starts, starts.dropFirst()).map { $0..<$1 })
    }
}
