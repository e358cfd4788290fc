// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Threads

/// A run as a row of a results CSV: its settings, and its figures once it has any. `ResultColumn.all` says what a row holds.
public struct ResultRow: Sendable {
    /// Which program made it.
    public struct Program: Sendable {
        /// As `--version` tells it, such as `0.1.0`.
        public let version: String
        /// Of its source.
        public let commit: String

        /// With these values.
        public init(version: String, commit: String) {
            self.version = version
            self.commit = commit
        }
    }

    let plan: RunPlan
    let program: Program
    /// Which of several runs with the same settings it is; counts from 1.
    let repetition: Int
    /// None for a run that has not ended, or failed.
    public let figures: RunFigures?
    /// Why it failed; empty when it did not.
    public let error: String
    /// What it reads: `random` for random tokens, else the file's name and a fingerprint of the tokens that are read, so that
    /// another path to the same file is the same run, and the same path to other tokens is not.
    let data: String
    /// The name by which its order can be made; else the file's and a fingerprint of the order, as PyTorch's CSV without sends and
    /// receives has it.
    let schedule: String
    /// What its weights start from: `seed`, or a checkpoint's name and a fingerprint of the file.
    let initial: String

    /// A run that is still to come.
    /// - Throws: `DataError` when the checkpoint that it starts from cannot be read.
    public init(_ plan: RunPlan, by program: Program) throws(DataError) {
        self.plan = plan
        self.program = program
        if case .file(let file) = plan.configuration.tokens, let fingerprint = plan.tokenFingerprint {
            data = Self.source(file.path, fingerprint)
        } else {
            data = "random"
        }
        if let file = plan.configuration.initial {
            initial = Self.source(file.path, try file.fingerprint())
        } else {
            initial = "seed"
        }
        let order = plan.schedule
        schedule = order.kind?.rawValue ?? "\(order.name):\(Fingerprint(order.csv().utf8))"
        (repetition, figures, error) = (1, nil, "")
    }

    private init(_ row: ResultRow, _ repetition: Int, figures: RunFigures? = nil, error: String = "") {
        (plan, program, data, initial, schedule) = (row.plan, row.program, row.data, row.initial, row.schedule)
        (self.repetition, self.figures, self.error) = (repetition, figures, error)
    }

    private static func source(_ path: String, _ fingerprint: Fingerprint) -> String {
        "\(path.split(separator: "/").last ?? ""):\(fingerprint)"
    }

    /// The same run, measured once.
    public func measured(_ figures: RunFigures) -> ResultRow { ResultRow(self, 1, figures: figures) }

    /// Another run with the same settings that is still to come.
    public func repeated(_ repetition: Int) -> ResultRow { ResultRow(self, repetition) }

    /// The same run at its end.
    public func ended(_ outcome: Result<Quietest<RunFigures>, RunError>) -> ResultRow {
        switch outcome {
        case .success(let measured):
            var figures = measured.outcome
            figures.tries = measured.tries
            return ResultRow(self, repetition, figures: figures)
        case .failure(let error): return ResultRow(self, repetition, error: error.description)
        }
    }

    /// Nil when the system does not tell.
    static let machine = try? Machine.current()
}

// MARK: As a line

extension ResultRow {
    /// Of all columns, in order.
    public static let names = ResultColumn.all.map(\.name)
    /// The names as a line of CSV, without the line's end.
    public static let header = CSVText.line(names)

    /// It may be printed: names in it have nothing that acts on a terminal.
    public var line: String { CSVText.line(ResultColumn.all.map { ($0.value(of: self)?.text ?? "").visible }) }
    /// With the header.
    public var text: String { "\(Self.header)\n\(line)" }

    /// What its line holds, as it is read again.
    public var values: [String] { CSVText.records(Array(line.utf8))[0].values }

    /// What tells runs apart: every setting that can change a result, and the number of the repetition. It is that of the
    /// run's line, so that a run and its line cannot differ, whatever a file's name holds.
    public var identity: [String] { Self.identity(ofRow: values) }

    /// The identity of the run that a row with these values tells of. Equal numbers are equal, however they are written.
    public static func identity(ofRow values: [String]) -> [String] {
        zip(ResultColumn.all, values).filter { $0.0.role == .setting }.map {
            $0.1.canonicalNumber ?? $0.1.canonicalTruth ?? $0.1
        }
    }

    /// Whether a row, as its values by their columns, was made by this version of the program on this machine.
    public static func isFromHere(_ values: [String: String], _ program: Program) -> Bool {
        values["host"] == (machine?.host ?? "").visible && values["cpu"] == (machine?.cpuModel ?? "").visible
            && values["version"] == program.version && values["commit"] == program.commit
    }

    /// What the header of an older format has not: formats 1 to 5 had fewer columns. Nil when it is no such header.
    public static func columnsLacking(inOlderHeader header: [String]) -> [String]? {
        let present = Set(header)
        let lacking = names.filter { !present.contains($0) }
        let isOlder = present.contains("format") && names.filter(present.contains) == header
        return isOlder && !lacking.isEmpty ? lacking : nil
    }
}
