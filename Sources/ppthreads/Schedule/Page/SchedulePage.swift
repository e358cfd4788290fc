// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// All orders as a page to learn from: one file that needs no network, whose script draws them to times that are changed on it.
struct SchedulePage {
    let explorer: OrderExplorer

    /// - Parameter costs: what the times are at first.
    /// - Throws: when the orders cannot be written as JSON.
    init(_ orders: PageOrders, _ costs: ChunkCosts) throws(CommandError) {
        // Times that were given as flags mean what those of `schedule NAME` mean.
        explorer = try OrderExplorer(orders, costs, isOfStage: costs != ChunkCosts())
    }

    var text: String {
        Page.text(
            title: "Pipeline schedules", [header, explorer.content, words], style: OrderExplorer.style,
            scripts: explorer.scripts)
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
            ])
    }
}
