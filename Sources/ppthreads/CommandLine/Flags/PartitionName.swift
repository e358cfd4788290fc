// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// A cut as a person names it: one that is worked out, a layout, or a file that holds one, before that is read.
package enum PartitionName: NameOrFile {
    case kind(PartitionKind)
    case layout(PartitionLayout)
    /// A path.
    case file(String)

    static let uniform = PartitionName.kind(.uniform)

    static let names = PartitionKind.allCases.map(\.rawValue)
    static let alternatives = "a layout such as 'E t a | f t*2 H', or a FILE.layout"
    static let listRule = "cuts separated by commas, which no layout has here, each once"
    static let all: [PartitionName]? = nil

    /// A file may follow an `@`, too.
    init(_ text: String) throws(FlagValueError) {
        if let kind = PartitionKind(rawValue: text) {
            self = .kind(kind)
        } else if text.hasPrefix("@") && text != "@" {
            self = .file(String(text.dropFirst()))
        } else if Self.isPath(text, endings: [".layout", ".txt"]) {
            self = .file(text)
        } else if Slip.of(text, among: Self.names) != nil || !text.contains(where: "EHL|".contains) {
            // A word: what a model's first and last unit, or a bar, has to stand in is meant for something else.
            throw Self.refusal(of: text)
        } else {
            do throws(LayoutError) { self = .layout(try PartitionLayout(text)) } catch {
                throw FlagValueError(allowed: "\(error); \(Self.allowed)")
            }
        }
    }

    static func read(_ path: String) throws(DataError) -> PartitionLayout { try PartitionLayout(path: path) }

    var text: String {
        switch self {
        case .kind(let kind): kind.rawValue
        case .layout(let layout): layout.text
        case .file(let path): path
        }
    }

    var path: String? { if case .file(let path) = self { path } else { nil } }

    /// The cut to ask a run for.
    /// - Parameter files: what was read, by the files' paths.
    func choice(_ files: [String: PartitionLayout]) -> PartitionChoice? {
        switch self {
        case .kind(let kind): .kind(kind)
        case .layout(let layout): .layout(layout)
        case .file(let path): files[path].map { .layout($0) }
        }
    }
}
