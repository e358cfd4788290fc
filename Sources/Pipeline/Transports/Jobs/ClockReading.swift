// SPDX-License-Identifier: Apache-2.0

/// How far another process's clock is from the first one's, at some moment (Cristian 1989: the answer to a question was read
/// half-way between question and answer, give or take that half).
public struct ClockReading: Codable, Equatable, Sendable {
    /// When it was read, on the first process's clock, in nanoseconds.
    public let moment: UInt64
    /// Nanoseconds by which the other clock is ahead.
    public let ahead: Int64
    /// By how much that may be wrong at most, in nanoseconds; 0 of one and the same clock.
    public let error: UInt64

    /// With these values.
    public init(moment: UInt64, ahead: Int64, error: UInt64) {
        (self.moment, self.ahead, self.error) = (moment, ahead, error)
    }

    /// Of a question and its answer.
    /// - Parameters:
    ///   - asked: when, on the first process's clock.
    ///   - read: what the other clock showed.
    ///   - answered: when, on the first process's clock; no earlier than `asked`.
    package init(asked: UInt64, read: UInt64, answered: UInt64) {
        moment = asked + (answered - asked) / 2
        ahead = Int64(bitPattern: read &- moment)
        error = (answered - asked + 1) / 2
    }
}

/// Turns moments of a process's clock into those of the first process: between two readings clocks drift evenly.
public struct ClockCorrection: Equatable, Sendable {
    private let begin, end: ClockReading

    /// Of one and the same clock.
    static let none = ClockCorrection(
        begin: ClockReading(moment: 0, ahead: 0, error: 0), end: ClockReading(moment: 0, ahead: 0, error: 0))

    /// - Parameters:
    ///   - begin: read before the moments that are to be turned.
    ///   - end: read after them.
    public init(begin: ClockReading, end: ClockReading) { (self.begin, self.end) = (begin, end) }

    /// By how much a moment may be wrong at most, in nanoseconds.
    public var error: UInt64 { max(begin.error, end.error) }
    /// Nanoseconds by which the clock was ahead, at the end.
    public var ahead: Int64 { end.ahead }
    /// Whether both are one clock.
    public var isNone: Bool { begin.ahead == 0 && end.ahead == 0 && error == 0 }

    /// A moment of the other clock on the first process's, in nanoseconds.
    public func callAsFunction(_ moment: UInt64) -> UInt64 {
        if isNone { return moment }
        let first = UInt64(bitPattern: Int64(bitPattern: moment) &- begin.ahead)
        let span = Double(end.moment) - Double(begin.moment)
        let part = span > 0 ? min(1, max(0, (Double(first) - Double(begin.moment)) / span)) : 0
        return UInt64(bitPattern: Int64(bitPattern: first) &- Int64(part * Double(end.ahead - begin.ahead)))
    }
}
