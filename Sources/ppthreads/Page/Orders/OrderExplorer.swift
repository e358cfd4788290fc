// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Threads

/// A part of a page that draws orders to times that are changed on it: inputs, drawings, a table of all orders, and what is
/// known of the one that is chosen. Needs the page's script, and no network.
///
/// The script makes no order; it replays those of `PageOrders`, as `OrderTimes` does.
struct OrderExplorer {
    let orders: PageOrders
    /// What the times are at first.
    let costs: ChunkCosts
    /// Whether they are at first taken for those of one stage, and not of a rank's whole share.
    let isOfStage: Bool
    private let json: String

    /// - Throws: when the orders cannot be written as JSON.
    init(_ orders: PageOrders, _ costs: ChunkCosts, isOfStage: Bool) throws(CommandError) {
        self.orders = orders
        self.costs = costs
        self.isOfStage = isOfStage
        json = try JSONText.encode(orders, isForScript: true)
    }

    /// What a reader without its script is told, and all of it for the others.
    var content: Markup { [withoutScript, form, drawings, table, about] }

    /// For the page's end.
    var scripts: Markup { [.data("orders", json: json), Self.replayScript, Self.chartScript, Self.script] }

    private var withoutScript: Markup {
        let text =
            "Orders are drawn by this page's own script, which is off. In a terminal, ppthreads schedule NAME draws an order as text."
        return .element("noscript", [:], .element("p", ["class": "verdict"], Markup(text)))
    }

    // MARK: Drawings

    private var drawings: Markup {
        Page.section(
            "time", "In time",
            [
                .element("p", ["id": "verdict", "class": "verdict", "role": "status"]),
                Page.legend(Self.legend),
                drawing("one"), drawing("two"),
                .element(
                    "p", ["class": "note"],
                    "Numbers are microbatches, with the stage below where a rank has several. Point at an action, touch it, or go to it with Tab and the arrow keys: it tells what it is, from when to when, and what it waited for, which is outlined."
                ),
            ])
    }

    private static let legend: [(style: String, title: String)] =
        Action.Kind.allCases.map { ($0.task.rawValue, $0.legend) }
        + [("no-input", "waits for another rank"), (ActionPalette.inFlight, Term.inFlight.name)]

    /// An empty one, which the script fills.
    private func drawing(_ id: String) -> Markup {
        let chart = Markup.element("svg", ["class": "chart", "role": "group"])
        return .element(
            "figure", ["class": "gantt order", "id": id],
            [
                .element("figcaption", [:]),
                .element(
                    "div", ["class": "rows"],
                    [.element("ol", ["class": "ranks"]), .element("div", ["class": "scroll"], chart)]),
            ])
    }

    // MARK: All orders

    private var table: Markup {
        let header = [
            "order", "makespan, units", "bubble, %", "idle at most, units", "in flight at most", "results", "needs",
        ]
        let rows = orders.orders.map { order -> Markup in
            let choose = Markup.element("button", ["type": "button", "class": "choose"], Markup(order.title))
            let figures = Array(repeating: Page.noFigure, count: 4)
            let results = Markup.element("td", ["class": "text"])
            let needs = Markup.element(
                "td", ["class": "text wrap"],
                [
                    Markup(order.about?.constraints ?? "the sizes of its file"),
                    .element("small", ["class": "refusal"]),
                ])
            return .element(
                "tr", ["data-key": order.key],
                Markup([.element("th", ["scope": "row"], choose)] + figures + [results, needs]))
        }
        return Page.section(
            "all", "All orders at these times",
            Page.table(
                "Choose an order by its name; a header sorts. What is in flight is told in microbatches of a rank's whole share.",
                header, rows, sortable: true))
    }

    // MARK: The chosen one

    /// What the chosen order is, and what its authors promise; the script fills it.
    private var about: Markup {
        Page.section("order-title", "The order", .element("div", ["id": "about"]))
    }
}
