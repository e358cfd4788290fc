// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Where outputs land: what links lead to, what is no regular file, standard output.
struct OutputTests {
    private let folder: Folder
    init() throws { folder = try Folder() }

    /// A run that takes milliseconds.
    private static let run = ["run", "--warmup", "0", "--measure", "2"] + tiny

    private func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(filePath: folder.path(name))) }

    private func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: folder.path(name), withDestinationPath: target)
    }

    private func mode(_ name: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: folder.path(name))
        return try #require(attributes[.posixPermissions] as? Int)
    }

    // MARK: Links and modes

    @Test(
        "a link stays, and what it leads to is written, through other links and where nothing was",
        arguments: ["--save", "--save-grads", "--trace"], [true, false])
    func links(flag: String, exists: Bool) throws {
        try FileManager.default.createDirectory(atPath: folder.path("real"), withIntermediateDirectories: false)
        try link("folder", to: "real")
        try link("second", to: "folder/target")
        try link("first", to: folder.path("second"))
        if exists { _ = try folder.file("real/target", Array("old".utf8)) }
        #expect(try Command.run(Self.run + [flag, folder.path("first")]).code == 0)
        for (name, target) in [("first", folder.path("second")), ("second", "folder/target")] {
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder.path(name)) == target)
        }
        #expect(try bytes("real/target").count > 1000)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("real")) == ["target"])
        #expect(try folder.names() == ["real", "folder", "first", "second"])
    }

    @Test("links that go round in a circle are refused before the run") func circle() throws {
        try link("a", to: "b")
        try link("b", to: "a")
        let outcome = try Command.run(Self.run + ["--save", folder.path("a")])
        #expect(outcome.code == 65 && outcome.output.isEmpty)
        #expect(outcome.errors.contains("ELOOP") && outcome.errorLines.count == 1)
    }

    @Test("a file that was there keeps its mode; a new one has what the process's mask leaves") func modes() throws {
        for (name, mode) in [("private", 0o600), ("shared", 0o664), ("program", 0o755)] {
            try FileManager.default.setAttributes(
                [.posixPermissions: mode], ofItemAtPath: try folder.file(name, [1]))
            #expect(try folder.shell("umask 027 && \"$@\"", Self.run + ["--save", name]).code == 0)
            #expect(try self.mode(name) == mode && bytes(name).count > 1000)
        }
        for (mask, mode) in [("027", 0o640), ("002", 0o664), ("077", 0o600)] {
            #expect(try folder.shell("umask \(mask) && \"$@\"", Self.run + ["--trace", mask]).code == 0)
            #expect(try self.mode(mask) == mode)
        }
    }

    @Test("a name as long as the file system allows is written; a longer one is refused before the run")
    func longNames() throws {
        for name in [String(repeating: "a", count: 255), String(repeating: "ö", count: 127)] {
            #expect(try Command.run(Self.run + ["--save", folder.path(name)]).code == 0)
            #expect(try bytes(name).count > 1000)
        }
        let before = try folder.names()
        let outcome = try Command.run(Self.run + ["--save", folder.path(String(repeating: "a", count: 256))])
        #expect(outcome.code == 65 && outcome.output.isEmpty)
        #expect(outcome.errors.hasSuffix(": cannot be written: open: ENAMETOOLONG (File name too long)\n"))
        #expect(try folder.names() == before)
    }

    // MARK: Standard output and other descriptors

    @Test(
        "standard output gets a file's bytes and nothing else, by any of its names; the table goes to standard error",
        arguments: ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link"])
    func standardOutput(name: String) throws {
        try link("link", to: "/dev/stdout")
        #expect(try Command.run(Self.run + ["--save", folder.path("file")]).code == 0)
        let expected = try bytes("file")

        let piped = try folder.shell("\"$@\" | cat > piped", Self.run + ["--save", name])
        #expect(try bytes("piped") == expected)
        #expect(piped.errors.contains("tokens/s"))

        // A regular file is what the shell has opened: it is neither replaced nor written from its start.
        let script = "{ printf before; ln redirected other; \"$@\"; } > redirected"
        #expect(try folder.shell(script, Self.run + ["--save", name]).code == 0)
        #expect(try bytes("redirected") == Data("before".utf8) + expected)
        #expect(try bytes("other") == bytes("redirected"))
        #expect(try folder.names() == ["link", "file", "piped", "redirected", "other"])
    }

    @Test("each output of one file can be standard output") func everyFlag() throws {
        for flag in ["--save", "--save-grads", "--trace"] {
            _ = try Command.run(Self.run + [flag, folder.path("file")])
            let outcome = try folder.shell("\"$@\" > out", Self.run + [flag, "-"])
            #expect(outcome.code == 0 && outcome.errors.contains("tokens/s"))
            if flag == "--trace" {
                let trace = try JSONSerialization.jsonObject(with: bytes("out")) as? [String: Any]
                #expect(trace?["traceEvents"] != nil)
            } else {
                #expect(try bytes("out") == bytes("file"))
            }
        }
        let csv = try folder.shell("\"$@\" > runs.csv", Self.run + ["--emit-csv"])
        #expect(csv.code == 0)
        for (flag, start) in [("--summary", "layers,heads,Model Size,"), ("--html", "<!")] {
            let outcome = try folder.shell("\"$@\"", ["analyze", "runs.csv", flag, "-"])
            #expect(outcome.code == 0 && outcome.output.hasPrefix(start), "\(outcome.output.prefix(50))")
            #expect(outcome.errors.contains("tokens/s"))
        }
        let page = try folder.shell("\"$@\"", ["compare", "--trials", "1", "--html", "-"] + tiny)
        #expect(page.code == 0 && page.output.hasPrefix("<!") && page.errors.contains("tokens/s"))
    }

    @Test("a device that cannot be opened is refused before the run: there is no terminal here") func noTerminal()
        throws
    {
        let outcome = try Command.run(
            ["run", "--save", "/dev/tty"] + tiny, through: ["/usr/bin/setsid", "--wait"])
        #expect(outcome.code == 65 && outcome.output == "")
        #expect(outcome.errors.hasPrefix("ppthreads run: /dev/tty: cannot be written: open: "))
    }

    @Test(
        "two things on one standard output are refused before the run",
        arguments: [
            (["--save", "-", "--json"], "--json: standard output is the file of --save; it cannot be both"),
            (
                ["--trace", "/dev/stdout", "--emit-csv"],
                "--emit-csv: standard output is the file of --trace; it cannot be both"
            ),
            (
                ["--save", "/dev/fd/1", "--trace", "-"],
                "--trace: standard output is the file of --save too; each needs one of its own"
            ),
        ])
    func twoOnOne(flags: [String], line: String) throws {
        for target in ["out", "/dev/null"] {
            let outcome = try folder.shell("\"$@\" > \(target)", Self.run + flags)
            #expect(outcome.code == 64 && outcome.errors == "ppthreads run: \(line)\n")
        }
        // Standard error, where the table would go, may not be the same pipe.
        let outcome = try folder.shell("\"$@\" 2>&1", Self.run + ["--save", "-"])
        #expect(outcome.code == 64)
        #expect(outcome.output.hasSuffix("--save: - is the file of standard error too; each needs one of its own\n"))
    }

    @Test(
        "a standard descriptor that was closed at the start gets no file",
        arguments: [
            (["--save", "-"], ">&-", "--save: standard output"),
            (["--trace", "/dev/stdout"], ">&-", "--trace: standard output"),
            (["--json"], ">&-", "--json: standard output"), (["--emit-csv"], ">&-", "--emit-csv: standard output"),
            (["--save", "/dev/stderr"], "2>&-", nil), (["--save", "/dev/fd/0"], "<&-", "--save: standard input"),
        ])
    func closedDescriptors(flags: [String], redirection: String, line: String?) throws {
        let outcome = try folder.shell("exec \"$@\" \(redirection)", Self.run + flags)
        #expect(outcome.code == 64 && outcome.output.isEmpty)
        if let line {
            #expect(outcome.errors == "ppthreads run: \(line) is closed; it has to be open\n")
        }
        // One that a shell has opened on the same device is what was asked for.
        #expect(try folder.shell("\"$@\" > /dev/null", Self.run + ["--save", "-"]).code == 0)
    }

    @Test("an open descriptor and a pipe with a name are written to, and stay what they are") func streams() throws {
        #expect(try Command.run(Self.run + ["--save", folder.path("file")]).code == 0)
        let outcome = try folder.shell("\"$@\" 3> third", Self.run + ["--save", "/dev/fd/3"])
        #expect(outcome.code == 0 && outcome.output.contains("tokens/s"))
        #expect(try bytes("third") == bytes("file"))

        let script = "mkfifo pipe && { cat pipe > copy & } && \"$@\" && wait && test -p pipe"
        #expect(try folder.shell(script, Self.run + ["--save", "pipe"]).code == 0)
        #expect(try bytes("copy") == bytes("file"))
        #expect(try folder.names() == ["file", "third", "copy", "pipe"])
    }

    // MARK: Refusals

    @Test(
        "what cannot be written is refused before the run, with the reason",
        arguments: [
            ("folder", "it is a folder"), ("folder/", "it is a folder"), (".", "it is a folder"),
            ("link-to-folder", "it is a folder"), ("socket", "it is a socket"),
            ("none/file", "its folder: ENOENT (No such file or directory)"),
            ("file/file", "open: ENOTDIR (Not a directory)"),
            ("link-to-none", "its folder: ENOENT (No such file or directory)"),
            ("/dev/fd/0", "descriptor 0 is open for reading alone"), ("/dev/fd/77", "descriptor 77 is not open"),
            ("/proc/1/fd/0", nil),
        ])
    func refusals(name: String, reason: String?) throws {
        try FileManager.default.createDirectory(atPath: folder.path("folder"), withIntermediateDirectories: false)
        try link("link-to-folder", to: "folder")
        try link("link-to-none", to: "none/file")
        _ = try folder.file("file", [1])
        try makeSocket(folder.path("socket"))
        let before = try folder.names()
        for flag in ["--save", "--trace"] {
            let outcome = try folder.shell("\"$@\" < file", Self.run + [flag, name, "--save-grads", "gradients"])
            #expect(outcome.code == 65 && outcome.output.isEmpty && outcome.errorLines.count == 1)
            if let reason { #expect(outcome.errors == "ppthreads run: \(name): cannot be written: \(reason)\n") }
        }
        #expect(try folder.names() == before)
    }

    private func makeSocket(_ path: String) throws {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // Sound: the path is short enough, and the structure lives until `bind` is over.
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
        let result = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(result == 0)
    }

    @Test(
        "a file system that is read-only, and a file that is a mount point, are told of before the run",
        .enabled(if: OwnMounts.arePossible))
    func mounts() throws {
        let mountPoint = "it is a mount point, which cannot be replaced; its folder has room for other names"
        for (setUp, name, reason) in [
            (
                "mkdir ro; mount -t tmpfs -o ro none ro", "ro/file",
                "a new file in its folder: EROFS (Read-only file system)"
            ),
            ("echo > mounted; mount --bind mounted mounted", "mounted", mountPoint),
            // The system's list of what is mounted has these characters in octal.
            (#"echo > "$1"; mount --bind "$1" "$1""#, "a b\\c\td\ne", mountPoint),
        ] {
            let outcome = try shell(mounting: setUp, name)
            #expect(outcome.code == 65 && outcome.output.isEmpty)
            #expect(outcome.errors.hasPrefix("ppthreads run: \(name.prefix(3))"))
            #expect(outcome.errors.hasSuffix(": cannot be written: \(reason)\n"))
        }
    }

    @Test(
        "a mount point that the system does not tell of is written to, however long it was, and stays what it is",
        .enabled(if: OwnMounts.arePossible), arguments: [3, 1_000_000])
    func unknownMountPoint(oldBytes: Int) throws {
        #expect(try Command.run(Self.run + ["--save", folder.path("expected")]).code == 0)
        let old = try folder.file("old", [UInt8](repeating: 1, count: oldBytes))
        // Weights are written by one who may not read the file.
        try FileManager.default.setAttributes([.posixPermissions: 0o200], ofItemAtPath: old)
        let outcome = try shell(
            mounting: "echo > mounted; mount --bind old mounted; mount --bind /dev/null /proc/$$/mountinfo", "mounted")
        #expect(outcome.code == 0 && outcome.output.contains("tokens/s"), "\(outcome.errors)")
        #expect(try bytes("old") == bytes("expected"))
        #expect(try folder.names() == ["old", "expected", "mounted"] && mode("old") == 0o200)
    }

    /// A run that saves its weights in a mount namespace of its own; `setUp` has the file's name as `$1`.
    private func shell(mounting setUp: String, _ name: String) throws -> Command.Outcome {
        let script = "cd \"$1\" && shift && \(setUp) && shift && exec \"$@\""
        return try Command.run(
            Self.run + ["--save", name], through: OwnMounts.launcher + [script, "sh", folder.url.path, name])
    }
}

/// A mount namespace of its own for a command.
private enum OwnMounts {
    static let launcher = ["/usr/bin/unshare", "--map-root-user", "--mount", "/bin/sh", "-c"]
    /// Some containers allow no namespaces.
    static let arePossible =
        (try? Command.run(["--version"], through: launcher + ["mount -t tmpfs none /mnt && exec \"$0\" \"$@\""]).code)
        == 0
}
