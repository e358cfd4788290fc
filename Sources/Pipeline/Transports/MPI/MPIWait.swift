// SPDX-License-Identifier: Apache-2.0

import Threads

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
        let atStart = PolledWaits.delay()
        while true {
            let slice = try charge.slice(context)
            let beforeSleep = PolledWaits.delay()
            Clock.sleep(nanoseconds: min(slice, sleepNanoseconds))
            do throws(MPIError) {
                if try isDone() {
                    PolledWaits.add(beforeSleep &- atStart)
                    return .parked
                }
            } catch {
                throw .library(error.description)
            }
        }
    }
}
