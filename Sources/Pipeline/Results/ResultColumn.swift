// SPDX-License-Identifier: Apache-2.0

import Threads

/// A column of a results CSV: what it is called, what it means, how it is written and how it is read. All of them stand in
/// `ResultColumn.all`, and nowhere else: the CSV's writer and reader, `--json`, the table in `docs/commands.md`, what tells runs
/// apart for a sweep, and what `analyze` groups by follow from there.
public struct ResultColumn: Sendable {
    /// What a column is for.
    enum Role: Sendable {
        /// What was asked for, and different for runs that are not the same.
        case setting
        /// Measured: empty when the run failed, or did not measure it.
        case figure
        /// What it was measured with. Runs of other machines are not compared, but are no other runs.
        case machine
        /// Anything else that is to be known of a row.
        case remark
    }

    /// What the header of a results CSV calls it.
    public let name: String
    /// What other files call it: the reference study's summary.
    let otherNames: [String]
    /// Its key in `run --json`; nil where that has the column in another form, or not.
    public let jsonKey: String?
    /// `-` where it has none.
    public let unit: String
    /// In Markdown.
    public let meaning: String
    let role: Role
    let values: ResultValues
    /// Whether a results CSV has to have it.
    let isRequired: Bool
    private let value: @Sendable (ResultRow) -> ResultValue?

    /// Whether it is a part of what tells runs apart.
    public var isSetting: Bool { role == .setting }

    /// Whether it is empty unless somebody asks for something: then rows of before there was such a column are known to be without it.
    public var isEmptyUnlessAsked: Bool { ["group_size", "replicas", "injected_link"].contains(name) }

    /// Names that it is found by, ours first.
    var names: [String] { [name] + otherNames }

    /// A row's value; nil where there is none.
    public func value(of row: ResultRow) -> ResultValue? { value(row) }

    private init(
        _ name: String, _ otherNames: [String], json: String?, unit: String, _ meaning: String, _ role: Role,
        _ values: ResultValues, isRequired: Bool, _ value: @escaping @Sendable (ResultRow) -> ResultValue?
    ) {
        self.name = name
        self.otherNames = otherNames
        jsonKey = json
        self.unit = unit
        self.meaning = meaning
        self.role = role
        self.values = values
        self.isRequired = isRequired
        self.value = value
    }

    /// - Parameters:
    ///   - or: another name.
    ///   - json: its key there, where that is another one; empty for none.
    ///   - values: what may be read.
    static func setting(
        _ name: String, or other: String? = nil, json: String? = nil, read values: ResultValues, required: Bool = false,
        unit: String = "-", _ meaning: String, _ value: @escaping @Sendable (ResultRow) -> ResultValue?
    ) -> ResultColumn {
        ResultColumn(
            name, [other].compactMap(\.self), json: key(json ?? name), unit: unit, meaning, .setting, values,
            isRequired: required, value)
    }

    static func figure(
        _ name: String, or other: String? = nil, json: String? = nil, read values: ResultValues = .unread,
        required: Bool = false, unit: String = "-", _ meaning: String,
        _ value: @escaping @Sendable (RunFigures) -> ResultValue?
    ) -> ResultColumn {
        ResultColumn(
            name, [other].compactMap(\.self), json: key(json ?? name), unit: unit, meaning, .figure, values,
            isRequired: required
        ) { $0.figures.flatMap(value) }
    }

    static func machine(
        _ name: String, json: String? = nil, read values: ResultValues = .unread, _ meaning: String,
        _ value: @escaping @Sendable (ResultRow) -> ResultValue?
    ) -> ResultColumn {
        ResultColumn(
            name, [], json: key(json ?? name), unit: "-", meaning, .machine, values, isRequired: false, value)
    }

    static func remark(
        _ name: String, json: String? = nil, _ meaning: String,
        _ value: @escaping @Sendable (ResultRow) -> ResultValue?
    ) -> ResultColumn {
        ResultColumn(
            name, [], json: key(json ?? name), unit: "-", meaning, .remark, .unread, isRequired: false, value)
    }

    private static func key(_ name: String) -> String? { name.isEmpty ? nil : name }

    /// A term's.
    static func of(_ term: Breakdown.Term) -> ResultColumn { named("\(term.rawValue)_s") }

    /// The column of that name; another one traps.
    static func named(_ name: String) -> ResultColumn {
        guard let column = all.first(where: { $0.name == name }) else { trap("there is no column \(name)") }
        return column
    }
}

/// What a column's values may be when they are read.
enum ResultValues: Equatable, Sendable {
    /// In lower case, whatever the file has.
    case name
    /// As it is in the file: paths and machines.
    case text
    /// A whole number from this one to `countMost`.
    case count(from: Int)
    /// A whole number from 0 that may be as large as an `Int`.
    case seed
    case fromZero
    case probability
    /// A figure in a range.
    case within(ClosedRange<Double>)
    /// Nobody reads it.
    case unread

    /// The largest whole number that one may be: the product of any two fits in an `Int`.
    static let countMost = Int(Int32.max)
    /// The longest name that one may be, in bytes of UTF-8: gemm may be a path.
    static let nameBytesMost = 4096
    /// What a figure may be: far beyond what was ever measured, and so that no sum, product or ratio of a file's figures is too
    /// large or too small for a `Double`.
    static let measure = within(1e-15...1e15)
    /// Of a breakdown's term. Rounding can bring it just below 0; files of other programs may have any.
    static let term = within(-1e15...1e15)

    /// For messages.
    var allowed: String {
        switch self {
        case .name, .text: "a name of at most \(Self.nameBytesMost) bytes"
        case .count(let least): "a whole number from \(least) to \(Self.countMost)"
        case .seed: "a whole number from 0 to \(Int.max)"
        case .fromZero: "a number from 0 on"
        case .probability: "a number from 0 and below 1"
        case .within(let range): "a number from \(Self.text(range.lowerBound)) to \(Self.text(range.upperBound))"
        case .unread: "anything"
        }
    }

    /// `1e15` and `1`, as a person writes them.
    private static func text(_ bound: Double) -> String {
        if bound.magnitude == 1e15 { return bound < 0 ? "-1e15" : "1e15" }
        return Int(exactly: bound).map(String.init) ?? "\(bound)"
    }
}
