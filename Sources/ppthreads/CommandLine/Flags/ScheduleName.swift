// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// A schedule as a person names it: one that can be made by name, or a file's, before that is read.
package enum ScheduleName: NameOrFile {
    case kind(ScheduleKind)
    /// The path of a CSV.
    case file(String)

    static let names = ScheduleKind.allCases.map(\.rawValue)
    static let alternatives = "or a FILE.csv"
    static let listRule = "names separated by commas, each once, out of"
    static let all: [ScheduleName]? = ScheduleKind.allCases.map(ScheduleName.kind)

    init(_ text: String) throws(FlagValueError) {
        if let kind = ScheduleKind(rawValue: text) {
            self = .kind(kind)
        } else if Self.isPath(text, endings: [".csv"]) {
            self = .file(text)
        } else {
            throw Self.refusal(of: text)
        }
    }

    static func read(_ path: String) throws(DataError) -> ScheduleFile {
        try ScheduleFile(path: path, name: ScheduleName.file(path).title)
    }

    /// For people: a title, or a file's name.
    var title: String {
        switch self {
        case .kind(let kind): kind.title
        case .file(let path): (path.split(separator: "/").last.map(String.init) ?? path).visible
        }
    }

    var text: String {
        switch self {
        case .kind(let kind): kind.rawValue
        case .file(let path): path
        }
    }

    var path: String? { if case .file(let path) = self { path } else { nil } }
}
