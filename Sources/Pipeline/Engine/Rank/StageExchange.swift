// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

/// A stage among those that hold the same weights: sums its gradients over all of them, and tells them its losses (`GradientShares`).
///
/// Used by the rank's own thread, which once a step calls `share`, `sum` and `collect`, in this order; where nothing goes backwards,
/// the first two.
final class StageExchange {
    /// The ends of the edges to another copy and from it.
    struct Peer {
        let copy: Int
        let sender: any SendChannel
        let receiver: any ReceiveChannel
    }

    /// What is summed.
    struct Parts {
        let shares: GradientShares
        /// The stage's own.
        let copy: Int
        let gradients: Tensor
        /// [microbatches]; those of the own copy's are there.
        let losses: Tensor
        let copyOfMicrobatch: [Int]
    }

    private let parts: Parts
    /// In the order of copies, the own one left out.
    private let peers: [Peer]
    private let kernels: Kernels
    private let wait: WaitContext
    private let watch: TaskWatch
    /// For each peer, the slot that is written and the item that was received: kept here so that no step allocates.
    private var rooms: [Tensor]
    private var received: [Delivery]

    init(_ parts: Parts, _ peers: [Peer], _ kernels: Kernels, _ wait: WaitContext, _ watch: TaskWatch) {
        self.parts = parts
        self.peers = peers
        self.kernels = kernels
        self.wait = wait
        self.watch = watch
        rooms = peers.map { _ in .none }
        received = peers.map { _ in Delivery(tensor: .none, ticket: -1) }
    }

    /// Bytes of items that its ends have copied so far.
    var bytesCopied: Int { peers.reduce(0) { $0 + $1.sender.bytesCopied + $1.receiver.bytesCopied } }

    // MARK: Tasks

    /// Sends each other copy the gradients that it adds up, and the own losses.
    func share() throws(WaitError) {
        watch.startWork(roomWait: try reserve())
        for (peer, room) in zip(peers, rooms) {
            let range = parts.shares.range(ofCopy: peer.copy)
            room.elements(0..<range.count).copy(from: parts.gradients.elements(range))
            let losses = parts.shares.lossRange
            if !losses.isEmpty { room.elements(losses).copy(from: parts.losses) }
        }
        watch.endWork()
        try handOn()
    }

    /// Adds up the own share, and sends the sum to the others; takes over their losses.
    func sum() throws(WaitError) {
        try receive()
        let sends = parts.shares.floats > 0
        watch.startWork(roomWait: sends ? try reserve() : .ready)
        if sends { addUp() }
        takeLosses()
        watch.endWork()
        // Before the hand-off: who receives it may count on these slots being free.
        release()
        if sends { try handOn() }
    }

    /// Takes over the sums that the other copies have made.
    func collect() throws(WaitError) {
        try receive()
        watch.startWork()
        for (peer, item) in zip(peers, received) {
            let range = parts.shares.range(ofCopy: peer.copy)
            parts.gradients.elements(range).copy(from: item.tensor.elements(0..<range.count))
        }
        watch.endWork()
        release()
    }

    // MARK: Parts of tasks

    /// In the order of copies, whichever the own one is.
    private func addUp() {
        let range = parts.shares.range(ofCopy: parts.copy)
        if range.isEmpty { return }
        let sum = rooms[0].elements(0..<range.count)
        kernels.add(term(0, range), term(1, range), into: sum)
        for copy in 2..<max(2, parts.shares.copies) { kernels.add(sum, term(copy, range), into: sum) }
        parts.gradients.elements(range).copy(from: sum)
        for room in rooms.dropFirst() { room.elements(0..<range.count).copy(from: sum) }
    }

    /// A copy's part of the own share.
    private func term(_ copy: Int, _ range: Range<Int>) -> Tensor {
        if copy == parts.copy { return parts.gradients.elements(range) }
        return received[copy < parts.copy ? copy : copy - 1].tensor.elements(0..<range.count)
    }

    private func takeLosses() {
        let start = parts.shares.lossRange.lowerBound
        for (peer, item) in zip(peers, received) {
            for microbatch in 0..<parts.shares.losses where parts.copyOfMicrobatch[microbatch] == peer.copy {
                parts.losses[microbatch] = item.tensor[start + microbatch]
            }
        }
    }

    // MARK: Edges

    /// Takes room for an item to each peer.
    /// - Returns: the longest kind of wait.
    private func reserve() throws(WaitError) -> Waited {
        var longest = Waited.ready
        for index in peers.indices {
            rooms[index] = try peers[index].sender.reserve(wait)
            longest.extend(by: peers[index].sender.lastWait)
        }
        return longest
    }

    /// Takes an item of each peer.
    private func receive() throws(WaitError) {
        var longest = Waited.ready
        for index in peers.indices {
            received[index] = try peers[index].receiver.receive(wait)
            longest.extend(by: peers[index].receiver.lastWait)
        }
        watch.received(longest)
    }

    private func release() {
        for (peer, item) in zip(peers, received) { peer.receiver.release(item) }
    }

    private func handOn() throws(WaitError) {
        watch.handOn()
        var longest = Waited.ready
        for peer in peers { longest.extend(by: try peer.sender.commit(wait)) }
        watch.handedOn(longest)
    }
}

extension Waited {
    /// Of two waits one after the other, the kind that took longer.
    fileprivate mutating func extend(by other: Waited) { if other.rawValue > rawValue { self = other } }
}
