// SPDX-License-Identifier: Apache-2.0

extension SchedulePage {
    /// What the letters and words mean.
    var words: Markup {
        Page.section(
            "words", "What the words mean",
            .element("dl", ["class": "definitions"], Markup(Self.definitions.map { Page.definition("\($0)", "\($1)") }))
        )
    }

    private static let definitions: KeyValuePairs<String, String> = [
        "P, rank": "What works at a time of its own: a thread, a process, a GPU. P of them, numbered from 0.",
        "Stage, v":
            "A run of the network's layers. A rank runs one stage, or v of them, its chunks: then each is a v-th as long, and a microbatch comes by v times.",
        "M, microbatch":
            "A batch's M parts pass the stages one behind the other, so that ranks have something to do at the same time.",
        "F": "The forward of one microbatch through a rank's share of the network.",
        "I": "Its backward as far as others wait for it: the gradient of the input, which the stage before needs.",
        "W": "The rest of its backward: the gradients of the weights, which nobody waits for.",
        "B": "I and W in one piece. What it hands on leaves when all of it is done.",
        "Hand-off":
            "From the end of an action to the moment that another rank has what it made. Within a rank it takes nothing.",
        "Makespan": "From the start to the end of the last action: the step, but for the optimizer.",
        "Idle, bubble":
            "A rank idles when it does nothing, from 0 to the makespan; the bubble is the part of all ranks' time that is idle. Shares of it that no order avoids come from the first microbatch's way in and the last one's way out.",
        "In flight":
            "A microbatch whose forward has begun at a stage and whose backward is not done: so long is memory held for it. A chunk holds a v-th of what a rank's whole share does.",
        "Results":
            "To the bit: losses, gradients and weights are those of one stage, bit for bit. To rounding: some gradients are added up in another order.",
    ]

    // MARK: Lessons

    /// Questions, each with the choices that answer it.
    var lessons: Markup {
        let keys = Set(explorer.orders.orders.map(\.key))
        let items = Self.questions.filter { question in question.orders.allSatisfy(keys.contains) }.map { question in
            Markup.element(
                "li", [:],
                .element("button", ["type": "button", "data-set": question.choices], Markup(question.text)))
        }
        return .element(
            "details", ["class": "lessons", "open": ""],
            [.element("summary", [:], "Begin with a question"), .element("ul", [:], Markup(items))])
    }

    private struct Question {
        let text: String
        /// Keys of the one that is shown and the one below.
        let orders: [String]
        /// F, I, W and hand-off.
        var times = [1.0, 1, 1, 0]
        var others = ""

        var choices: String {
            let numbers = zip(["forward", "input", "weights", "handoff"], times).map { "\($0)=\($1.plain)" }
            return (zip(["order", "other"], orders).map { "\($0)=\($1)" } + numbers).joined(separator: "&") + others
        }
    }

    private static let questions = [
        Question(text: "1F1B takes as long as GPipe. What is it good for?", orders: ["1f1b", "gpipe"]),
        Question(text: "What are backwards in two parts good for?", orders: ["zb-h1", "1f1b"]),
        Question(
            text: "And where W is short beside I?", orders: ["zb-h1", "1f1b"], times: [1, 1.8, 0.2, 0]),
        Question(text: "What do two stages a rank change?", orders: ["interleaved:2", "1f1b"]),
        Question(
            text: "And where hand-offs take time?", orders: ["interleaved:2", "1f1b"], times: [1, 1, 1, 0.5]),
        Question(
            text: "Who pays for a hand-off, and what hides it?", orders: ["eager-1f1b", "1f1b"],
            times: [1, 1, 1, 0.5]),
        Question(
            text: "One rank takes half as long again: who waits?", orders: ["1f1b", "gpipe"],
            others: "&slow=1&slowness=1.5&chain=on"),
        Question(text: "How little memory is enough?", orders: ["v-min", "zb-v"]),
    ]
}
