// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import ppthreads

/// `verify` on a machine that computes wrongly: the logarithm, which a loss needs and no gradient does, is wrong on some threads.
struct VerifyTests {
    private let folder: Folder

    init() throws { folder = try Folder() }

    /// Starts a command with a `log` of which `result` is the C expression; `x` is the argument, `right` the right result.
    private func launcher(_ thread: String, _ result: String) throws -> [String] {
        let library = try CompiledLibrary.compile(
            """
            #define _GNU_SOURCE
            #include <dlfcn.h>
            #include <math.h>
            #include <string.h>
            #include <sys/prctl.h>
            #include <unistd.h>
            double log(double x) {
                static double (*real)(double);
                if (!real) real = (double (*)(double))dlsym(RTLD_NEXT, "log");
                double right = real(x);
                char name[17] = "";
                prctl(PR_GET_NAME, name);
                return strcmp(name, "\(thread)") == 0 ? \(result) : right;
            }
            """, in: folder, name: "log")
        return ["/usr/bin/env", "LD_PRELOAD=\(library)"]
    }

    /// A decoder, which draws no number on its last stage that needs a logarithm.
    private let small = [
        "verify", "--arch", "decoder", "--layers", "4", "--transport", "threads", "--partition", "uniform",
        "--microbatches", "3", "--steps", "2",
    ]

    @Test(
        "a loss that differs is told for each combination that has it, the others are equal, and the code is 70",
        .enabled(if: CompiledLibrary.isPossible && !Sanitizer.isOn))
    func wrongLoss() throws {
        let arguments =
            small.map { $0 == "threads" ? "threads,processes" : $0 } + ["--stages", "1,2", "--schedule", "gpipe,1f1b"]
        let outcome = try Command.run(arguments, through: try launcher("rank 1", "right + 0.25"))
        #expect(outcome.code == 70)
        #expect(outcome.errors == "ppthreads verify: 4 equal, 4 different, 0 that do not fit\n")
        let lines = outcome.output.split(separator: "\n")
        #expect(lines.count == 8)
        for (index, line) in lines.enumerated() {
            let schedule = index < 4 ? "GPipe" : "1F1B"
            let transport = index % 4 < 2 ? "threads" : "processes"
            let (word, ranks) = index % 2 == 0 ? ("equal    ", 1) : ("DIFFERENT", 2)
            #expect(line.hasPrefix("\(word) decoder \(schedule) \(transport) P=\(ranks) M=3 uniform: "), "\(line)")
            let numbers = line.split(separator: " ").compactMap { Double($0) }
            if ranks == 1 {
                #expect(line.contains("uniform: 2 losses, ") && line.hasSuffix(" gradients and weights"))
            } else {
                #expect(line.contains("uniform: loss of step 1: ") && line.contains(" instead of "), "\(line)")
                #expect(numbers.count == 2 && abs(numbers[0] - numbers[1] - 0.25) < 1e-4, "\(line)")
            }
        }
    }

    @Test(
        "a loss that is no number differs from one that is, as much as a wrong one",
        .enabled(if: CompiledLibrary.isPossible && !Sanitizer.isOn))
    func noNumber() throws {
        let outcome = try Command.run(
            small + ["--stages", "2", "--schedule", "gpipe"], through: try launcher("rank 1", "NAN"))
        #expect(outcome.code == 70 && outcome.output.contains("uniform: loss of step 1: nan instead of "))
        #expect(outcome.errors == "ppthreads verify: 0 equal, 1 different, 0 that do not fit\n")
    }

    @Test(
        "--threads takes ranks of so many threads, and compares them with one of one",
        .enabled(if: CompiledLibrary.isPossible && !Sanitizer.isOn))
    func threads() throws {
        // The second thread of a rank computes the losses of its rows wrongly.
        let outcome = try Command.run(
            small + ["--stages", "1", "--schedule", "gpipe", "--threads", "1,2"],
            through: try launcher("rank 0.1", "right + 8"))
        let lines = outcome.output.split(separator: "\n")
        #expect(outcome.code == 70 && lines.count == 2)
        #expect(lines.first?.hasPrefix("equal     decoder GPipe threads P=1 M=3 uniform: ") == true)
        let different = "DIFFERENT decoder GPipe threads P=1 of 2 threads M=3 uniform: loss of step 1: "
        #expect(lines.last?.hasPrefix(different) == true)
    }

    @Test(
        "--recompute does forwards again, and not in the run that it compares with",
        .enabled(if: CompiledLibrary.isPossible && !Sanitizer.isOn), arguments: [[], ["--recompute"]])
    func recompute(flags: [String]) throws {
        // One token a step has one loss in a forward; each is a letter on standard error.
        let model = ["--batch", "1", "--seq-len", "1", "--microbatches", "1", "--steps", "3", "--stages", "1"]
        // (The start of the weights takes logarithms of numbers up to 1; the sum of a row's exponentials is above 1.)
        let outcome = try Command.run(
            small + ["--schedule", "1f1b"] + model + flags,
            through: try launcher("rank 0", "x > 1 ? (write(2, \"x\", 1), right) : right"))
        #expect(outcome.code == 0 && outcome.output.hasSuffix("\n1 equal, 0 different, 0 that do not fit\n"))
        // The run to compare with, and this one.
        #expect(outcome.errors == String(repeating: "x", count: 3 + (flags.isEmpty ? 3 : 6)))
    }

    @Test("losses, gradients and weights are kept to be compared, of as many steps as were asked for") func kept()
        throws
    {
        var options = VerifyOptions()
        options.recompute = true
        options.threads = [3]
        let variants = options.variants(.gpt, 4)
        #expect(variants.count == 15 * 2 * 2 * 3)
        for variant in variants {
            let configuration = try options.configuration(variant)
            #expect(configuration.keepsGradients && configuration.keepsWeights)
            #expect(configuration.recomputes && configuration.threadsPerRank == 3)
            #expect(configuration.schedule.microbatches == 4 && configuration.warmupSteps == 0)
            #expect(configuration.measuredSteps == 2 && configuration.model.spec?.architecture == .gpt)
        }
    }
}
