// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

/// A slower network than there is: how long hand-offs take at least.
public struct InjectedLatency: Equatable, Sendable {
    /// From the moment that an item is handed on to the moment that it can be received, in seconds.
    public let seconds: Double
    /// Up to so much more, in seconds, evenly distributed: another amount for each item, and the same in each run of a seed.
    public let jitterSeconds: Double
    /// Of the jitter.
    public let seed: UInt64

    /// With these values, which are not negative.
    public init(seconds: Double, jitterSeconds: Double = 0, seed: UInt64 = 0) {
        require(seconds >= 0 && jitterSeconds >= 0, "a latency of \(seconds) s and up to \(jitterSeconds) s more")
        (self.seconds, self.jitterSeconds, self.seed) = (seconds, jitterSeconds, seed)
    }

    /// A transport whose hand-offs take so long: all of them, or, where ranks are on several hosts, those between hosts.
    public func delaying(_ transport: some Transport) -> any Transport { DelayedTransport(base: transport, self) }
}

/// A transport with a latency in each hand-off that it would not have: items carry the moment at which they were handed on, and who
/// receives one waits until its time has come. Sender and receiver work on meanwhile.
struct DelayedTransport<Base: Transport>: RelinkedTransport {
    let base: Base
    private let latency: InjectedLatency

    init(base: Base, _ latency: InjectedLatency) { (self.base, self.latency) = (base, latency) }

    var name: String { base.name }

    func slotMemory(_ edge: Edge) -> SlotMemory { base.slotMemory(isDelayed(edge) ? edge.withMoment : edge) }

    func connect(_ edges: [Edge]) throws(LinkError) -> any Links {
        let delayed = Set(edges.filter(isDelayed))
        return DelayedLinks(
            inner: try base.connect(edges.map { delayed.contains($0) ? $0.withMoment : $0 }), latency: latency,
            delayed: delayed, clockAhead: (try? base.job())?.clockAhead ?? 0)
    }

    private func isDelayed(_ edge: Edge) -> Bool {
        guard let hosts = (try? base.job())?.hosts.map(\.first), Set(hosts).count > 1 else { return true }
        return hosts[edge.senderRank] != hosts[edge.receiverRank]
    }
}

extension Edge {
    /// The same with items that are longer by a line of the cache, for the moment.
    fileprivate var withMoment: Edge {
        Edge(
            from: from, to: to, shape: Shape(shape.count + Moment.floats), slots: slots, senderRank: senderRank,
            receiverRank: receiverRank)
    }
}

/// A moment in nanoseconds among an item's elements: sixteen bits in each of four, since not every float keeps 32.
private enum Moment {
    static let floats = 16

    static func write(_ moment: UInt64, to line: Tensor) {
        for part in 0..<4 { line[part] = Float(moment >> UInt64(16 * part) & 0xFFFF) }
    }

    static func read(from line: Tensor) -> UInt64 {
        (0..<4).reduce(0) { $0 | UInt64(line[$1]) << UInt64(16 * $1) }
    }
}

private struct DelayedLinks: Links {
    let inner: any Links
    let latency: InjectedLatency
    let delayed: Set<Edge>
    /// Nanoseconds by which this process's clock is ahead of the one that moments are told by.
    let clockAhead: Int64

    func sender(_ edge: Edge) -> any SendChannel {
        if !delayed.contains(edge) { return inner.sender(edge) }
        return DelayedSendChannel(inner.sender(edge.withMoment), edge.shape, clockAhead)
    }

    func receiver(_ edge: Edge) -> any ReceiveChannel {
        if !delayed.contains(edge) { return inner.receiver(edge) }
        return DelayedReceiveChannel(inner.receiver(edge.withMoment), edge, latency, clockAhead)
    }

    func meeting() -> (any Meeting)? { inner.meeting() }
}

private final class DelayedSendChannel: SendChannel {
    private let inner: any SendChannel
    private let shape: Shape
    private let clockAhead: Int64
    private var item = Tensor.none

    init(_ inner: any SendChannel, _ shape: Shape, _ clockAhead: Int64) {
        (self.inner, self.shape, self.clockAhead) = (inner, shape, clockAhead)
    }

    var lastWait: Waited { inner.lastWait }
    var bytesCopied: Int { inner.bytesCopied }

    func reserve(_ context: WaitContext) throws(WaitError) -> Tensor {
        item = try inner.reserve(context)
        return item.elements(0..<shape.count).reshaped(shape)
    }

    func commit(_ context: WaitContext) throws(WaitError) -> Waited {
        let now = UInt64(bitPattern: Int64(bitPattern: Clock.now()) &- clockAhead)
        Moment.write(now, to: item.elements(shape.count..<item.count))
        return try inner.commit(context)
    }
}

private final class DelayedReceiveChannel: ReceiveChannel {
    private let inner: any ReceiveChannel
    private let shape: Shape
    private let latency: InjectedLatency
    private let clockAhead: Int64
    private let random: CounterRandom
    private var received: UInt64 = 0
    /// When the latest item could be received: none overtakes another.
    private var latest: UInt64 = 0
    private(set) var lastWait = Waited.ready

    init(_ inner: any ReceiveChannel, _ edge: Edge, _ latency: InjectedLatency, _ clockAhead: Int64) {
        (self.inner, shape, self.latency, self.clockAhead) = (inner, edge.shape, latency, clockAhead)
        random = CounterRandom(seed: latency.seed, name: "latency of \(edge.from) to \(edge.to)")
    }

    var bytesCopied: Int { inner.bytesCopied }

    func receive(_ context: WaitContext) throws(WaitError) -> Delivery {
        let delivery = try inner.receive(context)
        let item = delivery.tensor
        let sent = Int64(bitPattern: Moment.read(from: item.elements(shape.count..<item.count))) &+ clockAhead
        let seconds = latency.seconds + latency.jitterSeconds * random.unit(at: received)
        received += 1
        latest = max(latest, UInt64(bitPattern: sent) &+ UInt64(seconds * 1e9))
        lastWait = try sleep(until: latest, context) ? .parked : inner.lastWait
        return Delivery(tensor: item.elements(0..<shape.count).reshaped(shape), ticket: delivery.ticket)
    }

    func release(_ delivery: Delivery) { inner.release(delivery) }

    /// A sleep ends late; what is left at its end is spun away.
    private static let spinNanoseconds: UInt64 = 100_000

    /// - Returns: whether there was anything to wait for.
    private func sleep(until moment: UInt64, _ context: WaitContext) throws(WaitError) -> Bool {
        var now = Clock.now()
        if now >= moment { return false }
        var charge = WaitCharge()
        while now < moment {
            let slice = try charge.slice(context)
            if moment - now > Self.spinNanoseconds {
                Clock.sleep(nanoseconds: min(slice, moment - now - Self.spinNanoseconds))
            }
            now = Clock.now()
        }
        return true
    }
}
