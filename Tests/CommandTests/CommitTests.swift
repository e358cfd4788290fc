// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

struct CommitTests {
    private let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    /// What the program says of itself.
    private func commit() throws -> String {
        let version = try Command.run("--version").output
        let match = try #require(version.wholeMatch(of: /ppthreads \d+\.\d+\.\d+ \(commit (\w+(?:-dirty)?)\)\n/))
        return String(match.output.1)
    }

    /// What a line of shell prints in a folder, without a user's settings for git.
    private func shell(_ line: String, in folder: String) throws -> String {
        let settings = "export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null"
        let script = "\(settings); cd \"$1\" || exit; \(line)"
        let outcome = try Command.run([], through: ["/bin/sh", "-c", script, "sh", folder])
        #expect(outcome.code == 0, "\(line): \(outcome.errors)")
        return outcome.output.trimmingCharacters(in: .newlines)
    }

    @Test("a row and doctor tell the same commit as --version") func told() throws {
        let commit = try commit()
        let outcome = try Command.run(["run", "--emit-csv"] + tiny)
        let lines = outcome.output.split(separator: "\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        #expect(lines[0].suffix(4) == ["version", "commit", "format", "error"])
        #expect(lines[1].suffix(3) == [commit, "7", ""])
        #expect(try Command.run("doctor").output.contains(", commit \(commit)\n"))
    }

    @Test("the commit is the checkout's, and unknown where there is none") func checkout() throws {
        let head = try shell("git --git-dir=.git rev-parse --verify HEAD 2>/dev/null || echo unknown", in: repository)
        let commit = try commit()
        // Whoever runs the tests may have changed a file since the build.
        #expect(commit == head || commit == head + "-dirty" && head != "unknown")
    }

    @Test("what is told of a folder is its commit, and whether what is built differs from it", .enabled(if: hasGit))
    func states() throws {
        let folder = try Folder()
        let (package, generated) = (folder.path("a package"), folder.path("Commit.swift"))
        let script = repository + "/Sources/ppthreads/Commit/write_commit.sh"
        func told(_ package: String, path: String = "$PATH") throws -> String {
            _ = try shell("PATH=\"\(path)\" /bin/sh '\(script)' \"$1\" '\(generated)'", in: package)
            let text = try String(contentsOfFile: generated, encoding: .utf8)
            let match = text.wholeMatch(of: /extension Version { static let commit = "(.*)" }\n/)
            return String(try #require(match).output.1)
        }
        let commitAll = "git add -A && git -c user.name=a -c user.email=a@b commit -qm change && git rev-parse HEAD"

        _ = try shell(
            "mkdir -p 'a package/Sources' && cd 'a package' && touch Package.swift Sources/a", in: folder.path(""))
        #expect(try told(package) == "unknown", "no clone")
        _ = try shell("git init -q", in: folder.path(""))
        _ = try shell(commitAll, in: folder.path(""))
        #expect(try told(package) == "unknown", "a clone around the package is not its own")
        _ = try shell("git init -q", in: package)
        #expect(try told(package) == "unknown", "no commit yet")
        let first = try shell(commitAll, in: package)
        #expect(try told(package) == first)
        let seen = try shell("stat -c '%i %y' '\(generated)'", in: package)
        #expect(try told(package) == first)
        #expect(try shell("stat -c '%i %y' '\(generated)'", in: package) == seen, "nothing new, nothing written")
        for (change, isBuilt) in [
            ("README.md", false), ("Sources/new", true), ("Sources/a", true), ("Package.swift", true),
        ] {
            _ = try shell("echo change >> '\(change)'", in: package)
            #expect(try told(package) == first + (isBuilt ? "-dirty" : ""), "\(change)")
            _ = try shell("git -c user.name=a -c user.email=a@b stash -qu", in: package)
        }
        #expect(try told(package, path: "/nowhere") == "unknown", "no git")
        _ = try shell("git worktree add -q ../tree && echo change > ../tree/Sources/a", in: package)
        let second = try shell(commitAll, in: folder.path("tree"))
        #expect(try told(folder.path("tree")) == second && second != first)
        #expect(try told(package) == first)
    }

    private static let hasGit = ProcessInfo.processInfo.environment["PATH", default: ""].split(separator: ":")
        .contains { FileManager.default.isExecutableFile(atPath: "\($0)/git") }
}
