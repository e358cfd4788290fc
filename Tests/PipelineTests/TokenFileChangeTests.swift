// SPDX-License-Identifier: Apache-2.0

import Foundation
import Pipeline
import Testing
import Threads

/// Runs whose files somebody writes to meanwhile.
struct TokenFileChangeTests {
    /// Of a model of five tokens that reads them from a file.
    private static func configuration(_ path: String) throws -> RunConfiguration {
        var spec = ModelSpec()
        (spec.vocabulary, spec.dim, spec.layers, spec.heads) = (5, 4, 1, 1)
        (spec.hidden, spec.sequenceLength) = (4, 2)
        var configuration = RunConfiguration(model: spec.model(), schedule: .gpipe(ranks: 1, microbatches: 1))
        configuration.tokens = .file(try TokenFile(path: path))
        return configuration
    }

    @Test("a checkpoint that was written to after it was opened is an error: rows would tell of another one")
    func changedCheckpoint() throws {
        let folder = try Folder()
        let path = try folder.file("t", Array(repeating: 3, count: 1000))
        var configuration = try Self.configuration(path)
        configuration.keepsWeights = true
        let weights = folder.path("w.safetensors")
        try #require(try RunPlan(configuration).run().weights).write(weights)
        configuration.initial = try SafetensorsFile(path: weights)
        let plan = try RunPlan(configuration)
        _ = try plan.run()
        let later = [FileAttributeKey.modificationDate: Date.now.addingTimeInterval(1)]
        try FileManager.default.setAttributes(later, ofItemAtPath: weights)
        #expect {
            _ = try plan.run()
        } throws: { error in
            guard case .data(let error)? = error as? RunError else { return false }
            return error.path == weights && error.reason.hasPrefix("was written to while it was read; rank 0 ")
        }
    }

    @Test("a file of which the system does not tell whether it changed is an error") func unknownChange() async throws {
        // In a process of its own: a descriptor that is closed here may be another test's a moment later.
        let result = try await #require(processExitsWith: .success, observing: [\.standardErrorContent]) {
            let folder = try Folder()
            let path = try folder.file("t", Array(repeating: 3, count: 1000))
            // Lower numbers for all that the run opens: the file's is nobody's then.
            let lower = (0..<64).map { _ in unsafe open("/dev/null", O_RDONLY) }
            let plan = try RunPlan(TokenFileChangeTests.configuration(path))
            for descriptor in lower { close(descriptor) }
            let list = "/proc/self/fd"
            for name in try FileManager.default.contentsOfDirectory(atPath: list) {
                let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(list)/\(name)")
                if link == path, let descriptor = Int32(name) { close(descriptor) }
            }
            var outcome = "no error"
            do { _ = try plan.run() } catch { outcome = "\(error)" }
            try writeAll(outcome, to: STDERR_FILENO)
            withExtendedLifetime(folder) {}
        }
        let text = String(decoding: result.standardErrorContent, as: UTF8.self)
        #expect(text.contains("/t: cannot be looked at again: fstat: EBADF (Bad file descriptor)"), "\(text)")
    }

    @Test("a run whose file changed after it was planned says so; one whose tokens leave the vocabulary names it")
    func changing() throws {
        let folder = try Folder()
        let path = try folder.file("t", Array(repeating: 3, count: 1000))
        var configuration = try Self.configuration(path)
        let plan = try RunPlan(configuration)
        _ = try plan.run()
        try Data(Array(repeating: UInt8(4), count: 1001)).write(to: URL(filePath: path), options: [])
        // Foundation writes where the file is; a file that took its place would not matter.
        #expect(reason { _ = try plan.run() }.contains("has other tokens than when this command opened it"))
        let outside = try folder.file("o", [3, 3, 3, 3, 3, 9])
        configuration.tokens = .file(try TokenFile(path: outside))
        #expect(reason { _ = try RunPlan(configuration) }.contains("token 9 at position 5"))
    }
}
