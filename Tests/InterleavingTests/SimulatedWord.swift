// SPDX-License-Identifier: Apache-2.0

import Threads

/// A word of simulated memory: `ParkingWord`'s own code runs on it.
struct SimulatedWord: ParkingWord {
    typealias Stop = Halt

    let run: ActorRun
    let index: Int
    /// A step that is taken wrongly, to see that the explorer finds it.
    var fault = WordFault.none

    func load() throws(Halt) -> UInt32 { try run.read(index) }

    func exchange(_ bits: UInt32) throws(Halt) -> UInt32 {
        switch fault {
        case .publishInTwoSteps:
            let old = try load()
            try run.write(bits, to: index)
            return old
        case .publishForgetsSleepers: return try run.exchange(index, bits) & ~1
        default: return try run.exchange(index, bits)
        }
    }

    func replace(_ old: UInt32, with new: UInt32) throws(Halt) -> Bool {
        switch fault {
        case .parkByStore:
            try run.write(new, to: index)
            return true
        case .parkUnannounced: return true
        default:
            return try run.take { [index] state in
                if state.memory[index] != old { return 0 }
                state.memory[index] = new
                return 1
            } == 1
        }
    }

    func sleep(while bits: UInt32, atMost nanoseconds: UInt64) throws(Halt) {
        // Unannounced, the kernel would find other bits and let nobody sleep.
        let bits = fault == .parkUnannounced ? bits & ~1 : bits
        try run.sleep(on: index, while: fault == .sleepUnchecked ? nil : bits)
    }

    func wakeSleepers() throws(Halt) { try run.wake(index, atMost: fault == .wakeOne ? 1 : .max) }

    /// Waits as `SharedWord` does, its first look included.
    func wait(
        for value: UInt32, spins: Int = 0, look: () throws(Halt) -> Result<UInt64, WaitError> = { .success(.max) }
    ) throws(Halt) -> Result<Waited, WaitError> {
        if try load() >> 1 == value { return .success(.ready) }
        return try spinThenPark(for: value, spins: spins, look: look)
    }
}

/// Ways to take a word's steps that lose wake-ups.
enum WordFault: String, CaseIterable, Sendable {
    case none
    /// Loads the old bits, then stores the new ones.
    case publishInTwoSteps
    /// Takes no notice of `parked`.
    case publishForgetsSleepers
    /// Stores `parked` over whatever has been published.
    case parkByStore
    /// Sleeps without setting `parked`.
    case parkUnannounced
    /// Sleeps whatever the word reads by now.
    case sleepUnchecked
    /// Wakes the first sleeper alone.
    case wakeOne
}
