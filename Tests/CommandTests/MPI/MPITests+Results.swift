// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

extension MPITests {
    /// Commands that do many runs, some of which the first process does alone.
    @Suite("results") struct Results {
        @Test("a sweep over MPI and threads writes each row once, and finds all of them when it is started again")
        func sweep() throws {
            let folder = try Folder()
            let out = folder.path("results.csv")
            let arguments =
                ["sweep", "--transport", "mpi,threads", "--schedule", "gpipe,1f1b", "--stages", "2", "--out", out]
                + smallest
            let first = try MPIRun.run(arguments)
            #expect(first.code == 0, "\(first.errors)")
            let contents = try SweepFileContents(out)
            // And one stage, on threads.
            #expect(contents.runs.count == 5 && Set(contents.runs).count == 5)
            #expect(first.output.contains("5 runs, 0 of them failed, 0 were there before"), "\(first.output)")
            let second = try MPIRun.run(arguments)
            #expect(second.code == 0 && second.output.contains("5 runs, 0 of them failed, 5 were there before"))
            #expect(try SweepFileContents(out).text == contents.text)
            let third = try MPIRun.run(arguments + ["--schedule", "gpipe,1f1b,zb-h1"])
            #expect(third.code == 0 && third.output.contains("7 runs, 0 of them failed, 5 were there before"))
        }

        @Test("compare has rows of both transports") func compare() throws {
            let json = try MPIRun.json(
                ["compare", "--transport", "threads,mpi,mpi-only", "--schedule", "gpipe,1f1b", "--trials", "1"]
                    + smallest)
            let rows = try #require(json["rows"] as? [[String: Any]])
            #expect(
                rows.map { "\($0["schedule"] ?? "") \($0["transport"] ?? "")" }.sorted() == [
                    "1f1b mpi", "1f1b mpi-only", "1f1b threads", "gpipe mpi", "gpipe mpi-only", "gpipe threads",
                ])
            for row in rows {
                let speed = try #require(row["tokens_per_s"] as? [String: Any])
                #expect(speed["value"] as? Double ?? 0 > 0)
            }
        }

        @Test("the JSON tells the host of each rank") func hosts() throws {
            let json = try MPIRun.json(["run", "--transport", "mpi", "--measure", "1"] + tiny, ranks: 3)
            let hosts = try #require(json["hosts"] as? [String])
            #expect(hosts.count == 2 && hosts.allSatisfy { $0 == json["host"] as? String })
        }

        @Test("the terms of a step add up to it, and so do the parts of each rank") func terms() throws {
            let json = try MPIRun.json(["run", "--transport", "mpi-only", "--measure", "5"] + tiny)
            try MPITests.checkTerms(json)
        }
    }

    /// The terms are the step's, and each rank's parts too.
    static func checkTerms(_ json: [String: Any]) throws {
        let breakdown = try #require(json["breakdown"] as? [String: Double])
        let step = try #require(breakdown["step_s"])
        let terms = [
            "work_s", "imbalance_s", "bubble_s", "oversubscription_s", "transport_s", "reduction_s", "optimizer_s",
        ]
        #expect(abs(terms.reduce(0) { $0 + (breakdown[$1] ?? .nan) } - step) < 1e-9)
        // Each is a difference of two replays: clocks that are read apart make none negative by more than their error.
        for term in terms { #expect(breakdown[term]! > -0.001, "\(term) \(breakdown[term]!)") }
        let ranks = try #require(json["ranks"] as? [[String: Any]])
        let parts = [
            "busy_s", "displaced_s", "waiting_for_input_s", "receiving_s", "waiting_for_room_s", "handing_on_s",
            "updating_s", "outside_s",
        ]
        for rank in ranks {
            // Without copies of the stages nothing is summed over them.
            let sum = parts.reduce(rank["reducing_s"] as? Double ?? 0) { $0 + (rank[$1] as? Double ?? .nan) }
            #expect(abs(sum - step) < 1e-6, "\(sum) of \(step)")
        }
        #expect(ranks.count == 2)
    }
}
