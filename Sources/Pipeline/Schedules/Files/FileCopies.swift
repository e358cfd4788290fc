// SPDX-License-Identifier: Apache-2.0

/// How many copies of the chain of stages a file's order holds: what it says by where its microbatches are.
///
/// With several, each microbatch is at the stages of one copy alone. What is missing within a copy leaves it one, as long as another
/// microbatch shows it whole; anything else is read as one chain.
enum FileCopies {
    /// 1 where the microbatches do not tell of more.
    ///
    /// - Parameters:
    ///   - actions: each rank's.
    ///   - stages: how many the file names.
    /// - Complexity: O(actions).
    static func count(_ actions: [[Action]], stages: Int) -> Int {
        guard let first = actions.joined().map(\.microbatch).min() else { return 1 }
        let length = Set(actions.joined().lazy.filter { $0.microbatch == first }.map(\.stage)).count
        if length == stages || stages % length != 0 { return 1 }
        var found: [Int: Set<Int>] = [:]
        for action in actions.joined() { found[action.microbatch, default: []].insert(action.stage) }
        let copies = found.values.map { stages in
            (copies: Set(stages.map { $0 / length }), isWhole: stages.count == length)
        }
        let whole = Set(copies.filter(\.isWhole).flatMap(\.copies))
        return copies.allSatisfy { $0.copies.count == 1 } && whole.count == stages / length ? stages / length : 1
    }
}
