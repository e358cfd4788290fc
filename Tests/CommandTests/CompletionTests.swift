// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@Suite("what shells complete, and the manual page") struct CompletionTests {
    /// A program of the system's; nil where it is not there.
    private static func tool(_ name: String) -> String? {
        ["/bin/\(name)", "/usr/bin/\(name)"].first(where: FileManager.default.isExecutableFile)
    }

    /// The last word of each line is completed.
    private static let lines: [(line: [String], completions: [String])] = [
        (["comp"], ["compare", "completions"]),
        (["run", "--sch"], ["--schedule"]),
        (["run", "--schedule", "zb-h"], ["zb-h1", "zb-h2"]),
        (["run", "--schedule", "=", "zb-h"], ["zb-h1", "zb-h2"]),
        (["compare", "--schedule", "gpipe,zb-h"], ["gpipe,zb-h1", "gpipe,zb-h2"]),
        (["verify", "--partition", "b"], ["balanced"]),
        (["run", "--procs", ""], []),
        (["schedule", "dual"], ["dualpipe", "dualpipe-v"]),
        (["schedule", "1f1b", "--wi"], ["--width"]),
        (["trace", "t"], ["t.json"]),
        (["run", "--trace", "t"], ["t.json"]),
        (["help", "ver"], ["verify", "version"]),
        (["completions", "z"], ["zsh"]),
    ]

    @Test("bash completes commands, flags, names, lists and files", .enabled(if: tool("bash") != nil))
    func bash() throws {
        let folder = try Folder()
        _ = try folder.file("t.json", [])
        let script = try folder.file("script", Array(try Command.run("completions", "bash").output.utf8))
        for (line, completions) in Self.lines {
            let found = try Command.run(
                ["ppthreads"] + line,
                through: [
                    Self.tool("bash")!, "-c",
                    """
                    cd \(folder.url.path); source \(script); shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
                    _ppthreads 2>/dev/null; printf '%s\\n' "${COMPREPLY[@]}"
                    """, "bash",
                ])
            #expect(found.output.split(separator: "\n").map(String.init) == completions, "\(line)")
        }
    }

    @Test("fish completes the same", .enabled(if: tool("fish") != nil)) func fish() throws {
        let folder = try Folder()
        _ = try folder.file("t.json", [])
        let script = try folder.file("script", Array(try Command.run("completions", "fish").output.utf8))
        for (line, completions) in Self.lines where !line.contains("=") && completions != [] {
            let found = try Command.run(
                ["ppthreads \(line.joined(separator: " "))"],
                through: [
                    Self.tool("fish")!, "--no-config", "-c",
                    "cd \(folder.url.path); source \(script); complete -C \"$argv[2]\"",
                ])
            let words = found.output.split(separator: "\n").map { String($0.split(separator: "\t")[0]) }
            #expect(words == completions, "\(line)")
        }
    }

    @Test("zsh reads what is for it", .enabled(if: tool("zsh") != nil)) func zsh() throws {
        let folder = try Folder()
        let script = try folder.file("_ppthreads", Array(try Command.run("completions", "zsh").output.utf8))
        // compdef is there once the completion system runs: then the function is ppthreads's.
        let end = try ChildProcess([
            Self.tool("zsh")!, "-f", "-c",
            "autoload -U compinit; compinit -u -D; source \(script); print ${_comps[ppthreads]}",
        ]).wait()
        #expect(String(decoding: end.output, as: UTF8.self) == "_ppthreads\n")
    }

    @Test("each command and each flag is in every script and on the manual page") func whole() throws {
        let manual = try Command.run("manual").output.replacing("\\-", with: "-")
        let scripts = try ["bash", "zsh", "fish"].map { try Command.run("completions", $0).output } + [manual]
        let commands = try Command.run("help").output.matches(of: /\n  ([a-z]+) +/).map { String($0.1) }
        #expect(commands.count == 15)
        for command in commands where command != "version" {
            let flags = try Command.run("help", command).output.matches(of: /\n  (--[a-z-]+)(, (--?[a-z-]+))?/)
            for name in flags.flatMap({ [$0.1, $0.3].compactMap { $0.map(String.init) } }) {
                for script in scripts {
                    let bare = name.drop { $0 == "-" }
                    let isThere =
                        script.contains(name) || script.contains("-l \(bare) ") || script.contains("-s \(bare) ")
                    #expect(isThere, "\(command) \(name)")
                }
            }
            for script in scripts { #expect(script.contains(command)) }
        }
    }

    @Test("groff takes the manual page without a warning", .enabled(if: tool("groff") != nil)) func page() throws {
        let folder = try Folder()
        let file = try folder.file("ppthreads.1", Array(try Command.run("manual").output.utf8))
        let end = try ChildProcess([Self.tool("groff")!, "-man", "-ww", "-Tutf8", file]).wait()
        #expect(end.code == 0 && end.errors.isEmpty, "\(String(decoding: end.errors, as: UTF8.self))")
        // A line of the synopsis starts with a quote where it must not act as a command.
        #expect(String(decoding: end.output, as: UTF8.self).contains("Usage: ppthreads run [flags]"))
    }
}
