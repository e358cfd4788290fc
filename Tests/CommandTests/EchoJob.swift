// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor
import Threads

/// A job of several processes of which there is this one alone: whatever it asks, all answer what it has said. Enough to plan a run.
struct EchoJob: Job {
    let hosts: [JobHost]
    let rank = 0
    let library = "echo"
    let clockAhead: Int64 = 0
    let isSound = true

    var size: Int { hosts.count }

    func exchange(_ bytes: [UInt8], within seconds: Double, needing needed: Int) throws(JobError) -> [[UInt8]?] {
        hosts.map { _ in bytes }
    }
    func beginRun(ranks: Int) throws(JobError) {}
    func send(_ notice: JobNotice, to rank: Int) {}
    func notices() -> [(notice: JobNotice, from: Int)] { [] }
    func readClocks() throws(JobError) -> [ClockReading] { [] }
    func giveUp() {}
    func meeting() -> any Meeting { trap("a job that nothing runs in has no meeting") }
}

/// Ranks of such a job.
struct EchoTransport: RelinkedTransport {
    let own: EchoJob
    let base = ThreadTransport()
    let name = TransportKind.mpi.rawValue

    func job() throws(JobError) -> (any Job)? { own }
    func connect(_ edges: [Edge]) throws(LinkError) -> any Links { try base.connect(edges) }
}
