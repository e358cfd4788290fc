// SPDX-License-Identifier: Apache-2.0

import Testing
import Threads

/// What ends waits besides their value: `WaitCharge`'s own code, in every order of steps.
struct EndedWaitInterleavingTests {
    private static let (value, abort, time) = (0, 1, 2)

    /// Two who wait for a value, and end with it or as `mayEnd` says; and what else happens.
    ///
    /// - Parameter nanosecondsALook: by which time goes on whenever somebody looks at it; the timeout is 100.
    private func explorer(
        _ others: [Explorer.Section], nanosecondsALook: UInt32, mayEnd: @escaping (WaitError) -> Bool,
        sleepsEnd: @escaping ([UInt32]) -> Bool
    ) -> Explorer {
        let waiter: Explorer.Section = { (run) throws(Halt) in
            switch try Self.wait(run, nanosecondsALook) {
            case .success: try run.expect(run.state.memory[Self.value] >> 1 == 1, "went on without the value")
            case .failure(let error): try run.expect(mayEnd(error), "\(error)")
            }
        }
        return Explorer(memory: [0, 0, 0], actors: [[waiter], [waiter]] + others.map { [$0] }, sleepsEnd: sleepsEnd)
    }

    private static func wait(
        _ run: ActorRun, _ nanosecondsALook: UInt32
    ) throws(Halt) -> Result<Waited, WaitError> {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 16, alignment: 8)
        defer { unsafe memory.deallocate() }
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: 16)
        let (flag, clock) = unsafe (AbortFlag(SharedCounter(at: memory)), SharedCounter(at: memory + 8))
        let context = WaitContext(
            patience: Patience(spins: 0, sliceNanoseconds: 1000), abort: flag, timeoutNanoseconds: 100,
            clock: WaitClock(clock))
        var charge = WaitCharge()
        return try run.word(value).wait(for: 1) { () throws(Halt) in
            // The model's flag and time become real ones, for the real code to look at.
            if try run.read(abort) != 0 { flag.raise(by: 7) }
            let now = try run.take { state in
                state.memory[time] += nanosecondsALook
                return state.memory[time]
            }
            clock.store(UInt64(now))
            return Result { () throws(WaitError) in try charge.slice(context) }
        }
    }

    private let publish: Explorer.Section = { (run) throws(Halt) in _ = try run.word(value).storeAndWake(1) }
    private let raise: Explorer.Section = { (run) throws(Halt) in try run.write(1, to: abort) }

    @Test("an abort ends every wait, with or without a value that comes at the same time", arguments: [false, true])
    func abort(publishes: Bool) {
        let findings = explorer(
            publishes ? [raise, publish] : [raise], nanosecondsALook: 0, mayEnd: { $0 == .aborted(by: 7) },
            sleepsEnd: { $0[Self.abort] != 0 }
        ).explore()
        print("abort, value \(publishes ? "published" : "missing"): \(findings)")
        #expect(findings.wrong == nil && findings.states > 100)
    }

    @Test("an abort that nobody raises leaves those asleep whose value does not come") func noAbort() {
        let findings = explorer([], nanosecondsALook: 0, mayEnd: { $0 == .aborted(by: 7) }, sleepsEnd: { _ in false })
            .explore()
        #expect(findings.wrong?.hasPrefix("0 sleeps on word 0 for ever") == true)
    }

    @Test("a deadline ends every wait", arguments: [false, true]) func deadline(publishes: Bool) {
        let findings = explorer(
            publishes ? [publish] : [], nanosecondsALook: 60,
            mayEnd: { error in
                guard case .timedOut(let nanoseconds) = error else { return false }
                return nanoseconds >= 100
            }, sleepsEnd: { _ in true }
        ).explore()
        print("deadline, value \(publishes ? "published" : "missing"): \(findings)")
        #expect(findings.wrong == nil && findings.states > 100)
    }
}
