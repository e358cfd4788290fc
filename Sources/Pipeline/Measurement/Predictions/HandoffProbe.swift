// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

/// What a byte more costs a hand-off: items that go to and fro between two ranks, which neither write nor read them.
struct HandoffProbe {
    private let transport: any Transport
    private let timeoutSeconds = 30.0

    init(_ transport: any Transport) { self.transport = transport }

    /// Seconds, from items of 64 KiB and of 1 MiB; 0 where these take no longer, as where nothing is copied.
    func secondsPerByte() throws(RunError) -> Double {
        let sizes = [1 << 16, 1 << 20]
        var seconds: [[Double]] = [[], []]
        for _ in 0..<3 {
            for (index, bytes) in sizes.enumerated() { seconds[index].append(try oneWay(bytes: bytes)) }
        }
        let medians = seconds.map { Statistics($0).median }
        return max(0, (medians[1] - medians[0]) / Double(sizes[1] - sizes[0]))
    }

    /// Seconds of one way: half of a round trip.
    private func oneWay(bytes: Int) throws(RunError) -> Double {
        let (warmUp, count) = (5, 40)
        do {
            let shape = Shape(bytes / 256, 64)
            let edges = [0, 1].map { Edge(from: $0, to: 1 - $0, shape: shape, slots: 2) }
            let links = try transport.connect(edges)
            let memory = try transport.sharedMemory(bytes: SharedCounter.bytes)
            let cpus = try CPUSet.allowed().cpus
            let workers = try [0, 1].map { rank in
                try transport.start(name: "rank \(rank)", cpu: cpus[rank % cpus.count]) {
                    [timeoutSeconds] _ throws(WaitError) -> UInt64 in
                    let context = WaitContext(
                        patience: cpus.count > 1 ? .ownCPU : .sharedCPU,
                        abort: AbortFlag(memory.counter(Region(offset: 0, bytes: SharedCounter.bytes))),
                        timeoutNanoseconds: UInt64(timeoutSeconds * 1e9))
                    let (sender, receiver) = (links.sender(edges[rank]), links.receiver(edges[1 - rank]))
                    func send() throws(WaitError) {
                        _ = try sender.reserve(context)
                        try sender.commit(context)
                    }
                    func receive() throws(WaitError) { receiver.release(try receiver.receive(context)) }
                    var start = Clock.now()
                    for trip in 0..<warmUp + count {
                        if trip == warmUp { start = Clock.now() }
                        if rank == 0 { try send() }
                        try receive()
                        if rank == 1 { try send() }
                    }
                    return Clock.now() - start
                }
            }
            let times = try workers.map { try $0.join() }
            return Double(times[0]) / 1e9 / Double(2 * count)
        } catch {
            throw .failed("hand-offs of \(transport.name) could not be measured: \(error)")
        }
    }
}
