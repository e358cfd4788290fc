// SPDX-License-Identifier: Apache-2.0

/// One actor on its way from its section's start to the step after the next.
final class ActorRun {
    private(set) var state: ExploredState
    private let actor: Int
    private var replayed = 0
    private var isInterrupted = false

    init(_ state: ExploredState, _ actor: Int) {
        self.state = state
        self.actor = actor
    }

    /// Takes the actor's next step.
    func go(_ section: Explorer.Section) {
        do throws(Halt) {
            try section(self)
            state.actors[actor].section += 1
            state.actors[actor].results = []
        } catch {
            if case .wrong(let sentence) = error { state.wrong = "\(actor): \(sentence)" }
        }
    }

    /// A word of the memory, as this actor sees it.
    func word(_ index: Int) -> SimulatedWord { SimulatedWord(run: self, index: index) }

    /// One atomic step: from the record, or taken now.
    func take(_ operation: (inout ExploredState) -> UInt32?) throws(Halt) -> UInt32 {
        let results = state.actors[actor].results
        if replayed < results.count {
            defer { replayed += 1 }
            return results[replayed]
        }
        if isInterrupted { throw .interrupted }
        isInterrupted = true
        // Without a result it sleeps.
        guard let result = operation(&state) else { throw .interrupted }
        state.actors[actor].results.append(result)
        replayed += 1
        return result
    }

    /// Plain memory, such as a payload: read.
    func read(_ index: Int) throws(Halt) -> UInt32 { try take { $0.memory[index] } }

    /// Plain memory: written.
    func write(_ value: UInt32, to index: Int) throws(Halt) {
        _ = try take {
            $0.memory[index] = value
            return 0
        }
    }

    /// Says what is wrong unless a condition holds.
    func expect(_ condition: Bool, _ sentence: @autoclosure () -> String) throws(Halt) {
        if !condition { throw .wrong(sentence()) }
    }

    /// Sleeps until somebody wakes the word's sleepers, if the word reads these bits (any, if nil).
    func sleep(on word: Int, while bits: UInt32?) throws(Halt) {
        let actor = actor
        _ = try take { state in
            if let bits, state.memory[word] != bits { return 0 }
            state.actors[actor].sleepsOn = word
            return nil
        }
    }

    /// Stores new bits and returns the old ones; who finds sleepers in them is expected to wake them.
    func exchange(_ word: Int, _ bits: UInt32) throws(Halt) -> UInt32 {
        let actor = actor
        return try take { state in
            let old = state.memory[word]
            state.memory[word] = bits
            if old & 1 != 0 { state.actors[actor].isToWake = word }
            return old
        }
    }

    /// Wakes the first of those who sleep on a word.
    func wake(_ word: Int, atMost count: Int) throws(Halt) {
        let actor = actor
        _ = try take { state in
            let sleepers = state.actors.indices.filter { state.actors[$0].sleepsOn == word }
            for sleeper in sleepers.prefix(count) { state = state.waking(sleeper) }
            state.actors[actor].isToWake = nil
            return 0
        }
    }
}
