// SPDX-License-Identifier: Apache-2.0

extension Array where Element: Equatable {
    /// Each once, in the order in which they come first.
    var unique: [Element] { reduce(into: []) { if !$0.contains($1) { $0.append($1) } } }
}
