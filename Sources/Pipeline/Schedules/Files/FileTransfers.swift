/// The checks of a file's sends and receives.
struct FileTransfers {
    private let order: FileOrder
    private let schedule: Schedule

    /// - Parameter order: whose actions were found sound.
    init(_ order: FileOrder) {
        self.order = order
        schedule = order.schedule
    }

    /// What a send waits for.
    enum Sends {
        /// Nothing: its message is kept until somebody takes it.
        case buffered
        /// That its receiver has come to the receive.
        case blocking
    }

    /// Checks that each transfer has its other end and its action in the right order, and that all ranks come to their ends when
    /// sends never wait. Receives wait where they stand.
    /// - Complexity: O(instructions).
    func check() throws(ScheduleFileError) {
        for (row, list) in order.rows.enumerated() {
            for (index, entry) in list.enumerated() {
                let position = FileOrder.Position(row: row, index: index)
                switch entry.instruction {
                case .transfer(let transfer): try checkEnds(transfer, position)
                case .action(let action): try checkInput(action, position)
                }
            }
        }
        try checkMessageOrder()
        if let waits = waits(.buffered) {
            throw order.error(.deadlock(WaitCycle(waits, order.rows)), at: waits[0].waiting)
        }
    }

    /// Transfers that would wait for each other if sends did; nil when all ranks come to their ends all the same.
    func cycle(_ sends: Sends) -> WaitCycle? { waits(sends).map { WaitCycle($0, order.rows) } }

    private func checkEnds(_ transfer: Transfer, _ position: FileOrder.Position) throws(ScheduleFileError) {
        let user = action(of: transfer)
        guard let computed = order.position(user) else {
            throw order.error(.missing(.action(user), for: .transfer(transfer)), at: position)
        }
        if computed.row != position.row {
            throw order.error(.onTwoRows(stage: transfer.stage, other: computed.row + 1), at: position)
        }
        switch schedule.neighbours(transfer) {
        case .none: throw order.error(.noNeighbour(transfer), at: position)
        case .onOneRank: throw order.error(.sameRank(transfer), at: position)
        case .onTwoRanks: break
        }
        if order.position(.transfer(transfer.otherEnd)) == nil {
            throw order.error(transfer.kind.isSend ? .nobodyTakes(transfer) : .nobodySends(transfer), at: position)
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

    private func checkInput(_ action: Action, _ position: FileOrder.Position) throws(ScheduleFileError) {
        guard let receive = schedule.receive(before: action) else { return }
        if order.position(.transfer(receive)) == nil {
            // Whoever sends it tells more.
            let send = receive.otherEnd
            if let sent = order.position(.transfer(send)) { throw order.error(.nobodyTakes(send), at: sent) }
            throw order.error(.missing(.transfer(receive), for: .action(action)), at: position)
        }
        try order.check(.action(action), position, needs: .transfer(receive))
    }

    /// Between two ranks, one way, the k-th receive takes the k-th message.
    private func checkMessageOrder() throws(ScheduleFileError) {
        var sent: [Route: [Transfer]] = [:]
        forEachTransfer { transfer, _ in
            if transfer.kind.isSend { sent[route(from: transfer), default: []].append(transfer) }
        }
        var taken: [Route: Int] = [:]
        var fault: ScheduleFileError?
        forEachTransfer { transfer, position in
            if transfer.kind.isSend || fault != nil { return }
            let route = route(from: transfer.otherEnd)
            let message = sent[route]?[taken[route, default: 0]]
            taken[route, default: 0] += 1
            if let message, message != transfer.otherEnd {
                fault = order.error(.crossed(transfer, sent: message), at: position)
            }
        }
        if let fault { throw fault }
    }

    /// Two ranks, one way.
    private struct Route: Hashable {
        let sender, receiver: Int
    }

    private func route(from send: Transfer) -> Route {
        Route(sender: schedule.rankOfStage[send.stage], receiver: schedule.rankOfStage[send.otherEnd.stage])
    }

    private func forEachTransfer(_ body: (Transfer, FileOrder.Position) -> Void) {
        for (row, list) in order.rows.enumerated() {
            for (index, entry) in list.enumerated() {
                if case .transfer(let transfer) = entry.instruction {
                    body(transfer, FileOrder.Position(row: row, index: index))
                }
            }
        }
    }

    private func waits(_ sends: Sends) -> [FileOrder.Wait]? {
        let rows = order.rows
        let run = RowRun(rows.map(\.count)) { row, index in
            guard case .transfer(let transfer) = rows[row][index].instruction,
                sends == .blocking || !transfer.kind.isSend, let other = order.position(.transfer(transfer.otherEnd))
            else { return [] }
            return [RowRun.Need(row: other.row, index: other.index, isOver: sends == .buffered)]
        }
        return order.waits(run)
    }
}
