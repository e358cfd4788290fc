/// Rows as they are read: of those with equal settings and repeat, the newest.
struct RowStore {
    var values = SettingValues()
    /// Each combination of settings once.
    private(set) var settings: [[SettingValues.Number]] = []
    private(set) var samples: [RunSample] = []
    /// Why runs of a combination failed, of those that have no sample at the end too.
    private(set) var failures: [Int: String] = [:]
    private(set) var replacedCount = 0
    private var settingsPlaces: [[SettingValues.Number]: Int32] = [:]
    /// The place of the sample of each combination and repeat.
    private var samplePlaces: [Run: Int32] = [:]

    private struct Run: Hashable {
        let settings: Int32
        let repetition: Int32
    }

    /// The number of a combination of settings.
    mutating func place(of combination: [SettingValues.Number]) -> Int {
        if let place = settingsPlaces[combination] { return Int(place) }
        // A copy of its own, since the caller goes on with its list.
        settings.append(Array(combination))
        settingsPlaces[settings[settings.count - 1]] = Int32(settings.count - 1)
        return settings.count - 1
    }

    /// Takes a run, unless there is a newer one; of equally old ones the later row counts.
    mutating func add(_ sample: RunSample, settings: Int) {
        let run = Run(settings: Int32(settings), repetition: sample.repetition)
        guard let place = samplePlaces[run] else {
            samplePlaces[run] = Int32(samples.count)
            return samples.append(sample)
        }
        replacedCount += 1
        if sample.time >= samples[Int(place)].time { samples[Int(place)] = sample }
    }

    /// Notes a run that failed: a gap, unless another run with these settings went well.
    mutating func addFailure(_ reason: String, settings: Int) { failures[settings] = reason }

    /// Combinations in the order of their settings, each with the places of its samples in the order of their repeats.
    var sortedGroups: [(settings: Int, samples: [Int])] {
        let runs = samplePlaces.sorted { ($0.key.settings, $0.key.repetition) < ($1.key.settings, $1.key.repetition) }
        var starts = Array(repeating: 0, count: settings.count + 1)
        for run in runs { starts[Int(run.key.settings) + 1] += 1 }
        for place in settings.indices { starts[place + 1] += starts[place] }
        return settings.indices.sorted { precedes(settings[$0], settings[$1]) }.map { place in
            (place, runs[starts[place]..<starts[place + 1]].map { Int($0.value) })
        }
    }

    private func precedes(_ a: [SettingValues.Number], _ b: [SettingValues.Number]) -> Bool {
        for place in a.indices where a[place] != b[place] {
            return values.precedes(a[place], b[place], as: RunSetting(rawValue: place)!)
        }
        return false
    }
}
