// SPDX-License-Identifier: Apache-2.0

import AllocationCounter
import Glibc
import Pipeline
import SharedTensor
import Testing
import Threads

/// Both ends of every edge are on the test's one thread: a send of more than the system holds can only end because
/// whoever waits for room reads meanwhile.
struct SocketTests {
    static let domains = [SocketTransport.Domain.tcp, .unix]

    @Test(
        "items of any size arrive in order, as they were sent, and stay until they are released", arguments: domains,
        [1, 1000, 5_000_001])
    func items(domain: SocketTransport.Domain, count: Int) throws {
        let edge = Edge(from: 0, to: 1, shape: Shape(count), slots: 2)
        let (sender, receiver) = try ends(domain, edge)
        let wait = Wait()
        for round in 0..<3 {
            for item in 0..<2 { try send(2 * round + item, sender, wait) }
            let deliveries = try (0..<2).map { try receive(2 * round + $0, receiver, wait) }
            // By TCP, and in pieces, bytes may still be on their way.
            if domain == .unix && count <= 1000 { #expect(receiver.lastWait == .ready) }
            deliveries.forEach(receiver.release)
        }
        #expect(sender.bytesCopied == 6 * 4 * count && receiver.bytesCopied == 6 * 4 * count)
    }

    @Test("an item without a free slot stays with the system until one is released", arguments: domains)
    func noFreeSlot(domain: SocketTransport.Domain) throws {
        let (sender, receiver) = try ends(domain, Edge(from: 0, to: 1, shape: Shape(100), slots: 1))
        let wait = Wait()
        for item in 0..<2 { try send(item, sender, wait) }
        let first = try receive(0, receiver, wait)
        #expect(throws: WaitError.self) { try receive(1, receiver, Wait(seconds: 0.05)) }
        expect(0, first.tensor)
        receiver.release(first)
        _ = try receive(1, receiver, wait)
    }

    @Test("a wait ends at its deadline and by the abort flag, for data and for room", arguments: domains)
    func endsOfWaits(domain: SocketTransport.Domain) throws {
        let (sender, receiver) = try ends(domain, Edge(from: 0, to: 1, shape: Shape(10_000_000), slots: 1))
        func expectEnds(_ call: (Wait) throws -> Void) throws {
            let error = #expect(throws: WaitError.self) { try call(Wait(seconds: 0.05)) }
            guard case .timedOut(let nanoseconds)? = error else { throw error ?? WaitError.disconnected }
            #expect(nanoseconds >= 50_000_000)
            let aborted = Wait()
            aborted.context.abort.raise(by: 3)
            #expect(throws: WaitError.aborted(by: 3)) { try call(aborted) }
        }
        try expectEnds { _ = try receive(0, receiver, $0) }
        // The first fills the one slot; nobody reads the second.
        try send(0, sender, Wait())
        try expectEnds { try send(1, sender, $0) }
    }

    @Test("what a peer sent before it went is received, whatever was waited for meanwhile", arguments: domains)
    func goneSender(domain: SocketTransport.Domain) throws {
        let edges = [0, 2].map { Edge(from: $0, to: 1, shape: Shape(100), slots: 2) }
        let links = try SocketTransport(domain: domain).connect(edges)
        let wait = Wait()
        // The other sender stays, and sends nothing.
        let others = edges.map(links.receiver)
        let silent = links.sender(edges[1])
        do {
            let sender = links.sender(edges[0])
            try send(7, sender, wait)
        }
        #expect { try receive(0, others[1], Wait(seconds: 0.1)) } throws: { error in
            if case .timedOut? = error as? WaitError { true } else { false }
        }
        _ = try receive(7, others[0], wait)
        #expect(throws: WaitError.disconnected) { try receive(8, others[0], wait) }
        #expect(silent.bytesCopied == 0)
    }

    @Test("sending to a peer that is gone fails, and no signal comes", arguments: domains)
    func goneReceiver(domain: SocketTransport.Domain) throws {
        let edge = Edge(from: 0, to: 1, shape: Shape(100), slots: 1)
        let links = try SocketTransport(domain: domain).connect([edge])
        let sender = links.sender(edge)
        let wait = Wait()
        // TCP learns it by the answer to what it sends first.
        #expect(throws: WaitError.disconnected) { for item in 0..<100 { try send(item, sender, wait) } }
    }

    @Test("an item is copied out of one buffer and into another, and allocates nothing", arguments: domains)
    func copies(domain: SocketTransport.Domain) throws {
        let (sender, receiver) = try ends(domain, Edge(from: 0, to: 1, shape: Shape(100), slots: 2))
        let wait = Wait()
        func exchange() throws {
            _ = try sender.reserve(wait.context)
            try sender.commit(wait.context)
            receiver.release(try receiver.receive(wait.context))
        }
        try exchange()
        let before = CurrentThread.allocations
        for _ in 1...10 { try exchange() }
        #expect(CurrentThread.allocations == before && (before == nil) == (ppt_counts_allocations() == 0))
        #expect(sender.bytesCopied == 11 * 400 && receiver.bytesCopied == 11 * 400)
    }

