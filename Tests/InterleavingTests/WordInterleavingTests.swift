// SPDX-License-Identifier: Apache-2.0

import Testing
import Threads

/// The steps of `SharedWord`'s own code in every order that threads could take them in.
struct WordInterleavingTests {
    /// One who publishes 1, 2, ... `values`, each when every waiter has answered the one before; and those waiters.
    ///
    /// Word 0 is what is published, word w the answer of waiter w.
    private func explorer(
        waiters: Int, values: Int, spins: Int, _ fault: WordFault = .none, spuriousWakesMost: Int = 0
    ) -> Explorer {
        func word(_ run: ActorRun, _ index: Int) -> SimulatedWord {
            var word = run.word(index)
            word.fault = fault
            return word
        }
        func publish(_ value: UInt32, to index: Int) -> Explorer.Section {
            { (run) throws(Halt) in _ = try word(run, index).storeAndWake(value) }
        }
        func wait(for value: UInt32, at index: Int) -> Explorer.Section {
            { (run) throws(Halt) in _ = try word(run, index).wait(for: value, spins: spins) }
        }
        let rounds = 1...UInt32(values)
        let writer = rounds.flatMap { value in
            [publish(value, to: 0)] + (1...waiters).map { wait(for: value, at: $0) }
        }
        let others = (1...waiters).map { waiter in
            rounds.flatMap { value in [wait(for: value, at: 0), publish(value, to: waiter)] }
        }
        return Explorer(
            memory: Array(repeating: 0, count: 1 + waiters), actors: [writer] + others,
            spuriousWakesMost: spuriousWakesMost)
    }

    @Test(
        "no order of steps loses a wake-up",
        arguments: [
            (1, 1, 0, 3, 10), (1, 3, 0, 2, 1000), (1, 2, 1, 1, 300), (2, 2, 0, 1, 3000), (3, 1, 0, 0, 3000),
        ])
    func noLostWakeUp(waiters: Int, values: Int, spins: Int, spuriousWakes: Int, statesLeast: Int) {
        let findings = explorer(waiters: waiters, values: values, spins: spins, spuriousWakesMost: spuriousWakes)
            .explore()
        print("\(waiters) waiters, \(values) values, \(spins) spins: \(findings)")
        #expect(findings.wrong == nil && findings.ends >= 1)
        #expect(findings.states >= statesLeast, "the model has lost its states")
    }

    @Test("a word whose steps are taken wrongly is found out", arguments: WordFault.allCases)
    func faults(fault: WordFault) {
        let findings = explorer(waiters: 2, values: 1, spins: 0, fault).explore()
        print("\(fault): \(findings)")
        #expect((findings.wrong == nil) == (fault == .none))
    }
}
