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

/// How a rank's thread waits for MPI, which cannot wake it: it looks again and again, and between two looks, once its patience
/// is over, it sleeps for a moment.
enum MPIWait {
    /// A look takes MPI so much longer than a pause takes a CPU.
    private static let pausesOfLook = 8
    /// Sleeps between two looks: short beside a hand-off between hosts, long beside a look.
    private static let sleepNanoseconds: UInt64 = 20_000

    /// - Throws: `WaitError.library` with what MPI refused, `.aborted` once the abort flag is up, `.timedOut` after the timeout.
    static func until(
        _ context: WaitContext, begin: () throws(MPIError) -> Void = {}, isDone: () throws(MPIError) -> Bool
    ) throws(WaitError) -> Waited {
        do throws(MPIError) {
            try begin()
            if try isDone() { return .ready }
            for _ in 0..<context.patience.spins / pausesOfLook where try isDone() { return .spun }
        } catch {
            throw .library(error.description)
        }
        var charge = WaitCharge()
        while true {
            let slice = try charge.slice(context)
            Clock.sleep(nanoseconds: min(slice, sleepNanoseconds))
            do throws(MPIError) { if try isDone() { return .parked } } catch { throw .library(error.description) }
        }
    }
}