    @Test("of ranks that fail by themselves the one that failed first is named, whichever is looked at first")
    func first() throws {
        let refused = SystemError(call: "send", code: ENOBUFS)
        for (first, second) in [(1, 2), (2, 1)] {
            var configuration = RunConfiguration(model: model, schedule: .gpipe(ranks: 3, microbatches: 1))
            configuration.partition = .balanced
            configuration.transport = OnThreads { edges throws(LinkError) in
                FailingLinks(
                    rings: try ThreadTransport().connect(edges), failures: [1: .system(refused), 2: .system(refused)],
                    delays: [first: 20_000_000, second: 50_000_000])
            }
            let plan = try RunPlan(configuration)
            #expect {
                try plan.run()
            } throws: { error in
                guard case RunError.failed(let message)? = error as? RunError else { return false }
                return message.hasPrefix("rank \(first) could not exchange with another rank in step 1, at action")
                    && message.hasSuffix("send: ENOBUFS (No buffer space available)")
            }
        }
    }

    @Test("only a closed connection is told as one; other errors of the system keep their names")
    func socketErrors() {
        func kind(_ code: Int32) -> String {
            switch SocketEnd.outcome(ofError: code, "send") {
            case nil: "again"
            case .bytes?: "bytes"
            case .wouldWait?: "would wait"
            case .peerIsGone?: "peer is gone"
            case .failed(let error)?: error.description
            }
        }
        #expect(
            [EINTR, EAGAIN, EPIPE, ECONNRESET].map(kind) == ["again", "would wait", "peer is gone", "peer is gone"])
        #expect(kind(ENOBUFS) == "send: ENOBUFS (No buffer space available)")
        #expect(kind(ETIMEDOUT) == "send: ETIMEDOUT (Connection timed out)")
        #expect(kind(EHOSTUNREACH).hasPrefix("send: "))
    }

    @Test("a rank that lost a connection is named only when no other failed by itself, even if that one tells later")
    func cause() throws {
        func message(_ failures: [Int: WaitError]) -> String {
            var configuration = RunConfiguration(model: model, schedule: .gpipe(ranks: 3, microbatches: 1))
            configuration.partition = .balanced
            configuration.transport = OnThreads { edges throws(LinkError) in
                FailingLinks(rings: try ThreadTransport().connect(edges), failures: failures)
            }
            do throws(RunError) {
                _ = try RunPlan(configuration).run()
                return "no failure"
            } catch {
                return error.description
            }
        }
        #expect(message([1: .disconnected]).hasPrefix("rank 1 lost the connection to another rank in step 1, at act"))
        #expect(message([1: .disconnected, 2: .timedOut(afterNanoseconds: 7)]).hasPrefix("rank 2 waited"))
    }

    private var model: Model {
        var spec = ModelSpec()
        (spec.vocabulary, spec.dim, spec.layers, spec.heads) = (29, 18, 4, 3)
        (spec.hidden, spec.sequenceLength) = (25, 5)
        return spec.model()
    }

    // MARK: Ends

    private func ends(
        _ domain: SocketTransport.Domain, _ edge: Edge
    ) throws -> (any SendChannel, any ReceiveChannel) {
        let links = try SocketTransport(domain: domain).connect([edge])
        return (links.sender(edge), links.receiver(edge))
    }

    /// An item whose elements tell its number and their place.
    private func send(_ number: Int, _ sender: any SendChannel, _ wait: Wait) throws {
        let item = try sender.reserve(wait.context)
        #expect(sender.lastWait == .ready)
        for place in places(item) { item[place] = Float(number * 100 + place % 97) }
        try sender.commit(wait.context)
    }

    private func receive(_ number: Int, _ receiver: any ReceiveChannel, _ wait: Wait) throws -> Delivery {
        let delivery = try receiver.receive(wait.context)
        expect(number, delivery.tensor)
        return delivery
    }

    private func expect(_ number: Int, _ item: Tensor) {
        #expect(places(item).allSatisfy { item[$0] == Float(number * 100 + $0 % 97) }, "item \(number)")
    }

    private func places(_ item: Tensor) -> [Int] { Array(stride(from: 0, to: item.count, by: 501)) + [item.count - 1] }
}

/// Ranks on threads, with links of the test's choice. Sockets serve one rank alone: a hub belongs to a process.
private struct OnThreads: RelinkedTransport {
    let name = "threads"
    private let link: @Sendable ([Edge]) throws(LinkError) -> any Links
    let base = ThreadTransport()

    init(_ link: @escaping @Sendable ([Edge]) throws(LinkError) -> any Links) { self.link = link }

    func connect(_ edges: [Edge]) throws(LinkError) -> any Links { try link(edges) }
}

/// Rings, but for stages whose activations never come: they fail, each a while after the one before.
private struct FailingLinks: Links {
    let rings: any Links
    let failures: [Int: WaitError]
    /// Nanoseconds after which each fails; more for later stages, unless given.
    var delays: [Int: UInt64] = [:]

    func sender(_ edge: Edge) -> any SendChannel { rings.sender(edge) }
    func receiver(_ edge: Edge) -> any ReceiveChannel {
        guard edge.to > edge.from, let failure = failures[edge.to] else { return rings.receiver(edge) }
        return FailingReceiver(failure, afterNanoseconds: delays[edge.to] ?? UInt64(edge.to) * 100_000_000)
    }
}

private final class FailingReceiver: ReceiveChannel {
    private let failure: WaitError
    private let nanoseconds: UInt64
    let lastWait = Waited.ready
    let bytesCopied = 0

    init(_ failure: WaitError, afterNanoseconds nanoseconds: UInt64) {
        self.failure = failure
        self.nanoseconds = nanoseconds
    }

    func receive(_ context: WaitContext) throws(WaitError) -> Delivery {
        Clock.sleep(nanoseconds: nanoseconds)
        throw failure
    }

    func release(_ delivery: Delivery) {}
}
