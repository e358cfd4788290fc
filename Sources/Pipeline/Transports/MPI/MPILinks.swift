// SPDX-License-Identifier: Apache-2.0

import CMPI
import SharedTensor
import Threads

/// Edges between the ranks of a job that have no memory in common, as this process sees them: items go by MPI, straight from the
/// slots that the sender writes them in, into slots of the receiver's that were given to MPI beforehand.
///
/// A slot has a tag of its own, and items take the slots of both ends in turn, so an item finds its slot whatever became of
/// others. The receiver has a slot for every item that the schedule lets others send: no send waits for one, whether MPI sends at
/// once (small items) or asks first (large ones), and so ranks that send to each other cannot block each other.
struct MPILinks: Links {
    private let job: MPIJob
    private let ends: [Edge: MPIEnds]

    /// - Parameter edges: of the whole run.
    init(_ edges: [Edge], _ job: MPIJob) throws(LinkError) {
        var layout = SegmentLayout()
        var regions: [Edge: [Region]] = [:]
        var tags: [Edge: Int] = [:]
        var tag = 0
        for edge in edges {
            tags[edge] = tag
            tag += edge.slots
            if edge.senderRank != job.rank && edge.receiverRank != job.rank { continue }
            regions[edge] = (0..<edge.slots).map { _ in layout.reserve(edge.shape) }
        }
        if tag - 1 > Int(ppt_mpi_tag_most()) {
            throw .library(
                "the ranks' \(tag) slots need as many tags, and this MPI has \(ppt_mpi_tag_most() + 1): take fewer "
                    + "microbatches or ranks")
        }
        let memory: Segment
        do throws(SegmentError) {
            memory = try Segment(bytes: layout.bytes, backing: .privateMemory)
        } catch {
            throw .memory(error)
        }
        self.job = job
        ends = Dictionary(
            uniqueKeysWithValues: regions.map { edge, slots in
                (edge, MPIEnds(edge, slots, in: memory, tag: tags[edge]!, job.hosts))
            })
    }

    func sender(_ edge: Edge) -> any SendChannel { MPISendChannel(ends[edge]!) }
    func receiver(_ edge: Edge) -> any ReceiveChannel { MPIReceiveChannel(ends[edge]!) }
    func meeting() -> (any Meeting)? { job.meeting() }
}

/// This process's slots of an edge.
// Sound: it holds the memory that the slots lie in.
struct MPIEnds: @unchecked Sendable {
    let edge: Edge
    let slots: [Tensor]
    private let memory: Segment
    /// Of the first slot.
    let tag: Int
    /// Of an item.
    let pieceBytes: Int

    init(_ edge: Edge, _ slots: [Region], in memory: Segment, tag: Int, _ hosts: [JobHost]) {
        (self.edge, self.memory, self.tag) = (edge, memory, tag)
        self.slots = slots.map { memory.tensor($0, edge.shape) }
        pieceBytes = MPIPieces.bytes(betweenHosts: hosts[edge.senderRank].first != hosts[edge.receiverRank].first)
    }

    /// For an end that goes.
    /// - Parameter areOver: whether MPI has no more to do with the slots.
    func leave(_ areOver: Bool) { if !areOver { MPIKeptMemory.keep(memory) } }
}

/// Pieces that an item is sent in.
///
/// MPI sends what is small at once; before it sends what is large it asks the other side, and then has to be in a call when the answer
/// comes, which a rank that computes is not. From host to host items therefore go in pieces that both Open MPI (65 480 bytes) and MPICH
/// (16 384) take for small: the system sends them while the rank computes. Within a host the receiver fetches an item by itself.
enum MPIPieces {
    private static let bytesBetweenHosts = 16_000
    private static let bytesWithinHost = 1 << 28

    static func bytes(betweenHosts: Bool) -> Int { betweenHosts ? bytesBetweenHosts : bytesWithinHost }

    static func count(_ bytes: Int, of piece: Int) -> Int { max(1, (bytes + piece - 1) / piece) }

