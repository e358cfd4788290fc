// SPDX-License-Identifier: Apache-2.0

/// A schedule whose actions are all there, with what each of them waits for. Never changes; a class, so that loops over millions of
/// actions hand on a reference instead of copying what it holds.
final class ScheduleOrder: Sendable {
    /// An action of a rank's list.
    struct Position: Equatable {
        let rank: Int
        let index: Int
    }

    let schedule: Schedule
    let table: ActionTable

    /// - Throws: `ScheduleError` when actions are missing, repeated or misplaced.
    init(_ schedule: Schedule) throws(ScheduleError) {
        self.schedule = schedule
        table = try ActionTable(schedule)
    }

    /// What an action needs, besides its rank's earlier ones: what its own stage has done before, and what a neighbouring stage
    /// hands it.
    @inline(__always)
    func needs(_ action: Action) -> (own: Position?, handedOn: Position?) {
        let (stage, microbatch) = (action.stage, action.microbatch)
        func position(_ step: ActionTable.Step, _ stage: Int) -> Position {
            Position(rank: schedule.rankOfStage[stage], index: table.index(step, stage, microbatch))
        }
        return switch action.kind {
        case .forward: (nil, schedule.isFirst(stage) ? nil : position(.forward, stage - 1))
        case .backward, .backwardInput:
            (position(.forward, stage), schedule.isLast(stage) ? nil : position(.inputGradient, stage + 1))
        case .backwardWeights: (position(.inputGradient, stage), nil)
        }
    }

    /// The action of another rank that hands on what an action receives; nil where it receives nothing, or from its own rank.
    @inline(__always)
    func sender(of action: Action) -> Position? {
        guard let sender = needs(action).handedOn, sender.rank != schedule.rankOfStage[action.stage] else { return nil }
        return sender
    }

    /// What an action needs, besides its rank's earlier ones.
    func causes(of action: Action) -> [Position] {
        let needs = needs(action)
        return [needs.own, needs.handedOn].compactMap(\.self)
    }

    /// The same as actions.
    func causingActions(of action: Action) -> [Action] {
        causes(of: action).map { schedule.actions[$0.rank][$0.index] }
    }
}

/// What sends wait for where links have room for so many items: their receiver's release of an older one. Slots come back in the
/// order in which they were taken.
struct LinkRoom {
    private let schedule: Schedule
    private let table: ActionTable
    /// For each stage and microbatch of its copy (`ActionTable.cell`), the microbatch whose release makes room for its send; -1
    /// for none.
    private let activations, gradients: [Int32]

    /// - Parameters:
    ///   - activationSlots: by sending stage, as `gradientSlots`; one for each stage.
    init(_ order: ScheduleOrder, activationSlots: [Int], gradientSlots: [Int]) {
        schedule = order.schedule
        table = order.table
        activations = Self.releases(order, activationSlots) { $0.kind == .forward }
        gradients = Self.releases(order, gradientSlots, of: \.kind.givesInputGradient)
    }

    private static func releases(
        _ order: ScheduleOrder, _ slots: [Int], of isSent: (Action) -> Bool
    ) -> [Int32] {
        let schedule = order.schedule
        var sent = [[Int]](repeating: [], count: schedule.stages)
        var releases = [Int32](repeating: -1, count: order.table.cellCount)
        for action in schedule.actions.joined() where isSent(action) {
            let number = sent[action.stage].count
            sent[action.stage].append(action.microbatch)
            if number >= slots[action.stage] {
                // Without any slot there is never room: it waits for its own item's release.
                let older = slots[action.stage] < 1 ? number : number - slots[action.stage]
                releases[order.table.cell(action.stage, action.microbatch)] = Int32(sent[action.stage][older])
            }
        }
        return releases
    }

    /// What an action that sends waits for; nil where it has room whatever others do.
    func release(for action: Action) -> ScheduleOrder.Position? {
        if action.kind == .forward {
            return schedule.isLast(action.stage) ? nil : release(activations, action, at: action.stage + 1)
        }
        if !action.kind.givesInputGradient || schedule.isFirst(action.stage) { return nil }
        return release(gradients, action, at: action.stage - 1)
    }

    private func release(_ releases: [Int32], _ action: Action, at receiver: Int) -> ScheduleOrder.Position? {
        let older = releases[table.cell(action.stage, action.microbatch)]
        if older < 0 { return nil }
        let end: ActionTable.Step = schedule.isForwardOnly ? .forward : .end
        return ScheduleOrder.Position(
            rank: schedule.rankOfStage[receiver], index: table.index(end, receiver, Int(older)))
    }
}
