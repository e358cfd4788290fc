// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

/// A link between two stages, in one direction: neighbours, or copies that sum their gradients.
public struct Edge: Hashable, Sendable {
    /// The stage that sends.
    public let from: Int
    /// The stage that receives: one more than `from` for activations, one less for gradients, or a copy of it.
    public let to: Int
    /// Shape of what is handed on, fp32.
    public let shape: Shape
    /// The most items that the schedule ever has in flight on this edge: a ring's slots.
    public let slots: Int
    /// The rank of `from`.
    public let senderRank: Int
    /// The rank of `to`.
    public let receiverRank: Int

    /// With these values; unless ranks are given, stages are on the ranks of their number. Edges are equal when they have the same
    /// ends, whatever else they have.
    public init(from: Int, to: Int, shape: Shape, slots: Int, senderRank: Int? = nil, receiverRank: Int? = nil) {
        self.from = from
        self.to = to
        self.shape = shape
        self.slots = slots
        self.senderRank = senderRank ?? from
        self.receiverRank = receiverRank ?? to
    }

    public static func == (a: Edge, b: Edge) -> Bool { a.from == b.from && a.to == b.to }
    public func hash(into hasher: inout Hasher) {
        hasher.combine(from)
        hasher.combine(to)
    }
}

/// The sending end of an edge. Belongs to one rank's thread.
public protocol SendChannel: AnyObject {
    /// Waits for room and returns where to write the next item; the same memory again until it is committed.
    func reserve(_ context: WaitContext) throws(WaitError) -> Tensor
    /// How the wait of the most recent `reserve` went.
    var lastWait: Waited { get }
    /// Hands on what was written, and waits if that takes a while. All writes made before are visible to whoever
    /// receives it.
    /// - Returns: how that wait went; `ready` where there was none.
    @discardableResult
    func commit(_ context: WaitContext) throws(WaitError) -> Waited
    /// Bytes of items that this end has copied so far.
    var bytesCopied: Int { get }
}

/// The receiving end of an edge. Belongs to one rank's thread.
public protocol ReceiveChannel: AnyObject {
    /// Waits for the next item, in the order sent. It stays readable until it is released.
    func receive(_ context: WaitContext) throws(WaitError) -> Delivery
    /// How the wait of the most recent `receive` went.
    var lastWait: Waited { get }
    /// Gives the item's room back to the sender. Once for each delivery, in any order.
    func release(_ delivery: Delivery)
    /// Bytes of items that this end has copied so far.
    var bytesCopied: Int { get }
}

/// An item that has been received and not yet released.
public struct Delivery {
    /// What was sent, to be read until it is released.
    public let tensor: Tensor
    /// By which the channel that made the delivery knows it again.
    public let ticket: Int

    /// Made by the channel, with a ticket of its choice.
    public init(tensor: Tensor, ticket: Int) {
        self.tensor = tensor
        self.ticket = ticket
    }
}

/// The edges of a run once they are connected. An end is asked for once, by the rank that uses it.
public protocol Links: Sendable {
    /// The sending end, for the rank that runs stage `from`.
    func sender(_ edge: Edge) -> any SendChannel
    /// The receiving end, for the rank that runs stage `to`.
    func receiver(_ edge: Edge) -> any ReceiveChannel
    /// Where a rank meets all others, to be asked for by its own thread; nil where they have shared memory for that.
    func meeting() -> (any Meeting)?
}

extension Links {
    /// Nil.
    public func meeting() -> (any Meeting)? { nil }
}

/// Where memory lies and who runs a rank: all that a transport decides. Schedules, stages and the executor are the same
/// under every one.
public protocol Transport: Sendable {
    /// What `--transport` calls it.
    var name: String { get }

    /// The processes that run the ranks, where a launcher has started one for each; nil where this process starts the ranks.
    /// - Throws: `JobError` where there is no way to have them.
    func job() throws(JobError) -> (any Job)?

    /// The link that hand-offs are made as slow as; nil where they are as they are.
    var injectedLink: InjectedLink? { get }

    /// Zeroed memory that all ranks that this process starts see, for hand-offs and the control block.
    func sharedMemory(bytes: Int) throws(SegmentError) -> Segment

    /// Zeroed memory that ranks fill for the caller of the run; it may be large.
    func resultMemory(bytes: Int) throws(SegmentError) -> Segment

    /// Whether ranks are forked processes, so that each has limits of its own and what they share lies in /dev/shm.
    var forksRanks: Bool { get }

    /// What an edge will take once it is connected, in whole cache lines. The sizes do not overflow.
    func slotMemory(_ edge: Edge) -> SlotMemory

    /// Connects the edges. Called once for a run, before any rank starts.
    func connect(_ edges: [Edge]) throws(LinkError) -> any Links

    /// Starts a rank on a CPU (nil: anywhere). Value and failure cross to the caller, from another process if need be.
    func start<Value: Codable & Sendable, Failure: Error & Codable>(
        name: String, cpu: Int?, body: @escaping @Sendable (Pinning) throws(Failure) -> Value
    ) throws(StartError) -> any Worker<Value, Failure>
}

/// A transport that differs from another one in how edges are connected, and by whom ranks are run, but not in where memory and
/// workers come from.
public protocol RelinkedTransport: Transport {
    associatedtype Base: Transport
    /// Where memory and workers come from.
    var base: Base { get }
}

extension RelinkedTransport {
    /// The base's.
    public func job() throws(JobError) -> (any Job)? { try base.job() }
    /// As the base.
    public var forksRanks: Bool { base.forksRanks }

    /// The base's.
    public func sharedMemory(bytes: Int) throws(SegmentError) -> Segment { try base.sharedMemory(bytes: bytes) }
    /// The base's.
    public func resultMemory(bytes: Int) throws(SegmentError) -> Segment { try base.resultMemory(bytes: bytes) }

    /// As the base does.
    public func start<Value: Codable & Sendable, Failure: Error & Codable>(
        name: String, cpu: Int?, body: @escaping @Sendable (Pinning) throws(Failure) -> Value
    ) throws(StartError) -> any Worker<Value, Failure> {
        try base.start(name: name, cpu: cpu, body: body)
    }
}

/// Edges that could not be connected.
public enum LinkError: Error, CustomStringConvertible {
    case memory(SegmentError)
    case sockets(SystemError)
    /// A library that hands on refused something: a sentence.
    case library(String)

    public var description: String {
        switch self {
        case .memory(let error): error.description
        case .library(let sentence): sentence
        case .sockets(let error): "the ranks could not be connected by sockets: \(error)"
        }
    }
}

/// A rank that could not be started.
public enum StartError: Error, CustomStringConvertible {
    case thread(SystemError)
    case process(ForkError)

    public var description: String {
        switch self {
        case .thread(let error): error.description
        case .process(let error): error.description
        }
    }
}

extension Transport {
    /// This process starts all ranks.
    public func job() throws(JobError) -> (any Job)? { nil }

    public var forksRanks: Bool { false }

    /// They are as they are.
    public var injectedLink: InjectedLink? { nil }

    /// A ring's.
    public func slotMemory(_ edge: Edge) -> SlotMemory { SlotMemory(sharedBytes: edge.ringLayout.bytes) }

    /// Rings in `sharedMemory`, one an edge.
    public func connect(_ edges: [Edge]) throws(LinkError) -> any Links {
        do { return try RingLinks(edges, self) } catch { throw .memory(error) }
    }
}
