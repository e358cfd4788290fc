// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

/// Reads the items of one edge from its socket, in the order sent, straight into slots of this rank's own.
///
/// Slots are used in ring order, so that a sender which keeps to the edge's slots always finds one free; bytes for which
/// there is none stay with the system.
final class SocketReader {
    let end: SocketEnd
    private let slots: [Tensor]
    /// For each slot, whether it holds a whole item that has not been released.
    private var isTaken: [Bool]
    /// The slot that is being filled, and how much of it is.
    private var filling = 0
    private var filledBytes = 0
    /// The slot of the next delivery, and how many whole items are there from it on.
    private var next = 0
    private var items = 0
    private(set) var bytesRead = 0
    /// Nothing comes any more: the sender is gone. Whole items that came before are still there.
    private(set) var hasEnded = false
    /// Why nothing comes any more, when it is not that the sender is gone.
    private(set) var failure: SystemError?

    init(_ end: SocketEnd, slots: [Tensor]) {
        self.end = end
        self.slots = slots
        isTaken = Array(repeating: false, count: slots.count)
    }

    var hasItem: Bool { items > 0 }
    /// Whether there is any use in reading now.
    var canRead: Bool { !hasEnded && !isTaken[filling] }

    /// Reads what is there, at most up to the end of an item. Does not wait.
    func read() {
        guard canRead else { return }
        let slot = slots[filling]
        // Sound: the rest of a slot that nobody else looks at before the item is whole.
        let transfer = unsafe slot.withBytes { bytes in
            unsafe end.receive(UnsafeMutableRawBufferPointer(rebasing: bytes[filledBytes...]))
        }
        switch transfer {
        case .bytes(let count): add(count, of: slot.count * 4)
        case .wouldWait: break
        case .peerIsGone: hasEnded = true
        case .failed(let error): (hasEnded, failure) = (true, error)
        }
    }

    /// Takes the oldest whole item, of which there is one.
    func deliver() -> Delivery {
        require(hasItem, "a delivery without an item")
        let delivery = Delivery(tensor: slots[next], ticket: next)
        items -= 1
        next = (next + 1) % slots.count
        return delivery
    }

    func release(_ delivery: Delivery) {
        require(isTaken[delivery.ticket], "a delivery was released twice")
        isTaken[delivery.ticket] = false
    }

    private func add(_ count: Int, of itemBytes: Int) {
        bytesRead += count
        filledBytes += count
        if filledBytes < itemBytes { return }
        isTaken[filling] = true
        items += 1
        filling = (filling + 1) % slots.count
        filledBytes = 0
    }
}
