// SPDX-License-Identifier: Apache-2.0

import Pipeline

extension ComparePage {
    var definitions: Markup {
        let terms = figures.terms.map(Page.definition)
        let others = Self.meanings.map { Page.definition($0.name, $0.meaning) }
        return Page.section(
            "definitions", "What the figures mean",
            .element("dl", ["class": "definitions"], Markup(terms + others)))
    }

    private static let meanings: [(name: Markup, meaning: Markup)] = [
        (
            "step",
            "From the moment all ranks are released into it to the moment the last of them has finished its update. The terms add up to it."
        ),
        (
            "step of a row",
            "Of each trial the step in the middle; of these the median over the trials. Its terms are medians too, each moved within its interval by as much as it takes for them to add up to the step."
        ),
        ("tokens/s", "Batch x sequence length over the step."),
        (
            "x threads",
            "Tokens/s over those of the same schedule on threads: the median over the rounds of the ratio within a round."
        ),
        (
            "x GPipe",
            "Tokens/s over those of GPipe on the same transport: likewise. Where GPipe takes no part, over those of the first schedule, in rows of the first transport alone."
        ),
        ("efficiency", "Tokens/s over P times those of the same model on one stage: the median over the rounds."),
        (
            "hand-off",
            "From the moment that an item was handed on, or that its receiver turned to it, whichever was later, to the moment that the receiver had it. A receiver that is late for other reasons does not count."
        ),
        (
            "ready, spun, parked",
            "How a wait went: what it waited for was there already; it came while the rank was spinning; it came later, most likely while the rank slept."
        ),
        ("asleep", "The share of receivers that slept, rather than found their item there or spun for it."),
        (
            "packing, update",
            "A rank's weights are packed for its backwards' matrix products, where the rank waits in any case; the optimizer updates all of a rank's stages at the end."
        ),
        (
            "free transport, equal stages",
            "What the step would be if hand-offs cost nothing: the measured one without that term. And if all stages took equally long: with a replay in which each kind of task lasts its mean over all stages."
        ),
        (
            "trial",
            "A whole run. In each round every candidate has one, in an order drawn anew, so that a machine that gets slower for a while slows all of them. Of each run, the measured step in the middle counts: a single disturbed step does not."
        ),
        (
            "disturbed",
            "A run in whose step others had CPUs of the ranks, though each rank has one of its own, for more than \((Disturbance.limit * 100).fixed(0))\u{A0}% of it. It is measured again in its round, up to \(Quietest<Void>.triesMost) times in all, and the least disturbed try counts, however fast it was."
        ),
        (
            "interval",
            "Where the true median is with 95\u{A0}% confidence, whatever the noise is like: two of the trials' own values, chosen by their ranks. Those of all x threads and x GPipe and of the differences told of above hold together: one of them or more misses in at most 5\u{A0}% of comparisons. They are of ratios within rounds. Fewer than \(Estimate.countLeast) trials are too few for an interval."
        ),
    ]
}
