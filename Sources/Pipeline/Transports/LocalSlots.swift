// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

/// An edge inside one rank, whatever the transport: both ends are the rank's own, so that nobody waits, wakes or copies.
///
/// The slots lie in the rank's own memory. There is one for every item that the schedule has in flight on the edge, and an
/// order that was found sound never asks for more, nor for an item that was not handed on before: both would be a bug of
/// whoever computed the slots, and trap.
package final class LocalSlots: SendChannel, ReceiveChannel {
    private let items: [Tensor]
    private var isTaken: [Bool]
    /// Counts of items, from which their slots follow.
    private var sent = 0
    private var received = 0
    private var isReserved = false

    package let bytesCopied = 0
    package let lastWait = Waited.ready

    /// - Parameter items: the slots, at least one.
    package init(_ items: [Tensor]) {
        require(!items.isEmpty, "an edge without slots")
        self.items = items
        isTaken = Array(repeating: false, count: items.count)
    }

    package func reserve(_ context: WaitContext) throws(WaitError) -> Tensor {
        let slot = sent % items.count
        if isTaken[slot] { trap("all \(items.count) slots of an edge inside a rank are taken") }
        isReserved = true
        return items[slot]
    }

    package func commit(_ context: WaitContext) throws(WaitError) -> Waited {
        if !isReserved { trap("a commit without a reserve") }
        isReserved = false
        isTaken[sent % items.count] = true
        sent += 1
        return .ready
    }

    package func receive(_ context: WaitContext) throws(WaitError) -> Delivery {
        if received == sent { trap("an item is received that the same rank has not handed on yet") }
        let slot = received % items.count
        received += 1
        return Delivery(tensor: items[slot], ticket: slot)
    }

    package func release(_ delivery: Delivery) {
        if delivery.ticket < 0 || delivery.ticket >= items.count { trap("a delivery of another channel") }
        if !isTaken[delivery.ticket] { trap("a delivery was released twice") }
        isTaken[delivery.ticket] = false
    }
}
