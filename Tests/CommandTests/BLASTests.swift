// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Matrix products by a library that is loaded at run time: here one of plain loops, compiled by the test.
struct BLASTests {
    @Test(
        "products by a library train as our own do, on threads and on processes",
        .enabled(if: CompiledLibrary.isPossible),
        arguments: ["decoder", "gpt"])
    func library(architecture: String) throws {
        let folder = try Folder()
        let right = try CompiledLibrary.compile(CompiledLibrary.products(), in: folder, name: "right")
        let common = ["run", "--arch", architecture, "--optimizer", "sgd", "--lr", "0.1"] + tiny
        func losses(_ flags: String...) throws -> [Double] {
            try #require(try Command.json(common + flags)["loss_history"] as? [Double])
        }
        let ours = try losses()
        for transport in ["threads", "processes"] {
            let theirs = try losses("--gemm", right, "--transport", transport)
            #expect(zip(ours, theirs).allSatisfy { abs($0 - $1) < 1e-4 })
        }
        let report = try Command.json(common + ["--gemm", right])
        #expect(report["gemm"] as? String == right)
    }

    @Test(
        "a library is told to start no threads of its own, whatever the environment says",
        .enabled(if: CompiledLibrary.isPossible))
    func noThreads() throws {
        let folder = try Folder()
        let told = """
            #include <stdio.h>
            #include <stdlib.h>
            __attribute__((constructor)) static void tell(void) {
                const char *threads = getenv("OPENBLAS_NUM_THREADS");
                FILE *file = fopen("\(folder.path("threads"))", "w");
                if (file) { fputs(threads ? threads : "none", file); fclose(file); }
            }

            """
        let library = try CompiledLibrary.compile(told + CompiledLibrary.products(), in: folder, name: "told")
        for environment in [["OPENBLAS_NUM_THREADS=7"], []] {
            let outcome = try Command.run(
                ["run", "--measure", "1", "--gemm", library] + tiny, through: ["/usr/bin/env"] + environment)
            #expect(outcome.code == 0, "\(outcome.errors)")
            #expect(try String(contentsOfFile: folder.path("threads"), encoding: .utf8) == "1")
        }
    }

    @Test(
        "what is hidden in a library's path is JSON's escapes in JSON, and an escape in the table and the row",
        .enabled(if: CompiledLibrary.isPossible))
    func hiddenCharacters() throws {
        let folder = try Folder()
        let library = try CompiledLibrary.compile(
            CompiledLibrary.products(), in: folder, name: "a\u{1B}\u{7F}\u{9B}\u{202E}\u{E0041}")
        let run = ["run", "--stages", "1", "--gemm", library] + tiny
        let json = try Command.run(run + ["--json"]).output
        #expect(json.contains(#"a\u001b\u007f\u009b\u202e\udb40\udc41.so""#))
        #expect(try Command.json(run)["gemm"] as? String == library)
        for flags in [[], ["--emit-csv"]] {
            #expect(try Command.run(run + flags).output.contains(#"a\u{1B}\u{7F}\u{9B}\u{202E}\u{E0041}.so"#))
        }
    }

    @Test(
        "it is the library that computes, linear maps too: with one whose products are 0 all tokens are as likely",
        .enabled(if: CompiledLibrary.isPossible))
    func zeroLibrary() throws {
        let folder = try Folder()
        let zero = try CompiledLibrary.compile(CompiledLibrary.products(factor: "0"), in: folder, name: "zero")
        func firstLoss(_ flags: String...) throws -> Double {
            let report = try Command.json(["run", "--arch", "gpt"] + tiny + ["--vocab-size", "50"] + flags)
            return try #require((report["loss_history"] as? [Double])?.first)
        }
        #expect(try abs(firstLoss("--gemm", zero) - log(50)) < 1e-6)
        #expect(try abs(firstLoss() - log(50)) > 1e-4)
    }
}
