// SPDX-License-Identifier: Apache-2.0

/// What a row of a schedule's file tells its rank to do.
public enum Instruction: Hashable, Sendable, CustomStringConvertible {
    /// A computation.
    case action(Action)
    /// A hand-off to another rank, or from one.
    case transfer(Transfer)

    /// The stage that computes, sends or receives.
    public var stage: Int {
        switch self {
        case .action(let action): action.stage
        case .transfer(let transfer): transfer.stage
        }
    }

    /// As PyTorch writes it: `2F0`, `2SEND_F0`.
    public var description: String {
        switch self {
        case .action(let action): action.description
        case .transfer(let transfer): transfer.description
        }
    }
}

/// One end of a hand-off between ranks: `0SEND_F1` gives what `1RECV_F1` takes.
public struct Transfer: Hashable, Sendable, CustomStringConvertible {
    /// Which way, and which end; the raw value is PyTorch's word.
    public enum Kind: String, Sendable, CaseIterable {
        /// Gives a forward's output to the next stage.
        case sendForward = "SEND_F"
        /// Takes a forward's input from the previous stage.
        case receiveForward = "RECV_F"
        /// Gives the input's gradient to the previous stage.
        case sendBackward = "SEND_B"
        /// Takes the output's gradient from the next stage.
        case receiveBackward = "RECV_B"

        /// Whether it is the end that gives.
        public var isSend: Bool { self == .sendForward || self == .sendBackward }
        /// Whether it is the end that is nearer to the last stage.
        var isBelow: Bool { self == .receiveForward || self == .sendBackward }
        /// What the other end is called.
        var otherEnd: Kind {
            switch self {
            case .sendForward: .receiveForward
            case .receiveForward: .sendForward
            case .sendBackward: .receiveBackward
            case .receiveBackward: .sendBackward
            }
        }
    }

    /// Which way, and which end.
    public let kind: Kind
    /// The stage that does it.
    public let stage: Int
    /// Counts from 0.
    public let microbatch: Int

    /// Any numbers; `ScheduleFile.checkCommunication` tells whether there is such a transfer.
    public init(_ kind: Kind, stage: Int, microbatch: Int) {
        self.kind = kind
        self.stage = stage
        self.microbatch = microbatch
    }

    /// What the neighbouring stage does; that of a stage that has no neighbour there counts all the same.
    public var otherEnd: Transfer {
        Transfer(kind.otherEnd, stage: kind.isBelow ? stage &- 1 : stage &+ 1, microbatch: microbatch)
    }

    /// Stage, kind, microbatch, as PyTorch writes it: `0SEND_F1`.
    public var description: String { "\(stage)\(kind.rawValue)\(microbatch)" }
}

extension Schedule {
    /// The send that has to follow an action; nil when the next to use its result is on the same rank, or nobody.
    func send(after action: Action) -> Transfer? {
        switch action.kind {
        case .forward: transfer(.sendForward, action)
        case .backward, .backwardInput: transfer(.sendBackward, action)
        case .backwardWeights: nil
        }
    }

    /// The receive that has to come before an action; nil when its input is of the same rank, or of nobody.
    func receive(before action: Action) -> Transfer? {
        switch action.kind {
        case .forward: transfer(.receiveForward, action)
        case .backward, .backwardInput: transfer(.receiveBackward, action)
        case .backwardWeights: nil
        }
    }

    private func transfer(_ kind: Transfer.Kind, _ action: Action) -> Transfer? {
        let own = Transfer(kind, stage: action.stage, microbatch: action.microbatch)
        return neighbours(own) == .onTwoRanks ? own : nil
    }

    /// Where the two ends of a transfer are.
    enum Neighbours { case none, onOneRank, onTwoRanks }

    func neighbours(_ transfer: Transfer) -> Neighbours {
        let (own, other) = (transfer.stage, transfer.otherEnd.stage)
        guard rankOfStage.indices.contains(own) && rankOfStage.indices.contains(other),
            copy(ofStage: own) == copy(ofStage: other)
        else { return .none }
        return rankOfStage[own] == rankOfStage[other] ? .onOneRank : .onTwoRanks
    }
}
