// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing
import ppthreads

/// Orders in time as text and as pictures, of times that are made up: where everything has to stand is known.
struct OrderDrawingTests {
    private func lines(_ schedule: Schedule, _ costs: ChunkCosts = ChunkCosts(), width: Int) throws -> [String] {
        OrderDrawing(try OrderTimes(schedule, costs), width: width).lines
    }

    @Test("names are there as long as the width has room for the longest, and a column less squeezes the step")
    func room() throws {
        // Forwards of three columns, whole backwards of six, ten of each.
        let schedule = Schedule.gpipe(ranks: 1, microbatches: 10)
        let names = (0..<10).map { "F\($0)" } + (0..<10).map { "B\($0)###" }
        #expect(try lines(schedule, width: 90) == ["rank 0  " + names.joined(separator: " ")])
        #expect(try lines(schedule, width: 89)[0].hasPrefix("rank 0  F0=F1=F2="))
    }

    @Test("times of hundredths, and hand-offs shorter than any action, have their columns too") func fractions() throws
    {
        // Two columns for a hand-off of a quarter: F has four and B twelve, from 6 and 10 on rank 1, from 24 on rank 0.
        let costs = ChunkCosts(forward: 0.5, inputGradient: 1, weightGradient: 0.5, handOff: 0.25)
        #expect(
            try lines(.gpipe(ranks: 2, microbatches: 1), costs, width: 110) == [
                "rank 0  F0= . . . . . . . . . . B0#########", "rank 1  . . . F0= B0######### . . . . . . .",
            ])
    }

    @Test("where names do not fit, each kind has its sign") func signs() throws {
        let schedule = Schedule.zeroBubble(ranks: 1, microbatches: 2)
        #expect(try lines(schedule, width: 6) == ["rank 0  =#+=#+"])
        #expect(try lines(schedule, width: 12) == ["rank 0  ==##++==##++"])
    }

    @Test("a picture has a bar for each action on its rank's row, from its start to its end, and the makespan")
    func svg()
        throws
    {
        // Eight units on 600 pixels, below the title and the legend: rank 0 works from 0 to 1 and from 5 to 8, rank 1 from 1 to 2 and then to 5.
        let times = try OrderTimes(
            .gpipe(ranks: 2, microbatches: 1), ChunkCosts(forward: 1, inputGradient: 2, weightGradient: 1))
        let drawn = Drawn(xml: OrderChart(times).svg)
        for (kind, rank, x, width) in [
            ("forward", 0, 64.0, 75.0), ("backward", 0, 439, 225), ("forward", 1, 139, 75), ("backward", 1, 214, 225),
        ] as [(String, Int, Double, Double)] {
            let bars = drawn.all("rect", "action", kind).filter { $0["y"] == Double(48 + 34 * rank) }
            #expect(bars.count == 1 && areNear(bars.map { $0["x"] }, [x]) && areNear(bars.map { $0["width"] }, [width]))
        }
        #expect(drawn.all("rect", "action").count == 4)
        #expect(
            drawn.all("title").map(\.text) == [
                "0F0: from 0 to 1", "0B0: from 5 to 8", "1F0: from 1 to 2", "1B0: from 2 to 5",
            ])
        let end = drawn.all("text", "name").filter { $0.text == "8" }
        #expect(end.count == 1 && areNear(end.map { $0["x"] }, [664]))
    }

    @Test("an SVG has the actions' palette, and each action its number, or its name above it when it is pointed at")
    func smallBoxes() throws {
        let schedule = Schedule.zeroBubble(ranks: 4, microbatches: 60)
        let svg = OrderChart(try OrderTimes(schedule, ChunkCosts(inputGradient: 0.01))).svg
        #expect(svg.contains(ActionPalette.colours.lightStyle.html))
        let drawn = Drawn(xml: svg)
        let (groups, tips) = (drawn.all("g", "narrow"), drawn.all("text", "tip"))
        #expect(tips.map(\.text) == groups.map { "\($0.text.prefix { $0 != ":" })" } && tips.count == 240)
        #expect(drawn.all("rect", "action").count == 720 && drawn.all("text", "name").count == 720 + 2)
        #expect(svg.contains(".narrow:hover .tip, .narrow:focus .tip { display: inline; }"))
        #expect(groups.allSatisfy { $0.attributes["tabindex"] == "-1" })
    }
}
