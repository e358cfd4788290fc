// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

/// A slower network than there is: hand-offs leave their rank one after the other, at a rate, and arrive a latency later.
public struct InjectedLink: Equatable, Sendable, CustomStringConvertible {
    /// What hand-offs cost at least. Each rank has a link of its own, for all that it hands on.
    public let cost: LinkCost
    /// Up to so much more latency, in seconds, evenly distributed: another amount for each item, and the same in each run of a seed.
    public let jitterSeconds: Double
    /// Of the jitter.
    public let seed: UInt64

    /// With these values; traps if the jitter is negative.
    public init(_ cost: LinkCost, jitterSeconds: Double = 0, seed: UInt64 = 0) {
        require(jitterSeconds >= 0, "a latency of up to \(jitterSeconds) s more")
        (self.cost, self.jitterSeconds, self.seed) = (cost, jitterSeconds, seed)
    }

    /// As in `2ms,100mbit`, and with a jitter in `2ms,100mbit+0.5ms`.
    public var description: String {
        let jitter = jitterSeconds > 0 ? "+\(LinkCost(latency: jitterSeconds))" : ""
        return "\(cost)\(jitter)"
    }

    /// A transport whose hand-offs take so long: all of them, or, where ranks are on several hosts, those between hosts.
    public func delaying(_ transport: some Transport) -> any Transport { DelayedTransport(base: transport, self) }
}

/// A transport with costs in each hand-off that it would not have: items carry the moment at which they have left their rank, and who
/// receives one waits until a latency after that. Sender and receiver work on meanwhile.
struct DelayedTransport<Base: Transport>: RelinkedTransport {
    let base: Base
    private let link: InjectedLink
    var injectedLink: InjectedLink? { link }

    init(base: Base, _ link: InjectedLink) { (self.base, self.link) = (base, link) }

    var name: String { base.name }

    func slotMemory(_ edge: Edge) -> SlotMemory { base.slotMemory(isDelayed(edge) ? edge.withMoment : edge) }

    func connect(_ edges: [Edge]) throws(LinkError) -> any Links {
        let delayed = Set(edges.filter(isDelayed))
        return DelayedLinks(
            inner: try base.connect(edges.map { delayed.contains($0) ? $0.withMoment : $0 }), link: link,
            uplinks: Dictionary(uniqueKeysWithValues: Set(delayed.map(\.senderRank)).map { ($0, Uplink(link.cost)) }),
            delayed: delayed, clockAhead: (try? base.job())?.clockAhead ?? 0)
    }

    private func isDelayed(_ edge: Edge) -> Bool {
        (try? base.job())?.isOverNetwork(from: edge.senderRank, to: edge.receiverRank) ?? true
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

/// What all that a rank hands on goes through, one item after the other.
// Sound: only the rank that sends uses it.
private final class Uplink: @unchecked Sendable {
    private let bytesPerSecond: Double
    /// When the latest item has left, in nanoseconds.
    private var free: UInt64 = 0

    init(_ cost: LinkCost) { bytesPerSecond = cost.bytesPerSecond }

    /// When an item that is handed on now will have left.
    func leaves(bytes: Int, now: UInt64) -> UInt64 {
        // A century at most: no overflow.
        free = max(free, now) + UInt64(min(3e18, Double(bytes) / bytesPerSecond * 1e9))
        return free
    }
}

private struct DelayedLinks: Links {
    let inner: any Links
    let link: InjectedLink
    /// Of each rank that sends.
    let uplinks: [Int: Uplink]
    let delayed: Set<Edge>
    /// Nanoseconds by which this process's clock is ahead of the one that moments are told by.
    let clockAhead: Int64

    func sender(_ edge: Edge) -> any SendChannel {
        if !delayed.contains(edge) { return inner.sender(edge) }
        return DelayedSendChannel(
            inner.sender(edge.withMoment), edge.shape, uplinks[edge.senderRank]!, clockAhead)
    }

    func receiver(_ edge: Edge) -> any ReceiveChannel {
        if !delayed.contains(edge) { return inner.receiver(edge) }
        return DelayedReceiveChannel(inner.receiver(edge.withMoment), edge, link, clockAhead)
    }

    func meeting() -> (any Meeting)? { inner.meeting() }
}

private final class DelayedSendChannel: SendChannel {
    private let inner: any SendChannel
    private let shape: Shape
    private let uplink: Uplink
    private let clockAhead: Int64
    private var item = Tensor.none

    init(_ inner: any SendChannel, _ shape: Shape, _ uplink: Uplink, _ clockAhead: Int64) {
        (self.inner, self.shape, self.uplink, self.clockAhead) = (inner, shape, uplink, clockAhead)
    }

    var lastWait: Waited { inner.lastWait }
    var bytesCopied: Int { inner.bytesCopied }

    func reserve(_ context: WaitContext) throws(WaitError) -> Tensor {
        item = try inner.reserve(context)
        return item.elements(0..<shape.count).reshaped(shape)
    }

    func commit(_ context: WaitContext) throws(WaitError) -> Waited {
        let now = UInt64(bitPattern: Int64(bitPattern: Clock.now()) &- clockAhead)
        Moment.write(uplink.leaves(bytes: shape.count * 4, now: now), to: item.elements(shape.count..<item.count))
        return try inner.commit(context)
    }
}

private final class DelayedReceiveChannel: ReceiveChannel {
    private let inner: any ReceiveChannel
    private let shape: Shape
    private let link: InjectedLink
    private let clockAhead: Int64
    private let random: CounterRandom
    private var received: UInt64 = 0
    /// When the latest item could be received: none overtakes another.
    private var latest: UInt64 = 0
    private(set) var lastWait = Waited.ready

    init(_ inner: any ReceiveChannel, _ edge: Edge, _ link: InjectedLink, _ clockAhead: Int64) {
        (self.inner, shape, self.link, self.clockAhead) = (inner, edge.shape, link, clockAhead)
        random = CounterRandom(seed: link.seed, name: "latency of \(edge.from) to \(edge.to)")
    }

    var bytesCopied: Int { inner.bytesCopied }

    func receive(_ context: WaitContext) throws(WaitError) -> Delivery {
        let delivery = try inner.receive(context)
        let item = delivery.tensor
        let left = Int64(bitPattern: Moment.read(from: item.elements(shape.count..<item.count))) &+ clockAhead
        let seconds = link.cost.latency + link.jitterSeconds * random.unit(at: received)
        received += 1
        latest = max(latest, UInt64(bitPattern: left) &+ UInt64(min(3e18, seconds * 1e9)))
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
