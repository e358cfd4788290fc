// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Runs of which a rank, or the whole program, is stopped for a while.
struct StoppedRankTests {
    private static let stopSeconds = 0.4

    @Test(
        "what a stop takes is oversubscription, whatever the rank was at, and not transport",
        .enabled(if: !Sanitizer.isOn),
        arguments: ["threads", "processes", "sockets", "unix"])
    func stopped(transport: String) throws {
        let running = try Command.Running(
            [
                "run", "--transport", transport, "--warmup", "1", "--measure", "60", "--json", "--dim", "64",
                "--vocab-size", "500",
            ])
        try running.waitUntilItComputes()
        // A rank, or where ranks are threads all of them.
        let target = running.children.last ?? running.process.processIdentifier
        usleep(100_000)
        kill(target, SIGSTOP)
        usleep(UInt32(Self.stopSeconds * 1e6))
        kill(target, SIGCONT)
        let outcome = running.wait()
        try #require(outcome.code == 0, "\(outcome.errors)")
        let json = try #require(
            try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
        let terms = try #require(json["breakdown"] as? [String: Any])
        func total(_ term: String) throws -> Double { try #require(terms["\(term)_s"] as? Double) * 60 }
        #expect(try total("oversubscription") > 0.8 * Self.stopSeconds)
        for term in ["transport", "optimizer", "bubble", "imbalance"] {
            #expect(try total(term) < total("work") / 2, "\(term)")
        }
        #expect(try total("transport") < Self.stopSeconds / 2)
    }
}
