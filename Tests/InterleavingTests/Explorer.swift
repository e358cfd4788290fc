// SPDX-License-Identifier: Apache-2.0

import Threads

/// Runs actors, which share words of simulated memory, in every order of their steps, and says what went wrong in any.
///
/// An actor goes through sections, functions that keep nothing from one to the next. A section is started again for each of
/// its steps: what its earlier steps returned is on record, the next is taken, and the one after interrupts it. So a state of
/// the whole is the memory, the records, and who sleeps; and each is gone through once, however many orders lead there (depth
/// first).
///
/// The model is sequentially consistent: it finds wrong orders of steps, not orderings of memory that are too weak. A sleep
/// lasts until somebody wakes the sleeper, for ever if need be. The kernel may also wake a sleeper for nothing, so often.
struct Explorer {
    typealias Section = (ActorRun) throws(Halt) -> Void

    /// Words to begin with.
    let memory: [UInt32]
    let actors: [[Section]]
    var spuriousWakesMost = 0
    /// Whether sleeps end by themselves in such a memory: after an abort, or when time has passed.
    var sleepsEnd: ([UInt32]) -> Bool = { _ in false }
    /// Whoever has not ended by then never does: three times what any way takes.
    var stepsMost = 200

    /// What was found on the way through all states.
    struct Findings: CustomStringConvertible {
        var states = 0
        /// Steps of the longest way that was gone.
        var depth = 0
        /// States in which nobody has anything left to do.
        var ends = 0
        /// What went wrong, and the actors whose steps led there.
        var wrong: String?

        var description: String { "\(states) states, \(depth) steps deep, \(ends) ends, \(wrong ?? "nothing wrong")" }
    }

    /// Goes through all states, or until something is wrong.
    func explore() -> Findings {
        var findings = Findings()
        let start = ExploredState(
            memory: memory, actors: actors.map { _ in ActorRecord() }, spuriousWakesLeft: spuriousWakesMost)
        var seen: Set<ExploredState> = [start]
        var pending: [(state: ExploredState, way: [Int])] = [(start, [])]
        while let (state, way) = pending.popLast(), findings.wrong == nil {
            findings.states += 1
            findings.depth = max(findings.depth, way.count)
            let next = successors(of: state)
            if next.isEmpty { findings.ends += 1 }
            if let wrong = wrong(in: state, isEnd: next.isEmpty) { findings.wrong = "\(wrong) after steps of \(way)" }
            if way.count >= stepsMost { findings.wrong = "no end after \(stepsMost) steps" }
            for (actor, state) in next where seen.insert(state).inserted { pending.append((state, way + [actor])) }
        }
        return findings
    }

    private func wrong(in state: ExploredState, isEnd: Bool) -> String? {
        if let wrong = state.wrong { return wrong }
        for (number, actor) in state.actors.enumerated() {
            guard let word = actor.sleepsOn else { continue }
            if isEnd { return "\(number) sleeps on word \(word) for ever" }
            // Whoever changes the word has to learn of the sleeper, or be about to wake it.
            let isKnown = state.memory[word] & 1 != 0 || state.actors.contains { $0.isToWake == word }
            if !isKnown { return "\(number) sleeps on word \(word) without a waker" }
        }
        return nil
    }

    private func successors(of state: ExploredState) -> [(actor: Int, state: ExploredState)] {
        if state.wrong != nil { return [] }
        var next: [(actor: Int, state: ExploredState)] = []
        for (number, actor) in state.actors.enumerated() where actor.section < actors[number].count {
            if actor.sleepsOn == nil {
                let run = ActorRun(state, number)
                run.go(actors[number][actor.section])
                next.append((number, run.state))
            } else if sleepsEnd(state.memory) {
                next.append((number, state.waking(number)))
            }
        }
        // The kernel's whims do not save anybody who would else sleep for ever.
        if next.isEmpty || state.spuriousWakesLeft == 0 { return next }
        for (number, actor) in state.actors.enumerated() where actor.sleepsOn != nil {
            var woken = state.waking(number)
            woken.spuriousWakesLeft -= 1
            next.append((number, woken))
        }
        return next
    }
}

/// All that the future depends on.
struct ExploredState: Hashable {
    var memory: [UInt32]
    var actors: [ActorRecord]
    var spuriousWakesLeft: Int
    /// What an actor found to be wrong.
    var wrong: String?

    /// The same with one actor's sleep over.
    func waking(_ actor: Int) -> ExploredState {
        var state = self
        state.actors[actor].sleepsOn = nil
        state.actors[actor].results.append(0)
        return state
    }
}

/// What one actor has done so far.
struct ActorRecord: Hashable {
    /// The one it is in, or the count of its sections when it has ended.
    var section = 0
    /// What its steps in that section have returned.
    var results: [UInt32] = []
    /// The word that it sleeps on.
    var sleepsOn: Int?
    /// A word that it has changed and whose sleepers it has still to wake.
    var isToWake: Int?
}

/// Why an actor goes no further.
enum Halt: Error {
    /// Its next step is for later.
    case interrupted
    /// It has seen what must not be.
    case wrong(String)
}
