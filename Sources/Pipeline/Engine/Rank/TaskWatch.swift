import Threads

/// Takes the times of a rank's tasks as they go on, one after the other; without a timeline it does nothing.
final class TaskWatch {
    private(set) var times = TaskTimes()
    private let isOn: Bool
    /// Whether to ask before every task how long the rank was without a CPU, rather than only when it comes late.
    private let sharesCPU: Bool
    private let delay: RunDelay?
    private static let lateNanoseconds: UInt64 = 20_000
    private var endBefore: UInt64 = 0
    private var cpuAtStart: UInt64 = 0
    /// The last answer, and what of the delay since then is known already: what was lost inside tasks.
    private var delayBefore: UInt64 = 0
    private var knownDelay: UInt64 = 0

    /// To be made on the rank's own thread.
    init(isOn: Bool, sharesCPU: Bool) {
        self.isOn = isOn
        self.sharesCPU = sharesCPU
        delay = isOn ? RunDelay() : nil
    }

    /// The rank is about to wait for its release into a step.
    func startStep() {
        delayBefore = delay?.nanoseconds ?? 0
        knownDelay = 0
        endBefore = 0
    }

    /// The rank turns to its next task.
    func begin() {
        if !isOn { return }
        times = TaskTimes()
        times.begin = Clock.now()
        times.received = times.begin
    }

    /// The input is there.
    func received(_ waited: Waited) {
        if !isOn { return }
        times.received = Clock.now()
        times.inputWait = waited
    }

    // CPU time is read outside of the clock's readings: so what it falls short by was really lost. Delays are read inside
    // of them, because a system call is where the rank may lose its CPU, after the reading: that is then part of the work.

    func startWork(roomWait: Waited = .ready) {
        if !isOn { return }
        times.roomWait = roomWait
        cpuAtStart = Clock.threadCPU()
        times.ready = Clock.now()
        if sharesCPU || times.ready - endBefore > Self.lateNanoseconds { readDelay() }
    }

    func endWork() {
        if !isOn { return }
        times.end = Clock.now()
        times.sent = times.end
        times.cpu = Clock.threadCPU() - cpuAtStart
        let work = times.end - times.ready
        knownDelay += work - min(work, times.cpu)
        endBefore = times.end
    }

    /// The output is handed on next.
    func handOn() {
        if isOn { times.sent = Clock.now() }
    }

    private func readDelay() {
        guard let now = delay?.nanoseconds else { return }
        let since = now - min(now, delayBefore)
        times.delay = since - min(since, knownDelay)
        delayBefore = now
        knownDelay = 0
    }
}
