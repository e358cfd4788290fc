// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// What is wrong with what surrounds the command: /dev/shm, its output, the folder that it is in, bytes that are no text.
struct BadInputSurroundingsTests {
    @Test("a /dev/shm that is too small is told of, with what it has left", .enabled(if: SmallSharedMemory.isPossible))
    func smallSharedMemory() throws {
        let outcome = try Command.run(["run", "--transport", "processes"], through: SmallSharedMemory.launcher)
        #expect(outcome.code == 64)
        #expect(outcome.errorLines.count == 1)
        #expect(outcome.errors.hasPrefix("ppthreads run: --transport: processes needs "))
        #expect(outcome.errors.contains(" of /dev/shm, which has 16.0 KiB left: "))
    }

    @Test("a reader that goes away early ends the command with one line, not with a signal") func closedOutput() throws
    {
        let outcome = try Command.run(
            ["help"], through: ["/bin/sh", "-c", "exec 1>/dev/full; exec \"$0\" \"$@\""])
        #expect(outcome.code == 70)
        #expect(
            outcome.errors
                == "ppthreads: standard output could not be written: write: ENOSPC (No space left on device)\n")
    }

    @Test("an argument that is not UTF-8 is refused instead of being taken for another one", arguments: [1, 2, 4])
    func notUTF8(place: Int) throws {
        let folder = try Folder()
        // A byte that starts nothing, in the place of one of the words.
        let words = ["run", "--save", "weights", "--trace", "t"].map { "'\($0)'" }
        let bad = words.enumerated().map { $0.offset == place - 1 ? #""$(printf 'a\377')""# : $0.element }
        let outcome = try Command.run(
            [],
            through: ["/bin/sh", "-c", "cd \"$1\" && exec \"$2\" \(bad.joined(separator: " "))", "sh", folder.url.path])
        #expect(outcome.code == 64 && outcome.output.isEmpty)
        #expect(
            outcome.errors
                == "ppthreads: argument \(place), 'a\u{FFFD}', is not UTF-8; only text in UTF-8 is allowed\n")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
    }

    @Test("in a folder whose name is not UTF-8, files are written all the same") func folderNotUTF8() throws {
        let folder = try Folder()
        let script = #"cd "$1" && d="$(printf 'a\377')" && mkdir "$d" && cd "$d" && shift && "$@" && mv w ../x"#
        let outcome = try Command.run(
            ["run", "--save", "w"] + tiny, through: ["/bin/sh", "-c", script, "sh", folder.url.path])
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(FileManager.default.fileExists(atPath: folder.path("x")))

        // A link's text is taken for what it is, not for another path.
        let link = #"cd "$1" && ln -s "$(printf 'a\377/t')" l && shift && exec "$@""#
        let linked = try Command.run(
            ["run", "--save", "l"] + tiny, through: ["/bin/sh", "-c", link, "sh", folder.url.path])
        #expect(linked.code == 65 && linked.errors.contains("l: cannot be written: a link to a path that is not UTF-8"))
    }

    @Test("in a folder whose path is longer than a path may be, files are written all the same") func deepFolder()
        throws
    {
        let folder = try Folder()
        let name = String(repeating: "d", count: 200)
        let script = """
            cd "$1" && n=0 && while [ $n -lt 25 ]; do mkdir \(name) && cd \(name) || exit 1; n=$((n + 1)); done
            shift && "$@" && test -s w && rm w && n=0 && while [ $n -lt 25 ]; do cd .. && rmdir \(name); n=$((n + 1)); done
            """
        let outcome = try Command.run(
            ["run", "--save", "w"] + tiny, through: ["/bin/bash", "-c", script, "sh", folder.url.path])
        #expect(outcome.code == 0, "\(outcome.errors)")
    }
}

/// A mount namespace of its own for a command, in which /dev/shm has four pages.
private enum SmallSharedMemory {
    static let launcher = [
        "/usr/bin/unshare", "--map-root-user", "--mount", "/bin/sh", "-c",
        "mount -t tmpfs -o size=16k tmpfs /dev/shm && exec \"$0\" \"$@\"",
    ]
    /// Some containers allow no namespaces.
    static let isPossible = (try? Command.run(["--version"], through: launcher).code) == 0
}
