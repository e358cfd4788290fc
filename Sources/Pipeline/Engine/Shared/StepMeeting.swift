// SPDX-License-Identifier: Apache-2.0

import Threads

/// Where a rank waits for all others before a step: a barrier in memory that all share, or whatever the transport has for ranks
/// that share none. Those bring along what the others would see in that memory: the end of the run, and the latest loss.
struct StepMeeting {
    private var barrier: Barrier
    private let remote: (any Meeting)?
    private let memory: RunMemory
    /// Of the latest step, by the rank that knows its loss.
    var lossWord: UInt64 = 0

    /// To be made by the rank's own thread.
    init(_ memory: RunMemory, _ links: any Links) {
        barrier = memory.control.barrier
        remote = links.meeting()
        self.memory = memory
    }

    /// Whether it is not in memory: then each process's own wish to end the run counts.
    var isRemote: Bool { remote != nil }

    /// Waits until every rank has arrived as often as this one.
    mutating func arrive(_ context: WaitContext) throws(WaitError) -> Waited {
        guard let remote else { return try barrier.arrive(context) }
        let (largest, waited) = try remote.meet(bringing: (memory.control.announcedEnd, lossWord), context)
        memory.control.noteEnd(largest.0)
        if lossWord == 0 { memory.losses.note(largest.1, at: Clock.now()) }
        return waited
    }
}
