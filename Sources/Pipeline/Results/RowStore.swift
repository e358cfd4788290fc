// SPDX-License-Identifier: Apache-2.0

/// Rows as they are read.
struct RowStore {
    var values = SettingValues()
    private(set) var settings = SettingColumns()
    /// What each row measured; nil where the run failed.
    private(set) var samples: [RunSample?] = []
    /// Why rows' runs failed.
    private(set) var failures: [Int32: String] = [:]

    /// - Parameter combination: the number of each setting's value.
    mutating func add(_ sample: RunSample, settings combination: [SettingValues.Number]) {
        settings.append(combination)
        samples.append(sample)
    }

    /// Notes a run that failed: a gap, unless another run with these settings went well.
    mutating func addFailure(_ reason: String, settings combination: [SettingValues.Number]) {
        failures[Int32(samples.count)] = reason
        settings.append(combination)
        samples.append(nil)
    }

    /// Numbers values in their order, so that settings can be compared by their numbers. To be called after the last row.
    mutating func sortValues() {
        settings.flush()
        settings.renumber(values.sort())
    }

    /// Rows in the order of their settings; those with the same ones by their repeats, the newest last.
    func sorted() -> [Int32] {
        let byAge = (0..<Int32(samples.count)).sorted { age($0) < age($1) }
        return settings.sorted(byAge, by: settings.varying)
    }

    private func age(_ row: Int32) -> (Int32, Double) {
        samples[Int(row)].map { ($0.repetition, $0.time) } ?? (0, -.infinity)
    }
}
