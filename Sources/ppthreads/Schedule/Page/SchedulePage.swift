import Pipeline
import Threads

/// All orders as a page to learn from: one file that needs no network, whose script draws the orders that it holds to times that are
/// changed on it.
///
/// The script makes no order; it replays those of `PageOrders`, as `OrderTimes` does.
struct SchedulePage {
    let orders: PageOrders
    /// What the times are at first.
    let costs: ChunkCosts
    private let json: String

    /// - Throws: when the orders cannot be written as JSON.
    init(_ orders: PageOrders, _ costs: ChunkCosts) throws(CommandError) {
        self.orders = orders
        self.costs = costs
        json = try JSONText.encode(orders, isForScript: true)
    }

    var text: String {
        Page.text(
            title: "Pipeline schedules", [header, form, drawings, table, about, words], style: Self.style,
            scripts: [.data("orders", json: json), Self.replayScript, Self.chartScript, Self.script])
    }

    private var header: Markup {
        .element(
            "header", [:],
            [
                .element("h1", [:], "Pipeline schedules, drawn to your times"),
                .element(
                    "p", [:],
                    "A network is cut into stages, which P ranks run; a batch is cut into M microbatches, which pass them one behind the other. A schedule is the order in which each rank works. Change a time or a size, and see when each rank works, waits, and how much it holds."
                ),
                lessons,
                .element("noscript", [:], .element("p", ["class": "verdict"], Markup(Self.withoutScript))),
            ])
    }

    private static let withoutScript =
        "This page draws with its own script, which is off. In a terminal, ppthreads schedule NAME draws an order as text."

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

    private static let legend: [(style: String, title: Markup)] =
        Action.Kind.allCases.map { ($0.task.rawValue, Markup($0.legend)) }
        + [("no-input", "waits for another rank"), ("in-flight", "in flight")]

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
}
