// SPDX-License-Identifier: Apache-2.0

import Foundation
import Pipeline
import SharedTensor
import Testing
import Threads

/// Processes of a job that are threads of this program: each plans and does the run by itself, and they know of each other what they
/// exchange, nothing else.
final class FakeJobs: Sendable {
    let size: Int
    /// Of them, those that have a rank.
    let ranks: Int
    /// By how much each process's clock is said to be ahead, and by how much more after the run.
    let ahead: [Int64]
    let drift: [Int64]

    private struct State {
        var rounds: [Int: [Int: [UInt8]]] = [:]
        var links: (any Links)?
        var dead: Set<Int> = []
        var leaving: Set<Int> = []
        var met: [Int: [Int: (UInt64, UInt64)]] = [:]
        var notices: [(notice: JobNotice, from: Int, to: Int)] = []
        var gaveUp: Set<Int> = []
    }
    private let state = Locked(State())

    init(size: Int, ranks: Int = 2, ahead: [Int64]? = nil, drift: [Int64]? = nil) {
        (self.size, self.ranks) = (size, ranks)
        self.ahead = ahead ?? Array(repeating: 0, count: size)
        self.drift = drift ?? Array(repeating: 0, count: size)
    }

    /// From here on a process answers nobody.
    func end(_ rank: Int) { state.withLock { _ = $0.dead.insert(rank) } }
    fileprivate func isDead(_ rank: Int) -> Bool { state.withLock { $0.dead.contains(rank) } }
    /// A process that ends when it looks for notices first.
    func letLeave(_ rank: Int) { state.withLock { _ = $0.leaving.insert(rank) } }
    fileprivate func leaves(_ rank: Int) -> Bool { state.withLock { $0.leaving.contains(rank) } }
    /// Those that have given up waiting for the others.
    var gaveUp: Set<Int> { state.withLock { $0.gaveUp } }

    fileprivate func giveUp(_ rank: Int) { state.withLock { _ = $0.gaveUp.insert(rank) } }

    fileprivate func tell(_ round: Int, _ rank: Int, _ bytes: [UInt8]) {
        state.withLock { $0.rounds[round, default: [:]][rank] = bytes }
    }
    /// Nil while somebody who lives has not told.
    fileprivate func answers(_ round: Int) -> [[UInt8]?]? {
        state.withLock { state in
            let told = state.rounds[round] ?? [:]
            for rank in 0..<size where told[rank] == nil && !state.dead.contains(rank) { return nil }
            return (0..<size).map { told[$0] }
        }
    }

    fileprivate func links(_ edges: [Edge]) throws -> any Links {
        try state.withLock { state in
            if state.links == nil { state.links = try ThreadTransport().connect(edges) }
            return state.links!
        }
    }

    fileprivate func come(_ round: Int, _ rank: Int, _ words: (UInt64, UInt64)) {
        state.withLock { $0.met[round, default: [:]][rank] = words }
    }
    /// The largest words, once all ranks have come.
    fileprivate func largest(_ round: Int) -> (UInt64, UInt64)? {
        state.withLock { state in
            let words = state.met[round] ?? [:]
            return words.count < ranks ? nil : (words.values.map(\.0).max()!, words.values.map(\.1).max()!)
        }
    }

    fileprivate func send(_ notice: JobNotice, from: Int, to: Int) {
        state.withLock { $0.notices.append((notice, from, to)) }
    }
    fileprivate func notices(to rank: Int) -> [(notice: JobNotice, from: Int)] {
        state.withLock { state in
            defer { state.notices.removeAll { $0.to == rank } }
            return state.notices.filter { $0.to == rank }.map { ($0.notice, $0.from) }
        }
    }
}

/// One of them, as it sees the others. Two hosts, called `even` and `odd`.
// Sound: it belongs to the thread that stands for its process; ranks' threads ask for their meeting alone.
final class FakeJob: Job, @unchecked Sendable {
    private let jobs: FakeJobs
    let rank: Int
    private var round = 0
    private var clocksRead = 0
    private(set) var clockAhead: Int64 = 0

    init(_ jobs: FakeJobs, rank: Int) { (self.jobs, self.rank) = (jobs, rank) }

    var size: Int { jobs.size }
    let library = "fake"
    var hosts: [JobHost] {
        (0..<size).map { JobHost(name: $0 % 2 == 0 ? "even" : "odd", first: $0 % 2, clock: "\($0 % 2)", cpus: [0]) }
    }

    func exchange(_ bytes: [UInt8], within seconds: Double, needing needed: Int) throws(JobError) -> [[UInt8]?] {
        if jobs.isDead(rank) { throw .failed("the test has ended this process") }
        round += 1
        jobs.tell(round, rank, bytes)
        let limit = Clock.now() + UInt64(min(seconds, 60) * 1e9)
        while Clock.now() < limit {
            if let answers = jobs.answers(round) { return answers }
            Clock.sleep(nanoseconds: 200_000)
        }
        throw .failed("the test's exchange took too long")
    }

