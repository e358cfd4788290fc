// SPDX-License-Identifier: Apache-2.0

/// Which folder uses which, by the types that files declare and name.
///
/// A type counts as its folder's when it stands outside all braces. A name that is declared in more than one folder, nested or
/// not, says nothing about either.
struct FolderGraph {
    struct Use: CustomStringConvertible {
        let folder: String
        let file: String
        let used: String
        let declaring: String
        let type: String
        var description: String { "\(folder) -> \(used): \(file) names \(type) of \(declaring)" }
    }

    /// One use for each pair of folders of which the first uses the second.
    private(set) var uses: [String: [String: Use]] = [:]

    /// Takes a module's files; a file's folder is what `folder` says, and nil is no folder's.
    init(_ files: [SourceFile], folder: (SourceFile) -> String?) {
        let files = files.compactMap { file in folder(file).map { (folder: $0, file: file) } }
        var owners: [String: Set<String>] = [:]
        var declaring: [String: SourceFile] = [:]
        for (folder, file) in files {
            for index in file.lines.indices {
                guard let declaration = Declaration(in: file.lines, at: index), declaration.isType else { continue }
                owners[declaration.name, default: []].insert(folder)
                if file.lines[index].depth == 0 { declaring[declaration.name] = file }
            }
        }
        for (folder, file) in files {
            for type in Self.names(in: file) {
                guard let owner = owners[type], owner.count == 1, let used = owner.first, used != folder,
                    let other = declaring[type], uses[folder]?[used] == nil
                else { continue }
                uses[folder, default: [:]][used] = Use(
                    folder: folder, file: file.path, used: used, declaring: other.path, type: type)
            }
        }
    }

    /// Names in the code, in alphabetical order, without members' (`A.B` names A).
    private static func names(in file: SourceFile) -> [String] {
        var names: Set<Substring> = []
        for line in file.lines {
            let words = line.code.split { !($0.isLetter || $0.isNumber || $0 == "_" || $0 == ".") }
            // A range has dots too: `a...B` names B.
            for word in words {
                for part in word.replacing("...", with: " ").split(separator: " ") {
                    names.insert(part.prefix { $0 != "." })
                }
            }
        }
        return names.map(String.init).sorted()
    }

    /// For each folder that leads back to itself the shortest way there; the same cycle once.
    var cycles: [[Use]] {
        var found: [Set<String>: [Use]] = [:]
        for folder in uses.keys.sorted() {
            guard let cycle = shortestWay(from: folder, to: folder) else { continue }
            let folders = Set(cycle.map(\.folder))
            if found[folders] == nil { found[folders] = cycle }
        }
        return found.values.sorted { ($0.count, $0[0].folder) < ($1.count, $1[0].folder) }
    }

    private func shortestWay(from start: String, to end: String) -> [Use]? {
        var ways = [[Use]](arrayLiteral: [])
        var seen: Set<String> = []
        while !ways.isEmpty {
            var longer: [[Use]] = []
            for way in ways {
                for (next, use) in (uses[way.last?.used ?? start] ?? [:]).sorted(by: { $0.key < $1.key }) {
                    if next == end { return way + [use] }
                    if seen.insert(next).inserted { longer.append(way + [use]) }
                }
            }
            ways = longer
        }
        return nil
    }
}
