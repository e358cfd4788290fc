import Pipeline

/// A cut as a person names it: one that is worked out, a layout, or a file that holds one, before that is read.
package enum PartitionName: Equatable, Sendable {
    case kind(PartitionKind)
    case layout(PartitionLayout)
    /// A path.
    case file(String)

    static let uniform = PartitionName.kind(.uniform)

    /// A file is what has a slash, ends in `.layout` or `.txt`, or follows an `@`.
    /// - Throws: what is allowed, and what was probably meant, for what is neither a name, nor a file's, nor a layout.
    init(_ text: String) throws(FlagValueError) {
        let names = PartitionKind.allCases.map(\.rawValue)
        if let kind = PartitionKind(rawValue: text) {
            self = .kind(kind)
        } else if text.hasPrefix("@") && text != "@" {
            self = .file(String(text.dropFirst()))
        } else if text.contains("/") || [".layout", ".txt"].contains(where: text.lowercased().hasSuffix) {
            self = .file(text)
        } else if let meant = Slip.of(text, among: names) {
            throw FlagValueError(allowed: "did you mean \(meant)? \(Self.allowed)")
        } else if !text.contains(where: "EHL|".contains) {
            // A word: what a model's first and last unit, or a bar, has to stand in is meant for something else.
            throw FlagValueError(allowed: Self.allowed)
        } else {
            do throws(LayoutError) { self = .layout(try PartitionLayout(text)) } catch {
                throw FlagValueError(allowed: "\(error); \(Self.allowed)")
            }
        }
    }

    /// For messages and helps.
    static var allowed: String {
        PartitionKind.allCases.map(\.rawValue).joined(separator: ", ")
            + ", a layout such as 'E t a | f t*2 H', or a FILE.layout"
    }

    /// As a person would type it.
    var text: String {
        switch self {
        case .kind(let kind): kind.rawValue
        case .layout(let layout): layout.text
        case .file(let path): path
        }
    }

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

extension [PartitionName] {
    /// The files among them, each once.
    var paths: [String] { compactMap { if case .file(let path) = $0 { path } else { nil } }.unique }

    /// The layouts of the files among them, by their paths.
    func read() throws(CommandError) -> [String: PartitionLayout] {
        var layouts: [String: PartitionLayout] = [:]
        for path in paths {
            layouts[path] = try readingData { () throws(DataError) in try PartitionLayout(path: path) }
        }
        return layouts
    }
}

extension Flag {
    /// `--partition` of one.
    static func partition(set path: WritableKeyPath<Options, PartitionName>, standard: Options, help: String) -> Flag {
        Flag(
            names: ["--partition"], placeholder: "CUT", help: "\(help): \(PartitionName.allowed)",
            standard: standard[keyPath: path].text
        ) { options, text throws(FlagValueError) in options[keyPath: path] = try PartitionName(text) }
    }

    /// `--partition` of several, each once; commas stand between them, and so in no layout.
    static func partitions(
        set path: WritableKeyPath<Options, [PartitionName]>, standard: Options, help: String
    ) -> Flag {
        Flag(
            names: ["--partition"], placeholder: "LIST", help: "\(help), out of: \(PartitionName.allowed)",
            standard: standard[keyPath: path].map(\.text).joined(separator: ",")
        ) { options, text throws(FlagValueError) in
            options[keyPath: path] = try list(text) { part throws(FlagValueError) in
                do throws(FlagValueError) { return try PartitionName(part) } catch {
                    throw FlagValueError(
                        allowed: "cuts separated by commas, which no layout has here, each once: \(error.allowed)")
                }
            }
        }
    }
}
