// SPDX-License-Identifier: Apache-2.0

/// For each stage, where its actions stand in its rank's list, in the rank's order.
struct StageActions {
    private let positions: [Int32]
    /// Of each stage's first, and at last how many there are.
    private let starts: [Int]

    /// Every action's stage is one of the schedule's.
    init(_ schedule: Schedule) {
        var starts = [Int](repeating: 0, count: schedule.stages + 1)
        for action in schedule.actions.joined() { starts[action.stage + 1] += 1 }
        for stage in 0..<schedule.stages { starts[stage + 1] += starts[stage] }
        var positions = [Int32](repeating: 0, count: starts[schedule.stages])
        var next = starts
        for list in schedule.actions {
            for (index, action) in list.enumerated() {
                positions[next[action.stage]] = Int32(index)
                next[action.stage] += 1
            }
        }
        self.positions = positions
        self.starts = starts
    }

    /// The indices of a stage's actions in its rank's list, ascending.
    func indices(_ stage: Int) -> ArraySlice<Int32> { positions[starts[stage]..<starts[stage + 1]] }
}
