// SPDX-License-Identifier: Apache-2.0

/// The checks of a file's sends and receives.
struct FileTransfers {
    private let order: FileOrder
    private let rows: [[FileRows.Entry]]
    private let schedule: Schedule

    /// - Parameter order: whose actions were found sound.
    init(_ order: FileOrder) {
        self.order = order
        rows = order.rows
        schedule = order.schedule
    }

    /// What a send waits for.
    enum Sends {
        /// Nothing: its message is kept until somebody takes it.
        case buffered
        /// That its receiver has come to the receive.
        case blocking
    }

    /// Checks that each transfer has its other end and its action in the right order, and that all ranks come to their
    /// ends when sends never wait. Receives wait where they stand.
    /// - Complexity: O(instructions).
    func check() throws(ScheduleFileError) {
        try rows.forEachEntry { (entry, position) throws(ScheduleFileError) in
            switch entry.instruction {
            case .transfer(let transfer): try checkEnds(transfer, position)
            case .action(let action): try checkInput(action, position)
            }
        }
        try checkMessageOrder()
        if let deadlock = deadlock(.buffered) { throw rows.error(.deadlock(deadlock.cycle), at: deadlock.start) }
    }

    /// Transfers that would wait for each other if sends did; nil when all ranks come to their ends all the same.
    func cycle(_ sends: Sends) -> WaitCycle? { deadlock(sends)?.cycle }

    private func checkEnds(_ transfer: Transfer, _ position: FileRows.Position) throws(ScheduleFileError) {
        let user = action(of: transfer)
        if order.position(user) == nil {
            throw rows.error(.missing(.action(user), for: .transfer(transfer)), at: position)
        }
        switch schedule.neighbours(transfer) {
        case .none: throw rows.error(.noNeighbour(transfer), at: position)
        case .onOneRank: throw rows.error(.sameRank(transfer), at: position)
        case .onTwoRanks: break
        }
        if order.position(.transfer(transfer.otherEnd)) == nil {
            throw rows.error(transfer.kind.isSend ? .nobodyTakes(transfer) : .nobodySends(transfer), at: position)
        }
        if transfer.kind.isSend { try order.check(.transfer(transfer), position, needs: .action(user)) }
    }

    /// What makes that which is sent, or works on that which is received; one that is not there when none is.
    private func action(of transfer: Transfer) -> Action {
        func action(_ kind: Action.Kind) -> Action {
            Action(kind, stage: transfer.stage, microbatch: transfer.microbatch)
        }
        if transfer.kind == .sendForward || transfer.kind == .receiveForward { return action(.forward) }
        return order.position(action(.backwardInput)) == nil ? action(.backward) : action(.backwardInput)
    }

    private func checkInput(_ action: Action, _ position: FileRows.Position) throws(ScheduleFileError) {
        guard let receive = schedule.receive(before: action) else { return }
        if order.position(.transfer(receive)) == nil {
            // Whoever sends it tells more.
            let send = receive.otherEnd
            if let sent = order.position(.transfer(send)) { throw rows.error(.nobodyTakes(send), at: sent) }
            throw rows.error(.missing(.transfer(receive), for: .action(action)), at: position)
        }
        try order.check(.action(action), position, needs: .transfer(receive))
    }

    /// Between two ranks, one way, the k-th receive takes the k-th message.
    private func checkMessageOrder() throws(ScheduleFileError) {
        var sent: [Route: [Transfer]] = [:]
        try forEachTransfer { (transfer, _) throws(ScheduleFileError) in
            if transfer.kind.isSend { sent[route(from: transfer), default: []].append(transfer) }
        }
        var taken: [Route: Int] = [:]
        try forEachTransfer { (transfer, position) throws(ScheduleFileError) in
            if transfer.kind.isSend { return }
            let route = route(from: transfer.otherEnd)
            let index = taken[route, default: 0]
            taken[route] = index + 1
            if let message = sent[route]?[index], message != transfer.otherEnd {
                throw rows.error(.crossed(transfer, sent: message), at: position)
            }
        }
    }

    /// Two ranks, one way.
    private struct Route: Hashable {
        let sender, receiver: Int
    }

    private func route(from send: Transfer) -> Route {
        Route(sender: schedule.rankOfStage[send.stage], receiver: schedule.rankOfStage[send.otherEnd.stage])
    }

    private func forEachTransfer(
        _ body: (Transfer, FileRows.Position) throws(ScheduleFileError) -> Void
    ) throws(ScheduleFileError) {
        try rows.forEachEntry { (entry, position) throws(ScheduleFileError) in
            if case .transfer(let transfer) = entry.instruction { try body(transfer, position) }
        }
    }

    private func deadlock(_ sends: Sends) -> (cycle: WaitCycle, start: FileRows.Position)? {
        rows.deadlock { instruction, _ in
            guard case .transfer(let transfer) = instruction, sends == .blocking || !transfer.kind.isSend,
                let other = order.position(.transfer(transfer.otherEnd))
            else { return [] }
            return [RowRun.Need(position: other, isOver: sends == .buffered)]
        }
    }
}
