// SPDX-License-Identifier: Apache-2.0

import CMPI
import Threads

/// Ranks meet in a reduction that does not block (MPI_Iallreduce).
// Sound: the words are there for as long as the meeting, or, where it was given up, for ever.
@safe
final class MPIMeeting: Meeting {
    private let words: UnsafeMutablePointer<ppt_mpi_meeting>
    private let requests = MPIRequests(most: 1)
    private var isOpen = false

    /// By the rank's own thread.
    init() {
        CurrentThread.sleepPrecisely()
        unsafe words = .allocate(capacity: 1)
        unsafe words.initialize(to: ppt_mpi_meeting())
    }

    deinit { if !isOpen { unsafe words.deallocate() } }

    func meet(
        bringing brought: (UInt64, UInt64), _ context: WaitContext
    ) throws(WaitError) -> (largest: (UInt64, UInt64), waited: Waited) {
        unsafe words.pointee.brought = brought
        isOpen = true
        let waited = try MPIWait.until(
            context,
            begin: { () throws(MPIError) in
                try unsafe requests.begin("MPI_Iallreduce") { unsafe ppt_mpi_meet(words, $0) }
            }, isDone: requests.areOver)
        isOpen = false
        return (unsafe words.pointee.largest, waited)
    }
}
