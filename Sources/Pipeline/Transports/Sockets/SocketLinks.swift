// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

/// Edges as connected sockets, for forked ranks: an item is written into a buffer of the sender's, goes through the
/// system, and is read where the receiver keeps it.
struct SocketLinks: Links {
    private struct Buffers {
        let outgoing: Region
        let slots: [Region]
    }

    private let hub: SocketHub
    private let buffers: [Edge: Buffers]

    init(_ edges: [Edge], _ domain: SocketTransport.Domain) throws(LinkError) {
        let (layout, buffers) = Self.layout(edges)
        self.buffers = buffers
        let memory: Segment
        do throws(SegmentError) {
            memory = try Segment(bytes: layout.bytes, backing: .privateMemory)
        } catch {
            throw .memory(error)
        }
        do throws(SystemError) {
            hub = SocketHub(Dictionary(uniqueKeysWithValues: zip(edges, try domain.pairs(edges.count))), memory)
        } catch {
            throw .sockets(error)
        }
    }

    /// The sender has one buffer, the receiver the slots.
    static func memory(of edge: Edge) -> SlotMemory {
        let (all, buffers) = layout([edge])
        let sender = buffers[edge]!.outgoing.bytes
        return SlotMemory(senderBytes: sender, receiverBytes: all.bytes - sender)
    }

    private static func layout(_ edges: [Edge]) -> (all: SegmentLayout, buffers: [Edge: Buffers]) {
        var layout = SegmentLayout()
        var buffers: [Edge: Buffers] = [:]
        for edge in edges {
            let slots = (0..<edge.slots).map { _ in layout.reserve(edge.shape) }
            buffers[edge] = Buffers(outgoing: layout.reserve(edge.shape), slots: slots)
        }
        return (layout, buffers)
    }

    func sender(_ edge: Edge) -> any SendChannel {
        SocketSendChannel(hub, hub.sender(edge), hub.buffer(buffers[edge]!.outgoing, edge))
    }

    func receiver(_ edge: Edge) -> any ReceiveChannel {
        SocketReceiveChannel(hub, hub.reader(edge, slots: buffers[edge]!.slots))
    }
}

private final class SocketSendChannel: SendChannel {
    private let hub: SocketHub
    private let end: SocketEnd
    private let item: Tensor
    private(set) var bytesCopied = 0
    /// The buffer is free again as soon as its bytes are with the system.
    let lastWait = Waited.ready

    init(_ hub: SocketHub, _ end: SocketEnd, _ item: Tensor) {
        self.hub = hub
        self.end = end
        self.item = item
    }

    func reserve(_ context: WaitContext) throws(WaitError) -> Tensor { item }

    func commit(_ context: WaitContext) throws(WaitError) -> Waited {
        var sent = 0
        let waited = try hub.wait(context, toSendOn: end) { () throws(WaitError) in
            sent += try send(after: sent)
            return sent == item.count * 4
        }
        bytesCopied += sent
        return waited
    }

    /// Sends what the system takes of the item's rest now, and returns how much that was.
    private func send(after sent: Int) throws(WaitError) -> Int {
        // Sound: the item's bytes, which nobody writes before the commit is over.
        let transfer = unsafe item.withBytes { unsafe end.send(UnsafeRawBufferPointer(rebasing: $0[sent...])) }
        switch transfer {
        case .bytes(let count): return count
        case .wouldWait: return 0
        case .peerIsGone: throw .disconnected
        case .failed(let error): throw .system(error)
        }
    }
}

private final class SocketReceiveChannel: ReceiveChannel {
    private let hub: SocketHub
    private let reader: SocketReader
    private(set) var lastWait = Waited.ready
    var bytesCopied: Int { reader.bytesRead }

    init(_ hub: SocketHub, _ reader: SocketReader) {
        self.hub = hub
        self.reader = reader
    }

    func receive(_ context: WaitContext) throws(WaitError) -> Delivery {
        if !reader.hasItem { reader.read() }
        lastWait = try hub.wait(context) { () throws(WaitError) in
            if !reader.hasItem && reader.hasEnded { throw reader.failure.map(WaitError.system) ?? .disconnected }
            return reader.hasItem
        }
        return reader.deliver()
    }

    func release(_ delivery: Delivery) { reader.release(delivery) }
}
