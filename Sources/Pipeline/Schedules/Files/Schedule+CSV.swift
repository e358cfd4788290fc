// SPDX-License-Identifier: Apache-2.0

extension Schedule {
    /// The file that PyTorch reads as `compute_only`: a line for each rank, a cell for each action, no idle ones; lines
    /// end in CR LF, as Python's csv writer has them.
    public func csv() -> String {
        Self.lines(actions.map { $0.map(\.description) })
    }

    /// The file that PyTorch 2.13 reads as `compute_comms`, with the sends and receives of `withTransfers()`.
    ///
    /// It has no UNSHARD: for stages under FSDP, PyTorch has to read the other form.
    /// - Parameter reducesGradients: whether REDUCE_GRAD follows each stage's last backward. PyTorch 2.13 divides
    ///   gradients by the microbatches there and nowhere else, and older ones do not know the word.
    /// - Throws: `ScheduleError` when actions are missing, repeated or misplaced, or wait for each other.
    public func csvWithCommunication(reducesGradients: Bool = true) throws(ScheduleError) -> String {
        let reduces = reducesGradients && !isForwardOnly
        return Self.lines(try withTransfers().map { reduces ? Self.withReductions($0) : $0.map(\.description) })
    }

    /// A rank's instructions with a reduction after each stage's last.
    private static func withReductions(_ row: [Instruction]) -> [String] {
        var last: [Int: Int] = [:]
        for (index, instruction) in row.enumerated() { last[instruction.stage] = index }
        return row.enumerated().flatMap { index, instruction in
            let reduction = last[instruction.stage] == index ? ["\(instruction.stage)REDUCE_GRAD"] : []
            return [instruction.description] + reduction
        }
    }

    private static func lines(_ rows: [[String]]) -> String {
        rows.map { $0.joined(separator: ",") + "\r\n" }.joined()
    }
}

extension Schedule {
    /// Each rank's actions with the sends and receives between ranks.
    ///
    /// A send follows its action at once, and at the same moment the receive is put at the end of what the other rank
    /// has so far; ranks get their next action in turn, each as soon as its input is on its rank. So transfers have one
    /// order over all ranks, in which they do not deadlock even when a send waits for its receiver. It is the order
    /// that PyTorch makes, too.
    /// - Throws: `ScheduleError` when actions are missing, repeated or misplaced, or wait for each other.
    /// - Complexity: O(actions x ranks).
    public func withTransfers() throws(ScheduleError) -> [[Instruction]] {
        let order = try completeOrder()
        var rows = actions.map { _ in [Instruction]() }
        var next = actions.map { _ in 0 }
        var there: Set<Instruction> = []
        func isReady(_ action: Action) -> Bool {
            order.causingActions(of: action).allSatisfy { cause in
                let isHere = rankOfStage[cause.stage] == rankOfStage[action.stage]
                let input = isHere ? .action(cause) : receive(before: action).map(Instruction.transfer)
                return input.map(there.contains) ?? true
            }
        }
        var left = actions.reduce(0) { $0 + $1.count }
        while left > 0 {
            let before = left
            for rank in actions.indices where next[rank] < actions[rank].count && isReady(actions[rank][next[rank]]) {
                let action = actions[rank][next[rank]]
                rows[rank].append(.action(action))
                there.insert(.action(action))
                if let send = send(after: action) {
                    rows[rank].append(.transfer(send))
                    rows[rankOfStage[send.otherEnd.stage]].append(.transfer(send.otherEnd))
                    there.insert(.transfer(send.otherEnd))
                }
                next[rank] += 1
                left -= 1
            }
            if left == before {
                throw .deadlock(waiting: zip(actions, next).compactMap { $1 < $0.count ? $0[$1] : nil })
            }
        }
        return rows
    }
}
