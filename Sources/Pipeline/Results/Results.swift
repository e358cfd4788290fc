/// The runs of a results CSV, each once, in groups of equal settings.
public struct Results: Sendable {
    /// Runs with the same settings.
    public struct Group: Sendable {
        let settings: [SettingValues.Number]
        /// Its runs in `Results.samples`; none when no run of it went well.
        let samples: Range<Int>
        /// Why there is no run.
        public let failure: String?
    }

    /// Where the file could not be used: the row, counted with the header as the first, and what was wrong with it.
    public struct Problem: Sendable {
        public let row: Int
        public let reason: String
        public var description: String { "row \(row): \(reason)" }
    }

    /// In the order of their settings.
    public let groups: [Group]
    let samples: [RunSample]
    private let values: SettingValues
    /// Rows that are left out, the first of them with what is wrong.
    public let problems: [Problem]
    public let problemCount: Int
    /// Rows with figures that a newer run with the same settings and repeat replaced.
    public let replacedCount: Int
    public let rowCount: Int
    /// Settings that differ between groups.
    public let varying: Set<RunSetting>

    init(_ rows: RowStore, problems: [Problem], problemCount: Int, rowCount: Int) {
        var groups: [Group] = []
        var samples: [RunSample] = []
        samples.reserveCapacity(rows.samples.count)
        for (settings, places) in rows.sortedGroups {
            let start = samples.count
            samples += places.map { rows.samples[$0] }
            groups.append(
                Group(
                    settings: rows.settings[settings], samples: start..<samples.count, failure: rows.failures[settings])
            )
        }
        (self.groups, self.samples, values) = (groups, samples, rows.values)
        (self.problems, self.problemCount, self.rowCount) = (problems, problemCount, rowCount)
        replacedCount = rows.replacedCount
        varying = Self.varying(groups)
    }

    private static func varying(_ groups: [Group]) -> Set<RunSetting> {
        let first = groups[0].settings
        var differs = first.map { _ in false }
        for group in groups {
            for place in first.indices where group.settings[place] != first[place] { differs[place] = true }
        }
        return Set(RunSetting.allCases.filter { differs[$0.rawValue] })
    }

    public func samples(_ group: Int) -> ArraySlice<RunSample> { samples[groups[group].samples] }

    /// A setting as the CSV has it; empty where it does not tell.
    public func text(_ group: Int, _ setting: RunSetting) -> String {
        values.texts[Int(groups[group].settings[setting.rawValue])]
    }

    /// A setting that is a number; nil where the CSV does not tell.
    public func count(_ group: Int, _ setting: RunSetting) -> Int? {
        Int(exactly: values.numbers[Int(groups[group].settings[setting.rawValue])])
    }

    /// Whether two groups have the same settings, some aside.
    func areAlike(_ a: Int, _ b: Int, but others: Set<RunSetting>) -> Bool {
        let (first, second) = (groups[a].settings, groups[b].settings)
        return first.indices.allSatisfy {
            first[$0] == second[$0] || others.contains(RunSetting(rawValue: $0)!)
        }
    }

    /// The settings, some aside, for comparison with those of other groups.
    func key(_ group: Int, without others: Set<RunSetting>) -> [SettingValues.Number] {
        var key = groups[group].settings
        for setting in others { key[setting.rawValue] = 0 }
        return key
    }
}
