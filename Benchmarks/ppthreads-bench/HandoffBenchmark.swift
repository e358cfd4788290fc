// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor
import Threads

/// What a hand-off costs against its size, through the channels that ranks use: for each transport a latency, and seconds a byte.
///
/// Started by mpirun with two processes, it measures those of MPI, within a host or from one to another.
struct HandoffBenchmark {
    private let effort: Effort
    private let transports: [TransportKind]

    init(_ effort: Effort) {
        self.effort = effort
        if LaunchedProcess.rank != nil { JobOfProgram.start() }
        transports = JobOfProgram.library == nil ? [.threads, .processes, .sockets, .unix] : [.mpi, .mpiOnly]
    }

    /// Two floats, what a packet holds, and on to more than the caches do.
    private static let sizes = [8, 1024, 4096, 16_384, 65_536, 122_880, 524_288, 2_097_152]

    private struct Candidate {
        let transport: TransportKind
        let bytes: Int
    }

    func run() throws(BenchmarkError) {
        if LaunchedProcess.size == 1 {
            throw .usage("handoff: started by a launcher, it measures MPI between two processes: mpirun -n 2")
        }
        let candidates = transports.flatMap { transport in
            Self.sizes.map { Candidate(transport: transport, bytes: $0) }
        }
        let alternation = try Alternation(
            candidates.map { candidate in
                Alternation.Candidate(name: "\(candidate.transport.rawValue) \(candidate.bytes)") {
                    () throws(BenchmarkError) in
                    try HandoffPair(candidate.transport, bytes: candidate.bytes, isShort: effort.isShort).measure()
                        / 1000
                }
            }, rounds: effort.rounds, unit: "us")
        if JobOfProgram.isFollower { return }
        print(
            "a hand-off one way (half a round trip), written by its sender and summed by its receiver; \(effort.rounds) rounds"
                + (JobOfProgram.library.map { "; \($0)" } ?? ""))
        print("transport      bytes  us, median and quartiles")
        for (index, candidate) in candidates.enumerated() {
            print(
                candidate.transport.rawValue.padded(to: 10) + "\(candidate.bytes)".paddedLeft(to: 10)
                    + "  \(alternation.samples(index).withQuartiles)")
        }
        for (number, transport) in transports.enumerated() {
            let times = Self.sizes.indices.map { alternation.median(number * Self.sizes.count + $0) * 1e-6 }
            print("\(transport.rawValue): \(HandoffFit(bytes: Self.sizes, seconds: times))")
        }
    }
}

/// A line through a transport's times.
struct HandoffFit: CustomStringConvertible {
    /// Of the smallest item.
    let latency: Double
    /// Between the first size of at least 64 KiB and the largest.
    let secondsPerByte: Double

    /// - Parameters:
    ///   - bytes: ascending, the last at least 64 KiB.
    ///   - seconds: one for each.
    init(bytes: [Int], seconds: [Double]) {
        latency = seconds[0]
        let first = bytes.firstIndex { $0 >= 65_536 }!
        secondsPerByte = (seconds.last! - seconds[first]) / Double(bytes.last! - bytes[first])
    }

    var description: String {
        "latency \((latency * 1e6).short) us; \((secondsPerByte * 1e9).short) ns a byte (\((1e-6 / secondsPerByte).short) MB/s)"
    }
}

/// Two ranks that hand one item to and fro.
private struct HandoffPair {
    private let kind: TransportKind
    private let shape: Shape
    private let loop: MessageLoop

    init(_ kind: TransportKind, bytes: Int, isShort: Bool) {
        self.kind = kind
        shape = bytes < 1024 ? Shape(1, bytes / 4) : Shape(bytes / 256, 64)
        loop = MessageLoop(count: isShort ? 10 : max(50, min(2000, 64_000_000 / bytes)))
    }

    /// Nanoseconds of one way.
    func measure() throws(BenchmarkError) -> Double {
        do {
            let transport = kind.transport
            let job = try transport.job()
            if let job {
                if job.size < 2 {
                    throw BenchmarkError.failed("\(kind.rawValue): two processes are needed: mpirun -n 2")
                }
                _ = try JobOfProgram.ofFirst(true)
                try job.beginRun(ranks: 2)
            }
            let times = try exchange(transport, job)
            let each = try job == nil ? times : JobOfProgram.ofFirst(times)
            return Double(each.elapsed) / Double(loop.count) / 2
        } catch let error as BenchmarkError {
            throw error
        } catch {
            throw .failed("\(kind.rawValue): \(error)")
        }
    }

    private func exchange(_ transport: any Transport, _ job: (any Job)?) throws -> LoopTimes {
        let edges = [Edge(from: 0, to: 1, shape: shape, slots: 2), Edge(from: 1, to: 0, shape: shape, slots: 2)]
        let links = try transport.connect(edges)
        let memory = try transport.sharedMemory(bytes: SharedCounter.bytes)
        let cpus = try CPUSet.allowed().cpus
        let ranks = job.map { $0.rank < 2 ? [$0.rank] : [] } ?? [0, 1]
        let workers = try ranks.map { rank in
            try transport.start(name: "rank \(rank)", cpu: cpus[rank % cpus.count]) {
                [loop, shape] _ throws(WaitError) in
                let abort = AbortFlag(memory.counter(Region(offset: 0, bytes: SharedCounter.bytes)))
                var end = ChannelEnd(
                    sender: links.sender(edges[rank]), receiver: links.receiver(edges[1 - rank]),
                    context: WaitContext(
                        patience: cpus.count > 1 || job != nil ? .ownCPU : .sharedCPU, abort: abort,
                        timeoutNanoseconds: 30_000_000_000), content: TensorContent(shape))
                return try loop.run(rank == 0 ? .asking : .answering, &end)
            }
        }
        // The side that asks looks at the clock.
        var asking = LoopTimes()
        for (rank, worker) in zip(ranks, workers) {
            let times = try worker.join()
            if rank == 0 { asking = times }
        }
        return asking
    }
}

/// A rank's ends of two edges.
private struct ChannelEnd: ExchangeEnd {
    let sender: any SendChannel
    let receiver: any ReceiveChannel
    let context: WaitContext
    let content: TensorContent

    func send(_ number: Int) throws(WaitError) {
        content.write(number, to: try sender.reserve(context))
        try sender.commit(context)
    }

    func receive(_ number: Int) throws(WaitError) {
        let delivery = try receiver.receive(context)
        content.check(number, delivery.tensor)
        receiver.release(delivery)
    }
}
