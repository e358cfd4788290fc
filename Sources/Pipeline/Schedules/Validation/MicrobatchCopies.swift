// SPDX-License-Identifier: Apache-2.0

/// Which copy of the stages each microbatch goes through.
struct MicrobatchCopies {
    /// An action of each microbatch, which tells; nil where none was seen. Empty where there is one copy alone.
    private var seen: [Action?]
    private let schedule: Schedule
    private let count: Int

    /// - Parameter microbatches: how many of the schedule's are looked at.
    init(_ schedule: Schedule, microbatches: Int) {
        (self.schedule, count) = (schedule, microbatches)
        seen = Array(repeating: nil, count: schedule.copies == 1 ? 0 : microbatches)
    }

    /// - Throws: `ScheduleError.twoCopies`.
    @inline(__always)
    mutating func take(_ action: Action) throws(ScheduleError) {
        if seen.isEmpty { return }
        guard let other = seen[action.microbatch] else {
            seen[action.microbatch] = action
            return
        }
        if schedule.copy(ofStage: other.stage) != schedule.copy(ofStage: action.stage) {
            throw .twoCopies(action, other: other)
        }
    }

    /// The copy of a microbatch; nil where none of its actions was seen.
    subscript(microbatch: Int) -> Int? {
        seen.isEmpty ? 0 : seen[microbatch].map { schedule.copy(ofStage: $0.stage) }
    }

    /// For each microbatch, when all were seen.
    var copyOfMicrobatch: [Int] { (0..<count).map { self[$0] ?? 0 } }

    /// When all were seen.
    ///
    /// - Throws: `ScheduleError.emptyCopy`.
    func checkNoneIsEmpty() throws(ScheduleError) {
        if seen.isEmpty { return }
        let used = Set(copyOfMicrobatch)
        if let copy = (0..<schedule.copies).first(where: { !used.contains($0) }) { throw .emptyCopy(copy) }
    }
}

/// The microbatches that go through one copy of the stages.
struct CopyMicrobatches: Equatable, Sendable {
    /// Ascending.
    let list: [Int]
    /// M: how many there are over all copies.
    let total: Int

    /// For each copy.
    static func ofCopies(_ copies: Int, _ copyOfMicrobatch: [Int]) -> [CopyMicrobatches] {
        var lists = [[Int]](repeating: [], count: copies)
        for (microbatch, copy) in copyOfMicrobatch.enumerated() { lists[copy].append(microbatch) }
        return lists.map { CopyMicrobatches(list: $0, total: copyOfMicrobatch.count) }
    }
}