    /// Begins a call for each piece of an item.
    static func begin(
        _ requests: MPIRequests, _ call: StaticString, _ item: Tensor, of piece: Int,
        _ body: (UnsafeMutableRawPointer, Int32, UnsafeMutablePointer<ppt_mpi_request>) -> Int32
    ) throws(MPIError) {
        // Sound: the slot is there for as long as the links, and nobody touches it before the calls are over.
        let bytes = unsafe item.withBytes { unsafe $0 }
        var offset = 0
        repeat {
            let count = min(piece, bytes.count - offset)
            try unsafe requests.begin(call) { unsafe body(bytes.baseAddress! + offset, Int32(count), $0) }
            offset += count
        } while offset < bytes.count
    }
}

private final class MPISendChannel: SendChannel {
    private let ends: MPIEnds
    private let requests: [MPIRequests]
    private var next = 0
    private(set) var bytesCopied = 0
    private(set) var lastWait = Waited.ready

    init(_ ends: MPIEnds) {
        self.ends = ends
        requests = ends.slots.map { MPIRequests(most: MPIPieces.count($0.count * 4, of: ends.pieceBytes)) }
    }

    deinit { ends.leave(requests.allSatisfy { $0.areOverSoon() }) }

    func reserve(_ context: WaitContext) throws(WaitError) -> Tensor {
        lastWait = try MPIWait.until(context, isDone: requests[next].areOver)
        return ends.slots[next]
    }

    func commit(_ context: WaitContext) throws(WaitError) -> Waited {
        let (peer, tag) = (Int32(ends.edge.receiverRank), Int32(ends.tag + next))
        do throws(MPIError) {
            try unsafe MPIPieces.begin(requests[next], "MPI_Isend", ends.slots[next], of: ends.pieceBytes) {
                unsafe ppt_mpi_send(ppt_mpi_items, $0, $1, peer, tag, $2)
            }
        } catch {
            throw .library(error.description)
        }
        bytesCopied += ends.slots[next].count * 4
        next = next + 1 == ends.slots.count ? 0 : next + 1
        return .ready
    }
}

private final class MPIReceiveChannel: ReceiveChannel {
    private let ends: MPIEnds
    private let requests: [MPIRequests]
    /// Whether a slot's item is with the rank.
    private var isHeld: [Bool]
    private var next = 0
    private(set) var bytesCopied = 0
    private(set) var lastWait = Waited.ready
    /// What MPI said when a slot was given to it: told by the next wait.
    private var problem: MPIError?

    init(_ ends: MPIEnds) {
        self.ends = ends
        requests = ends.slots.map { MPIRequests(most: MPIPieces.count($0.count * 4, of: ends.pieceBytes)) }
        isHeld = Array(repeating: false, count: ends.slots.count)
        for slot in ends.slots.indices { post(slot) }
    }

    deinit { ends.leave(requests.map { $0.cancel() }.allSatisfy(\.self)) }

    func receive(_ context: WaitContext) throws(WaitError) -> Delivery {
        let slot = next
        lastWait = try MPIWait.until(
            context, begin: { () throws(MPIError) in if let problem { throw problem } }, isDone: requests[slot].areOver)
        isHeld[slot] = true
        bytesCopied += ends.slots[slot].count * 4
        next = slot + 1 == ends.slots.count ? 0 : slot + 1
        return Delivery(tensor: ends.slots[slot], ticket: slot)
    }

    func release(_ delivery: Delivery) {
        require(isHeld.indices.contains(delivery.ticket), "a delivery of another channel")
        require(isHeld[delivery.ticket], "a delivery was released twice")
        isHeld[delivery.ticket] = false
        post(delivery.ticket)
    }

    /// Gives a slot to MPI for the next item that takes it.
    private func post(_ slot: Int) {
        let (peer, tag) = (Int32(ends.edge.senderRank), Int32(ends.tag + slot))
        do throws(MPIError) {
            try unsafe MPIPieces.begin(requests[slot], "MPI_Irecv", ends.slots[slot], of: ends.pieceBytes) {
                unsafe ppt_mpi_receive(ppt_mpi_items, $0, $1, peer, tag, $2)
            }
        } catch {
            problem = error
        }
    }
}
