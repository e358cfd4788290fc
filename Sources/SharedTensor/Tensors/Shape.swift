// SPDX-License-Identifier: Apache-2.0

import Threads

/// The lengths of a tensor's dimensions, one to four, outermost first; kept inline, so that making one never allocates.
///
/// No length is negative: a negative one traps.
public struct Shape: Equatable, Sendable, CustomStringConvertible {
    private let lengths: (Int, Int, Int, Int)
    /// How many dimensions there are, 1 to 4.
    public let rank: Int

    /// A vector.
    public init(_ columns: Int) { self.init((columns, 1, 1, 1), rank: 1) }
    /// A matrix: so many rows, each of so many elements that are neighbours in memory.
    public init(_ rows: Int, _ columns: Int) { self.init((rows, columns, 1, 1), rank: 2) }
    /// Three dimensions, outermost first.
    public init(_ a: Int, _ b: Int, _ c: Int) { self.init((a, b, c, 1), rank: 3) }
    /// Four dimensions, outermost first.
    public init(_ a: Int, _ b: Int, _ c: Int, _ d: Int) { self.init((a, b, c, d), rank: 4) }

    private init(_ lengths: (Int, Int, Int, Int), rank: Int) {
        self.lengths = lengths
        self.rank = rank
        // The sign of all four at once.
        if lengths.0 | lengths.1 | lengths.2 | lengths.3 < 0 { trap("a shape with a negative length: \(self)") }
    }

    public static func == (a: Shape, b: Shape) -> Bool { a.rank == b.rank && a.lengths == b.lengths }

    /// The number of elements. Traps when it does not fit; `checkedCount` does not.
    public var count: Int {
        guard let count = checkedCount else { trap("a tensor of shape \(self) has too many elements to count") }
        return count
    }

    /// The number of elements, nil when it does not fit an Int.
    public var checkedCount: Int? {
        let (ab, overAB) = lengths.0.multipliedReportingOverflow(by: lengths.1)
        let (cd, overCD) = lengths.2.multipliedReportingOverflow(by: lengths.3)
        let (all, overAll) = ab.multipliedReportingOverflow(by: cd)
        return overAB || overCD || overAll ? nil : all
    }

    /// The length of the last dimension.
    public var columns: Int {
        switch rank {
        case 1: lengths.0
        case 2: lengths.1
        case 3: lengths.2
        default: lengths.3
        }
    }

    /// The product of all dimensions but the last.
    public var rows: Int { columns == 0 ? 0 : count / columns }

    /// As an array, for files and messages.
    public var dimensions: [Int] { Array([lengths.0, lengths.1, lengths.2, lengths.3].prefix(rank)) }

    public var description: String { "[\(dimensions.map(String.init).joined(separator: ", "))]" }
}
