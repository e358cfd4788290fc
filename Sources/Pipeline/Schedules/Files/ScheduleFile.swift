// SPDX-License-Identifier: Apache-2.0

/// A schedule as PyTorch's CSV files have it: a line for each rank, a cell for each action, no header.
///
/// A cell is empty, which says that the rank idles, or a stage, a word and a microbatch. The words are F, I, B and W
/// (`Action.Kind`), SEND_F, RECV_F, SEND_B and RECV_B (`Transfer.Kind`); UNSHARD, RESHARD and REDUCE_GRAD stand without
/// a microbatch and are left out. `(0F3;3B1)OVERLAP_F_B` is what PyTorch may do at once; it is read as one after the
/// other. Of old files B is read as I, and BW as B.
///
/// Source: torch/distributed/pipelining/schedules.py of PyTorch 2.13.
public struct ScheduleFile: Sendable {
    /// What PyTorch calls the two forms.
    public enum Form: Sendable {
        /// `compute_only`.
        case computeOnly
        /// `compute_comms`.
        case withCommunication
    }

    /// The computations, which `validated()` passes.
    public let schedule: Schedule
    /// Whether sends and receives stand between them.
    public let form: Form
    /// What is to be said of it: sentences without their ends.
    public let notes: [String]
    /// Each rank's computations, sends and receives in its order; nil in a file without communication.
    public let communication: [[Instruction]]?
    /// How it would deadlock if a send waited for its receiver; nil when it would not, or has none.
    public let deadlockOfBlockingSends: WaitCycle?

    /// Reads a file, and checks what it says: the order as `validated()` does, sends and receives as
    /// `checkCommunication` does.
    ///
    /// No bytes make it trap.
    /// - Parameters:
    ///   - bytes: the file's: ASCII, with or without a byte order mark.
    ///   - name: what the schedule is called.
    /// - Throws: the first fault found, and where.
    /// - Complexity: O(bytes + instructions x ranks).
    public init(bytes: [UInt8], name: String) throws(ScheduleFileError) {
        var rows = try FileRows(bytes)
        let old = try rows.translateOldGrammar()
        do throws(ScheduleFileError) {
            try self.init(rows, name: name, notes: old.map { [$0] } ?? [])
        } catch {
            var error = error
            error.isOldGrammar = old != nil
            throw error
        }
    }

    /// Checks sends and receives between computations: each has its other end and its computation in the right order,
    /// messages between two ranks are taken in the order in which they are sent, and all ranks come to their ends when
    /// a receive waits where it stands and a send never does.
    /// - Parameter rows: each rank's instructions; in errors, its k-th stands in column k, counted from 1.
    /// - Returns: how they would deadlock if a send waited for its receiver too; nil if they would not.
    /// - Throws: the first fault found: of the computations, then of what is sent and received.
    public static func checkCommunication(of rows: [[Instruction]]) throws(ScheduleFileError) -> WaitCycle? {
        try Self.transfers(FileOrder(FileRows(rows).rows, name: "")).cycle(.blocking)
    }

    /// The most actions times ranks: `validated()` may look at each action once for each rank.
    private static let knowledgeMost = 1 << 30

    private init(_ rows: FileRows, name: String, notes: [String]) throws(ScheduleFileError) {
        let order = try FileOrder(rows.rows, name: name)
        let communicates = rows.hasCommunication
        let transfers = communicates ? try Self.transfers(order) : nil
        if transfers == nil { try order.checkActions() }
        schedule = order.schedule
        let actions = schedule.actions.reduce(0) { $0 + $1.count }
        if actions > Self.knowledgeMost / schedule.ranks {
            throw ScheduleFileError(.tooMany("\(Self.knowledgeMost / schedule.ranks) actions on so many ranks"))
        }
        do { _ = try schedule.validated() } catch { throw ScheduleFileError(.unsound(error)) }
        form = communicates ? .withCommunication : .computeOnly
        communication = communicates ? rows.rows.map { $0.map(\.instruction) } : nil
        deadlockOfBlockingSends = transfers?.cycle(.blocking)
        self.notes =
            notes + rows.notes(schedule)
            + [deadlockOfBlockingSends].compactMap { cycle in
                cycle.map { "if sends waited for their receivers it would deadlock: \($0)" }
            }
    }

    private static func transfers(_ order: FileOrder) throws(ScheduleFileError) -> FileTransfers {
        try order.checkActions()
        let transfers = FileTransfers(order)
        try transfers.check()
        return transfers
    }
}

extension FileRows {
    /// What was read otherwise than it is written, and what PyTorch would stumble over.
    fileprivate func notes(_ schedule: Schedule) -> [String] {
        var notes: [String] = []
        if overlaps > 0 { notes.append("overlapped cells that are run one action after the other: \(overlaps)") }
        let left = CellText.Collective.allCases.compactMap { word in
            collectives[word].map { "\($0) \(word.rawValue)" }
        }
        if !left.isEmpty { notes.append("left out: " + left.joined(separator: " and ")) }
        if !hasCommunication { return notes }
        if emptyCells > 0 {
            notes.append("empty cells that PyTorch refuses beside sends and receives: \(emptyCells)")
        }
        if !schedule.isForwardOnly && collectives[.reduceGradients] == nil {
            notes.append("no REDUCE_GRAD: PyTorch 2.13 would not divide gradients by the microbatches")
        }
        return notes
    }
}
