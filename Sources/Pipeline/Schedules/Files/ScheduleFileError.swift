// SPDX-License-Identifier: Apache-2.0

/// Why a schedule's file is refused, and where.
public struct ScheduleFileError: Error, Equatable, CustomStringConvertible {
    /// The line, counted from 1, which is the rank's number and 1; nil for what is wrong with the file as a whole.
    public let row: Int?
    /// The cell of that row, counted from 1; nil for what is wrong with the row as a whole.
    public let column: Int?
    /// What is wrong.
    public let fault: Fault
    /// Whether B and BW of the file were read as I and B, which `fault` names.
    public internal(set) var isOldGrammar = false

    init(_ fault: Fault, row: Int? = nil, column: Int? = nil) {
        self.row = row
        self.column = column
        self.fault = fault
    }

    /// `row 2, column 3: 1F0 stands in column 2 already`.
    public var description: String {
        let position = [row.map { "row \($0)" }, column.map { "column \($0)" }].compactMap { $0 }
        let text = (position.isEmpty ? "" : position.joined(separator: ", ") + ": ") + fault.description
        return isOldGrammar ? "\(text) (an old file's B is I, and its BW is B)" : text
    }

    /// What can be wrong with a schedule's file.
    public enum Fault: Error, Equatable {
        /// A byte 0.
        case noText
        /// Nothing but blank lines.
        case noRows
        /// A row without an action: the rank would have nothing to do.
        case idle
        /// A quote that nothing closes.
        case openQuote
        /// More of something than is read: `4096 rows`.
        case tooMany(String)
        /// No instruction at all.
        case unknown(String)
        /// An instruction that says no microbatch.
        case noMicrobatch(String)
        /// Text behind an instruction.
        case trailing(String, after: String)
        /// A stage or microbatch that no schedule has.
        case tooLarge(String)
        /// A parenthesis that is no pair of overlapped actions.
        case overlap(String)
        /// BW beside I, which are words of different times.
        case mixedGrammar(String)
        /// A stage that another row has too; ranks count from 0, rows from 1.
        case onTwoRows(stage: Int, other: Int)
        /// A stage of no row, told where the last one begins.
        case noStage(Int, last: Int)
        /// What stands twice, the first time in a column.
        case repeated(Instruction, column: Int)
        /// A part of a backward that stands as a whole too.
        case wholeAndPart(Action, column: Int)
        /// What is not there, and what needs it if something does.
        case missing(Instruction, for: Instruction?)
        /// What needs something that comes later in its row.
        case tooEarly(Instruction, needs: Instruction, column: Int)
        /// Both ends of a link in different orders: what is taken, and what is handed on then.
        case linkOrder(Action, given: Action)
        /// Actions or transfers that wait for each other.
        case deadlock(WaitCycle)
        /// A transfer beyond the first or last stage.
        case noNeighbour(Transfer)
        /// A transfer between stages of one rank.
        case sameRank(Transfer)
        /// A send without its receive.
        case nobodyTakes(Transfer)
        /// A receive without its send.
        case nobodySends(Transfer)
        /// A receive that takes another's message: messages between two ranks arrive in the order in which they are
        /// sent.
        case crossed(Transfer, sent: Transfer)
        /// What only the validator found.
        case unsound(ScheduleError)
    }
}

extension ScheduleFileError.Fault: CustomStringConvertible {
    /// A sentence without its end.
    public var description: String {
        switch self {
        case .noText: "a byte 0, which no text has"
        case .noRows: "no row has an action"
        case .idle: "the row has no action"
        case .openQuote: "the quote is not closed"
        case .tooMany(let what): "more than \(what)"
        case .unknown(let word): "\(word) is no instruction such as 2F0, 2SEND_F0 or 2UNSHARD"
        case .noMicrobatch(let word): "\(word) says no microbatch, as 2F0 does"
        case .trailing(let text, let word): "\(text) follows \(word)"
        case .tooLarge(let number): "\(number) is too large: numbers go up to \(CellText.numberMost)"
        case .overlap(let word): "\(word) is no overlapped pair such as (0F1;3B0)OVERLAP_F_B"
        case .mixedGrammar(let word): "\(word) is of the old grammar, in which there is no I"
        case .onTwoRows(let stage, let other): "stage \(stage) is row \(other)'s"
        case .noStage(let stage, let last): "no row has stage \(stage), though there is a stage \(last)"
        case .repeated(let instruction, let column): "\(instruction) stands in column \(column) already"
        case .wholeAndPart(let action, let column):
            "\(action) is done twice: column \(column) has \(action.kind == .backward ? "a part of it" : "the whole")"
        case .missing(let instruction, let user):
            "\(instruction) is missing" + (user.map { ", which \($0) needs" } ?? "")
        case .tooEarly(let instruction, let cause, let column):
            "\(instruction) needs \(cause), which comes later, in column \(column)"
        case .linkOrder(let action, let given):
            "\(action) comes where \(given) is handed on: a stage takes microbatches in the order in which its neighbour hands them on"
        case .deadlock(let cycle): "deadlock: \(cycle)"
        case .noNeighbour(let transfer): "\(transfer) has no stage at its other end"
        case .sameRank(let transfer): "\(transfer) has both of its ends in this row, where nothing is sent"
        case .nobodyTakes(let transfer): "\(transfer) is sent, but nobody takes it: \(transfer.otherEnd) is missing"
        case .nobodySends(let transfer): "\(transfer) waits, but nobody sends it: \(transfer.otherEnd) is missing"
        case .crossed(let transfer, let sent):
            "\(transfer) would take what \(sent) gives: messages of two ranks keep their order"
        case .unsound(let error): error.description
        }
    }
}
