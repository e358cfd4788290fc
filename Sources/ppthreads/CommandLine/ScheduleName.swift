import Pipeline

/// A schedule as a person names it: one that can be made by name, or a file's, before that is read.
package enum ScheduleName: Equatable, Sendable {
    case kind(ScheduleKind)
    /// The path of a CSV.
    case file(String)

    /// - Throws: what is allowed, and what was probably meant, for what is neither a name nor a file's.
    init(_ text: String) throws(FlagValueError) {
        if let kind = ScheduleKind(rawValue: text) {
            self = .kind(kind)
        } else if text.contains("/") || text.lowercased().hasSuffix(".csv") {
            self = .file(text)
        } else {
            let names = ScheduleKind.allCases.map(\.rawValue)
            let meant = Slip.of(text, among: names).map { "did you mean \($0)? " } ?? ""
            throw FlagValueError(allowed: "\(meant)\(Self.allowed)")
        }
    }

    /// For messages and helps.
    static var allowed: String { ScheduleKind.allCases.map(\.rawValue).joined(separator: ", ") + ", or a FILE.csv" }

    /// For people: a title, or a file's name.
    var title: String {
        switch self {
        case .kind(let kind): kind.title
        case .file(let path): path.split(separator: "/").last.map(String.init) ?? path
        }
    }

    /// As a person would type it.
    var text: String {
        switch self {
        case .kind(let kind): kind.rawValue
        case .file(let path): path
        }
    }
}

extension Flag {
    /// `--schedule` of one.
    static func schedule(set path: WritableKeyPath<Options, ScheduleName>, standard: Options, help: String) -> Flag {
        Flag(
            names: ["--schedule"], placeholder: "NAME", help: "\(help): \(ScheduleName.allowed)",
            standard: standard[keyPath: path].text
        ) { options, text throws(FlagValueError) in options[keyPath: path] = try ScheduleName(text) }
    }

    /// `--schedule` of one, or none.
    static func schedule(set path: WritableKeyPath<Options, ScheduleName?>, help: String) -> Flag {
        Flag(
            names: ["--schedule"], placeholder: "NAME", help: "\(help): \(ScheduleName.allowed)", standard: "none"
        ) { options, text throws(FlagValueError) in options[keyPath: path] = try ScheduleName(text) }
    }

    /// `--schedule` of several, each once.
    static func schedules(
        set path: WritableKeyPath<Options, [ScheduleName]>, standard: Options, help: String
    ) -> Flag {
        let isAll = standard[keyPath: path].count == ScheduleKind.allCases.count
        let text = isAll ? "all" : standard[keyPath: path].map(\.text).joined(separator: ",")
        return Flag(
            names: ["--schedule"], placeholder: "LIST", help: "\(help), out of: \(ScheduleName.allowed)",
            standard: text
        ) { options, text throws(FlagValueError) in
            options[keyPath: path] =
                text == "all"
                ? ScheduleKind.allCases.map(ScheduleName.kind)
                : try list(text) { part throws(FlagValueError) in
                    do throws(FlagValueError) { return try ScheduleName(part) } catch {
                        throw FlagValueError(allowed: "names separated by commas, each once, out of: \(error.allowed)")
                    }
                }
        }
    }
}
