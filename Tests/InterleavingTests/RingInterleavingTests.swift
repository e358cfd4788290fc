// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Testing
import Threads

/// The ring's protocol, with the states of real slots and the code of real words, in every order of steps.
struct RingInterleavingTests {
    /// A ring whose slot s has its state in word s, and its payload in word `capacity` + s.
    struct Model: Sendable {
        var capacity: Int
        var items: Int
        var spins = 0
        /// How many items the consumer takes before it releases them, the newest first.
        var heldAtOnce = 1
        var fault = RingFault.none
        /// Counting starts next to where it wraps around.
        let first = UInt32.max - 1

        /// Of the states, for which the capacity does not matter but for a faulty ring.
        func free(_ position: UInt32) -> UInt32 {
            fault == .factorForgotten ? position & SharedWord.valueMask : SlotState.free(for: position)
        }
        func full(_ position: UInt32) -> UInt32 {
            fault == .factorForgotten ? (position &+ 1) & SharedWord.valueMask : SlotState.full(with: position)
        }
        func freeAgain(_ position: UInt32) -> UInt32 {
            switch fault {
            case .capacityForgotten: SlotState.free(after: position, capacity: 0)
            case .factorForgotten: free(position &+ UInt32(capacity))
            default: SlotState.free(after: position, capacity: UInt32(capacity))
            }
        }

        var explorer: Explorer {
            let states = (0..<capacity).map { free(first &+ UInt32($0)) << 1 }
            return Explorer(
                memory: states + Array(repeating: 0, count: capacity),
                actors: [
                    (0..<items).map(send), stride(from: 0, to: items, by: heldAtOnce).map(take),
                ], spuriousWakesMost: 1)
        }

        /// `reserve`, the payload, `commit`.
        private func send(_ item: Int) -> Explorer.Section {
            { (run) throws(Halt) in
                let (position, slot) = (first &+ UInt32(item), item % capacity)
                if fault == .commitEarly { _ = try run.word(slot).storeAndWake(full(position)) }
                _ = try run.word(slot).wait(for: free(position), spins: spins)
                try run.write(UInt32(item) + 1, to: capacity + slot)
                let before = try run.word(slot).storeAndWake(full(position))
                try run.expect(before == free(position), "a commit of \(item) into a slot that is \(before)")
            }
        }

        /// `receive` of several items, and their `release`.
        private func take(_ firstItem: Int) -> Explorer.Section {
            { (run) throws(Halt) in
                let taken = firstItem..<min(items, firstItem + heldAtOnce)
                for item in taken {
                    _ = try run.word(item % capacity).wait(for: full(first &+ UInt32(item)), spins: spins)
                    try expectPayload(of: item, run)
                }
                for item in taken.reversed() {
                    // Still the same, for as long as the slot is held.
                    try expectPayload(of: item, run)
                    let position = first &+ UInt32(item)
                    let before = try run.word(item % capacity).storeAndWake(freeAgain(position))
                    try run.expect(before == full(position), "a release of \(item) when its slot is \(before)")
                }
            }
        }

        private func expectPayload(of item: Int, _ run: ActorRun) throws(Halt) {
            let payload = try run.read(capacity + item % capacity)
            try run.expect(payload == UInt32(item) + 1, "item \(item) was overwritten: \(payload)")
        }
    }

    enum RingFault: String, CaseIterable, Sendable {
        case none
        /// A slot is given back for the position that it held.
        case capacityForgotten
        /// "Holds p" looks like "free for p + 1".
        case factorForgotten
        /// The slot is handed over before the payload is written.
        case commitEarly
    }

    @Test(
        "no order of steps overwrites an item, loses one, or leaves an end asleep",
        arguments: [
            Model(capacity: 1, items: 3), Model(capacity: 1, items: 2, spins: 2), Model(capacity: 2, items: 4),
            Model(capacity: 2, items: 4, spins: 1), Model(capacity: 2, items: 4, heldAtOnce: 2),
        ])
    func ring(model: Model) {
        let findings = model.explorer.explore()
        print("capacity \(model.capacity), \(model.items) items, \(model.spins) spins: \(findings)")
        #expect(findings.wrong == nil)
        #expect(findings.states >= 300 && findings.depth >= 30, "the model has lost its states")
    }

    @Test("a ring with a fault is found out", arguments: RingFault.allCases) func faults(fault: RingFault) {
        let findings = Model(capacity: 1, items: 3, fault: fault).explorer.explore()
        print("\(fault): \(findings)")
        #expect((findings.wrong == nil) == (fault == .none))
    }
}
