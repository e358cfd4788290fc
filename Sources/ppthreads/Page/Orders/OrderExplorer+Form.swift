// SPDX-License-Identifier: Apache-2.0

import Pipeline

extension OrderExplorer {
    /// What can be chosen and changed: native inputs, each with its label.
    var form: Markup {
        .element(
            "form", ["id": "choices", "autocomplete": "off", "aria-label": "Choices"],
            [
                group(
                    "Order and sizes", [order, other, size("ranks", "P, ranks", orders.ranks, usual: 4), microbatches]),
                group("Times, in any unit", times + [slowRank, number(Self.slowness, 2)], style: "inputs times"),
                .element(
                    "div", ["class": "checks"],
                    [
                        check(
                            "stage",
                            "times are of one stage (as ppthreads schedule has them), not of a rank's whole share",
                            isOn: isOfStage),
                        check("chain", "outline what the makespan hangs on", isOn: false),
                        .element("button", ["type": "reset"], "Start again"),
                    ]),
            ])
    }

    private func group(_ title: Markup, _ inputs: [Markup], style: String = "inputs") -> Markup {
        .element("fieldset", [:], [.element("legend", [:], title), .element("div", ["class": style], Markup(inputs))])
    }

    // MARK: Choices

    private var order: Markup {
        select("order", "Order", orders.orders.map { ($0.key, $0.title) }, chosen: orders.first)
    }

    private var other: Markup {
        let all = [("", "no other")] + orders.orders.map { ($0.key, $0.title) }
        return select("other", "Compare with", all, chosen: orders.other ?? "")
    }

    private var microbatches: Markup { size("microbatches", "M, microbatches", orders.microbatches, usual: 8) }

    private func size(_ name: String, _ title: Markup, _ sizes: [Int], usual: Int) -> Markup {
        let chosen = sizes.contains(usual) ? usual : sizes[0]
        return select(name, title, sizes.map { ("\($0)", "\($0)") }, chosen: "\(chosen)")
    }

    private var slowRank: Markup {
        let ranks = (0..<(orders.ranks.max() ?? 0)).map { ("\($0)", "rank \($0)") }
        return select("slow", "Slow rank", [("", "none")] + ranks, chosen: "")
    }

    private func select(
        _ name: String, _ title: Markup, _ choices: [(value: String, title: String)], chosen: String
    ) -> Markup {
        let options = choices.map { value, title -> Markup in
            .element("option", value == chosen ? ["value": value, "selected": ""] : ["value": value], Markup(title))
        }
        return .element(
            "label", ["class": "choice"],
            [.element("span", [:], title), .element("select", ["name": name], Markup(options))])
    }

    private func check(_ name: String, _ title: Markup, isOn: Bool) -> Markup {
        let box: KeyValuePairs =
            isOn ? ["type": "checkbox", "name": name, "checked": ""] : ["type": "checkbox", "name": name]
        return .element("label", [:], [.void("input", box), .element("span", [:], title)])
    }

    // MARK: Times

    /// A number that a slider moves.
    private struct Slider {
        let name, title: String
        var least = 0.0
    }

    private static let slowness = Slider(name: "slowness", title: "times as slow", least: 1)

    private var times: [Markup] {
        [
            number(Slider(name: "forward", title: "F, forward"), costs.forward),
            number(Slider(name: "input", title: "I, input gradient"), costs.inputGradient),
            number(Slider(name: "weights", title: "W, weight gradient"), costs.weightGradient),
            number(Slider(name: "handoff", title: "hand-off"), costs.handOff),
        ]
    }

    /// Times are in units of a chunk, so that this is more than anybody needs.
    static let timeMost = 1e6

    /// The number itself, exactly, and the slider, which has so many steps.
    private func number(_ slider: Slider, _ value: Double) -> Markup {
        let most = min(max(4, (value * 2).rounded(.up)), Self.timeMost)
        let bounds = (least: "\(slider.least)", step: "\((most - slider.least) / 80)")
        return .element(
            "div", ["class": "slider"],
            [
                .element(
                    "label", [:],
                    [
                        .element("span", [:], Markup(slider.title)),
                        .void(
                            "input",
                            [
                                "type": "number", "name": slider.name, "min": bounds.least,
                                "max": "\(Self.timeMost.plain)",
                                "step": "any", "value": value.exact, "required": "", "inputmode": "decimal",
                            ]),
                    ]),
                .void(
                    "input",
                    [
                        "type": "range", "data-of": slider.name, "min": bounds.least, "max": "\(most)",
                        "step": bounds.step, "value": "\(value)", "aria-label": "\(slider.title), slider",
                    ]),
            ])
    }
}

extension Double {
    /// All digits that it needs, and no `.0`.
    fileprivate var exact: String { Double(plain) == self ? plain : "\(self)" }
}
