// SPDX-License-Identifier: Apache-2.0

import Threads

/// Takes the times of a rank's tasks as they go on, one after the other, and what the rank lost; without a timeline it does
/// nothing.
package final class TaskWatch {
    package private(set) var times = TaskTimes()
    /// Nil without a timeline.
    private var lost: LostTime?
    /// Whether the rank may have slept since the task before was sent.
    private var mayHaveSlept = false
    /// Of this step, what is no part of it.
    private var excluded: UInt64 = 0

    /// To be made on the rank's own thread.
    package init(isOn: Bool) { lost = isOn ? LostTime() : nil }

    private var isOn: Bool { lost != nil }

    private func now() -> UInt64 { Clock.now() &- excluded }

    /// The rank is about to wait for its release into a step.
    package func startStep() {
        if !isOn { return }
        excluded = 0
        lost?.restart(at: now())
    }

    /// The rank was released.
    package func enterStep(_ waited: Waited) { mayHaveSlept = waited == .parked }

    /// What the rank did since the task before was no part of the step: the step's times from here on are so much less.
    package func exclude(nanoseconds: UInt64) {
        if !isOn || nanoseconds == 0 { return }
        excluded += nanoseconds
        lost?.restart(at: now())
    }

    /// The rank turns to its next task.
    package func begin() {
        if !isOn { return }
        times = TaskTimes()
        times.begin = now()
        times.received = times.begin
        times.lostBefore = lost!.lost(until: times.begin, mayHaveSlept: mayHaveSlept)
        mayHaveSlept = false
    }

    /// The input is there.
    package func received(_ waited: Waited) {
        if !isOn { return }
        times.received = now()
        times.inputWait = waited
    }

    // A moment is taken first where an interval in which the rank does not sleep ends, and last where one begins, with the CPU
    // time outside: so what work falls short by was really lost.

    package func startWork(roomWait: Waited = .ready) {
        if !isOn { return }
        times.roomWait = roomWait
        if times.inputWait == .parked || roomWait == .parked {
            times.lostWaiting = lost!.lost(until: now(), mayHaveSlept: true)
        }
        let cpu = Clock.threadCPU()
        times.ready = now()
        times.lostWaiting += lost!.lost(until: times.ready, cpu: cpu, mayHaveSlept: false)
    }

    package func endWork() {
        if !isOn { return }
        times.end = now()
        times.sent = times.end
        times.lostWorking = lost!.lost(until: times.end, cpu: Clock.threadCPU(), mayHaveSlept: false)
    }

    /// The output is handed on next.
    package func handOn() {
        if !isOn { return }
        times.sent = now()
        times.lostFinishing = lost!.lost(until: times.sent, mayHaveSlept: false)
    }

    /// The output was handed on.
    package func handedOn(_ waited: Waited) { mayHaveSlept = waited == .parked }
}
