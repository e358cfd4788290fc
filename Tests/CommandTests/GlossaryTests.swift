// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing
import ppthreads

@Suite("the glossary") struct GlossaryTests {
    @Test("each term has one line of less than 100 characters, without its end", arguments: Term.allCases)
    func line(term: Term) {
        let meaning = term.meaning
        #expect(!meaning.isEmpty && meaning.count < 100 && !meaning.hasSuffix(".") && !meaning.contains("\n"))
    }

    @Test("no two terms mean the same") func apart() {
        #expect(Set(Term.allCases.map(\.meaning)).count == Term.allCases.count)
    }

    @Test("it has the terms of a step", arguments: Breakdown.Term.allCases) func ofStep(term: Breakdown.Term) {
        #expect(Term(rawValue: term.rawValue) != nil)
    }

    @Test(
        "a heading's term is found, whatever unit follows it",
        arguments: [
            ("bubble, %", Term.bubble), ("hand-off, µs", .handOff), ("in flight at most", .inFlight),
            ("idle at most, units", .idle), ("x GPipe", .overGPipe), ("x 1F1B", .overGPipe),
            ("x threads", .overThreads),
        ])
    func heading(text: String, term: Term) { #expect(Term(heading: text) == term) }

    @Test("other headings have none", arguments: ["needs", "", "dim", "bubbles"]) func none(text: String) {
        #expect(Term(heading: text) == nil)
    }
}
