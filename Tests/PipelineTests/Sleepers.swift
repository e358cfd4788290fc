// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import Threads

/// Threads that wait, and are known to sleep before anybody wakes them. `SharedTensorTests` and
/// `PipelineTests` have this file as a link.
///
/// Their slices are minutes long, so that a wake-up that does not come is seen and not slept through.
final class Sleepers<Value: Sendable> {
    /// For waits that a test ends by a wake-up.
    static var patience: Patience { Patience(spins: 0, sliceNanoseconds: 600_000_000_000) }

    /// What the system calls each of them.
    let name: String
    private let threads: [PinnedThread<Result<Value, WaitError>, Never>]

    /// Starts them.
    init(
        _ count: Int, name: String = sleepersName(), body: @escaping @Sendable (Int) throws(WaitError) -> Value
    ) throws {
        self.name = name
        threads = try (0..<count).map { index in
            try PinnedThread(name: name, cpu: nil) { _ in
                Result { () throws(WaitError) in try body(index) }
            }
        }
    }

    /// Waits until all of them sleep.
    func waitUntilAsleep() throws { try allAsleep(threads.count, name) }

    /// What became of each. One that nobody wakes in time is told as an issue, and sleeps on to its deadline.
    func outcomes() throws -> [Result<Value, WaitError>] {
        let late = threads.indices.filter { !threads[$0].hasEnded(within: 20_000) }
        #expect(late.isEmpty, "these were not woken: \(late)")
        return try threads.map { try $0.join() }
    }

    /// The same, of waits that got what they waited for.
    func values() throws -> [Value] { try outcomes().map { try $0.get() } }
}

/// A name that no other thread of the program has, nor the beginning of one.
func sleepersName() -> String { "s\(Int.random(in: 1_000_000_000...9_999_999_999))" }

/// Waits until so many threads whose names start like this sleep in the kernel.
func allAsleep(_ count: Int, _ name: String, seconds: UInt64 = 20) throws(WaitError) {
    let (start, most) = (Clock.now(), seconds * 1_000_000_000)
    while asleep(name) < count {
        if Clock.now() - start > most { throw .timedOut(afterNanoseconds: most) }
        Clock.sleep(nanoseconds: 500_000)
    }
}

/// Has the calling thread take SIGCONT: whoever started it may keep signals to others.
func takeContinues() {
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    unsafe sigaddset(&signals, SIGCONT)
    unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
}

private func asleep(_ name: String) -> Int {
    let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
    return tasks.count { task in
        // `number (name) state ...`
        guard let line = TextFile.line("/proc/self/task/\(task)/stat") else { return false }
        return line.contains("(\(name)") && line.contains(") S ")
    }
}