    func beginRun(ranks: Int) throws(JobError) {}

    func send(_ notice: JobNotice, to peer: Int) { jobs.send(notice, from: rank, to: peer) }
    func notices() -> [(notice: JobNotice, from: Int)] {
        // While it looks on: a process that has a rank asks as well.
        guard jobs.leaves(rank) else { return jobs.notices(to: rank) }
        jobs.end(rank)
        return [(.abort, 0)]
    }

    func readClocks() throws(JobError) -> [ClockReading] {
        clocksRead += 1
        clockAhead = jobs.ahead[rank]
        // All have to be given the same.
        let readings = (0..<size).map {
            ClockReading(
                moment: Clock.now(), ahead: jobs.ahead[$0] + (clocksRead > 1 ? jobs.drift[$0] : 0),
                error: UInt64($0 % 2 * 100))
        }
        let told = try exchange(JobWords.bytes(readings), within: 60)
        guard let first = told[0], let all: [ClockReading] = JobWords.value(first) else { throw .silent(ranks: [0]) }
        return all
    }

    func giveUp() { jobs.giveUp(rank) }
    var isSound: Bool { !jobs.gaveUp.contains(rank) }
    func meeting() -> any Meeting { FakeMeeting(jobs, rank) }
}

private final class FakeMeeting: Meeting {
    private let jobs: FakeJobs
    private let rank: Int
    private var round = 0

    init(_ jobs: FakeJobs, _ rank: Int) { (self.jobs, self.rank) = (jobs, rank) }

    func meet(
        bringing words: (UInt64, UInt64), _ context: WaitContext
    ) throws(WaitError) -> (largest: (UInt64, UInt64), waited: Waited) {
        round += 1
        jobs.come(round, rank, words)
        let start = Clock.now()
        while true {
            if let largest = jobs.largest(round) { return (largest, .parked) }
            if let rank = context.abort.raisedBy { throw .aborted(by: rank) }
            let waited = Clock.now() - start
            if waited > context.timeoutNanoseconds { throw .timedOut(afterNanoseconds: waited) }
            Clock.sleep(nanoseconds: 50_000)
        }
    }
}

/// Ranks of such a job, with rings in the program's memory.
struct FakeTransport: Transport {
    let jobs: FakeJobs
    let own: FakeJob
    /// What the system has no memory for, in this process.
    var lacksMemory = false
    /// Called when the rank is started; throws nothing, but may end the process for the others.
    var dies = false

    var name: String { "fake" }
    func job() throws(JobError) -> (any Job)? { own }
    func sharedMemory(bytes: Int) throws(SegmentError) -> Segment {
        if lacksMemory { return try Segment(bytes: 1 << 60, backing: .privateMemory) }
        return try Segment(bytes: bytes, backing: .privateMemory)
    }
    func resultMemory(bytes: Int) throws(SegmentError) -> Segment {
        try Segment(bytes: bytes, backing: .privateMemory)
    }
    func connect(_ edges: [Edge]) throws(LinkError) -> any Links {
        do { return FakeLinks(inner: try jobs.links(edges), job: own) } catch { throw .library("\(error)") }
    }
    func start<Value: Codable & Sendable, Failure: Error & Codable>(
        name: String, cpu: Int?, body: @escaping @Sendable (Pinning) throws(Failure) -> Value
    ) throws(StartError) -> any Worker<Value, Failure> {
        if dies {
            jobs.end(own.rank)
            throw .thread(SystemError(call: "the test", code: 1))
        }
        return try ThreadTransport().start(name: name, cpu: nil, body: body)
    }
}

private struct FakeLinks: Links {
    let inner: any Links
    let job: FakeJob
    func sender(_ edge: Edge) -> any SendChannel { inner.sender(edge) }
    func receiver(_ edge: Edge) -> any ReceiveChannel { inner.receiver(edge) }
    func meeting() -> (any Meeting)? { job.meeting() }
}

/// Does the same in each of so many processes; what each comes to.
func inEach<Value: Sendable>(
    _ size: Int, _ body: @escaping @Sendable (Int) throws -> Value
) -> [Result<Value, any Error>] {
    let all = Collected<Result<Value, any Error>>()
    let group = DispatchGroup()
    for rank in 0..<size {
        group.enter()
        Thread.detachNewThread {
            let outcome = Result { try body(rank) }
            all.values.withLock { $0[rank] = outcome }
            group.leave()
        }
    }
    group.wait()
    return (0..<size).map { rank in all.values.withLock { $0[rank]! } }
}

/// What threads have come to.
private final class Collected<Value: Sendable>: Sendable {
    let values = Locked([Int: Value]())
}

/// A value that one thread at a time uses; unlike the standard library's Mutex, with a lock that the thread sanitizer sees.
// Sound: the value is used under the lock alone.
private final class Locked<Value>: @unchecked Sendable {
    private let lock = NSLock()
    private var value: Value

    init(_ value: Value) { self.value = value }

    func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
        lock.lock()
        defer { lock.unlock() }
        return try body(&value)
    }
}
