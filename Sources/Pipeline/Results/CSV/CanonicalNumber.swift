// SPDX-License-Identifier: Apache-2.0

extension String {
    /// A number as it is always written, so that equal numbers are equal texts: `3e-4`, `0.0003` and `3.0e-04` are `0.0003`,
    /// and `4.0` is `4`. Whole numbers keep all their digits. Nil for what is no finite number.
    public var canonicalNumber: String? {
        if let count = Int(self) { return String(count) }
        guard let number = Double(self), number.isFinite else { return nil }
        return Int(exactly: number).map(String.init) ?? String(number)
    }
}

extension String {
    /// `true` or `false`, which spreadsheet programs write in capitals; nil when it is neither.
    public var canonicalTruth: String? { ["true", "false"].first { $0 == lowercased() } }
}
