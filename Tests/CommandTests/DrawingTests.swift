// SPDX-License-Identifier: Apache-2.0

import Foundation
import Pipeline
import Testing
import Threads
import ppthreads

/// Charts of figures that are made up, so that where everything has to stand is known.
struct DrawingTests {
    // MARK: Scales

    @Test(
        "ticks are round values from 0 to the end, each with its own number",
        arguments: [
            (80.0, [0.0, 20, 40, 60, 80], ["0", "20", "40", "60", "80"]), (70, [0, 10, 20, 30, 40, 50, 60, 70], nil),
            (0.55, [0, 0.1, 0.2, 0.3, 0.4, 0.5], ["0.0", "0.1", "0.2", "0.3", "0.4", "0.5"]),
            (12_000, [0, 2000, 4000, 6000, 8000, 10000, 12000], nil), (0.049, [0, 0.01, 0.02, 0.03, 0.04], nil),
        ] as [(Double, [Double], [String]?)])
    func ticks(end: Double, values: [Double], texts: [String]?) {
        let ticks = Scale(end: end, unit: "ms").ticks
        #expect(ticks.count == values.count && zip(ticks, values).allSatisfy { abs($0.value - $1) < 1e-9 })
        if let texts { #expect(ticks.map(\.text) == texts) }
        for tick in ticks {
            #expect(Double(tick.text.filter { $0.isNumber || $0 == "." }) == Double("\(Float(tick.value))"))
        }
    }

    @Test("ticks of a scale that starts elsewhere begin at the first round value in it") func laterTicks() {
        #expect(Scale(end: 100, unit: "").ticks(from: 41).map(\.value) == [50, 60, 70, 80, 90, 100])
        #expect(Scale(end: 99, unit: "").ticks(from: 60).map(\.value) == [60, 70, 80, 90])
    }

    // MARK: Bars

    private func chart(reference: Double? = nil) -> BarChart {
        BarChart(
            rows: [
                .heading("model <a>"), .caption("GPipe", value: "1.0"),
                .bar(
                    BarChart.Bar(
                        pieces: [("work", 20), ("bubble", 10), ("transport", 10)], interval: 35...50, value: "40 ms",
                        details: "first & only")),
                .bar(
                    BarChart.Bar(
                        pieces: [("work", 20), ("imbalance", -5), ("optimizer", 10)], interval: nil, value: "",
                        details: "second", height: 10)),
            ], scale: Scale(end: 80, unit: "ms"), axis: "step (ms)", reference: reference)
    }

    @Test("pieces of a bar touch each other, and are as long as the axis says") func stack() {
        let drawn = Drawn(chart().content)
        // Heading 30 and caption 20 above the first bar, which is 16 high and has 5 below it.
        for (style, x, y, width, height) in [
            ("work", 0, 50, 25, 16), ("bubble", 25, 50, 12.5, 16), ("transport", 37.5, 50, 12.5, 16),
            ("work", 0, 71, 25, 10), ("imbalance", 25, 71, 0, 10), ("optimizer", 18.75, 71, 12.5, 10),
        ] as [(String, Double, Double, Double, Double)] {
            let own = drawn.all("rect", style).filter { $0["y"] == y }
            #expect(own.count == 1, "\(style) at \(y)")
            #expect(
                own.allSatisfy { areNear([$0["x"], $0["width"], $0["height"]], [x, width, height]) }, "\(style) at \(y)"
            )
        }
        #expect(chart().height == 30 + 20 + 21 + 15)
        // What a value of 60 is as long as: where its tick stands.
        let ticks = drawn.all("text", "tick")
        #expect(ticks.map(\.text) == ["0 ms", "20", "40", "60", "80"])
        #expect(areNear(ticks.map { $0["x"] }, [0, 25, 50, 75, 100]))
        let lines = drawn.all("line", "grid")
        #expect(areNear(lines.map { $0["x1"] }, [0, 25, 50, 75, 100]) && lines.allSatisfy { $0["x1"] == $0["x2"] })
        #expect(lines.allSatisfy { $0["y1"] == 0 && $0["y2"] == 86 })
    }

    @Test("a whisker has its ends where the interval has, in the middle of its bar; the value stands behind both")
    func whisker() {
        let drawn = Drawn(chart().content)
        let lines = drawn.all("line", "whisker").map { [$0["x1"], $0["y1"], $0["x2"], $0["y2"]] }
        let expected: [[Double]] = [[43.75, 58, 62.5, 58], [43.75, 54, 43.75, 62], [62.5, 54, 62.5, 62]]
        #expect(lines.count == 3 && zip(lines, expected).allSatisfy { areNear($0, $1) }, "\(lines)")
        let value = drawn.all("text", "aside").filter { $0.text == "40 ms" }
        #expect(value.count == 1 && areNear([value[0]["x"], value[0]["dx"]], [62.5, 6]))
        #expect(value[0]["y"] > 54 && value[0]["y"] < 66)
        #expect(drawn.all("title").map(\.text) == ["first & only", "second"])
        #expect(drawn.all("text", "name").map(\.text) == ["model <a>"])
    }

    @Test("the dashed line stands at its value over the whole height, and no value across it") func reference() {
        for (reference, at, value) in [(55.0, 68.75, 68.75), (70, 87.5, 62.5), (40, 50, 62.5)] {
            let drawn = Drawn(chart(reference: reference).content)
            let line = drawn.all("line", "ideal")
            #expect(
                line.count == 1
                    && areNear([line[0]["x1"], line[0]["x2"], line[0]["y1"], line[0]["y2"]], [at, at, 0, 86]))
            #expect(areNear(drawn.all("text", "aside").filter { $0.text == "40 ms" }.map { $0["x"] }, [value]))
        }
    }

    // MARK: Points

    private let area = PlotArea(top: 34, height: 200, x: (0, 10), y: (0, 100))

    @Test("points stand as high as they are large, and lines go from one to the next") func points() {
        let drawn = Drawn([
            area.line("series", [(0, 0), (5, 25), (10, 100)]),
            area.point("mine", 5, Estimate(value: 25, interval: 10...50), "details"),
        ])
        let lines = drawn.all("line", "series").map { [$0["x1"], $0["y1"], $0["x2"], $0["y2"]] }
        // 9 percent are free at either side; 100 is at the top, 34 pixels down, and 0 at the bottom.
        let expected: [[Double]] = [[9, 234, 50, 184], [50, 184, 91, 34], [50, 214, 50, 134]]
        #expect(lines.count == 3 && zip(lines, expected).allSatisfy { areNear($0, $1) }, "\(lines)")
        for circle in drawn.all("circle") { #expect(areNear([circle["cx"], circle["cy"]], [50, 184])) }
        #expect(drawn.all("circle", "mine").count == 1 && drawn.all("circle", "hit").count == 1)
    }

    @Test("numbers at the side stand at the lines of their values") func sideNumbers() {
        let drawn = Drawn(area.grid)
        let lines = drawn.all("line", "grid")
        #expect(
            areNear(lines.map { $0["y1"] }, [234, 194, 154, 114, 74, 34]) && lines.allSatisfy { $0["y1"] == $0["y2"] })
        let labels = drawn.all("text")
        #expect(labels.map(\.text) == ["20", "40", "60", "80", "100"])
        #expect(areNear(labels.map { $0["y"] }, [190, 150, 110, 70, 30]))
        // Of a part of an axis that does not begin with 0.
        let part = Drawn(PlotArea(top: 0, height: 100, x: (0, 1), y: (50, 100), inset: 0).grid)
        #expect(areNear(part.all("line").map { $0["y1"] }, [100, 80, 60, 40, 20, 0]))
        #expect(part.all("text").map(\.text) == ["50", "60", "70", "80", "90", "100"])
    }

    // MARK: Steps

    /// GPipe of one microbatch on two ranks, in microseconds from the release; 20 ms are 1000 pixels.
    private func gantt() throws -> Drawn {
        func task(_ begin: UInt64, _ received: UInt64, _ ready: UInt64, _ end: UInt64, _ sent: UInt64) -> TaskTimes {
            var times = TaskTimes()
            (times.begin, times.received, times.ready) = (
                7_000_000 + begin * 1000, 7_000_000 + received * 1000, 7_000_000 + ready * 1000
            )
            (times.end, times.sent) = (7_000_000 + end * 1000, 7_000_000 + sent * 1000)
            (times.inputWait, times.roomWait) = (.parked, .spun)
            return times
        }
        let tasks = [
            [
                task(0, 0, 1000, 4000, 4200), task(4200, 4200, 4200, 5000, 5000),
                task(5000, 13000, 13000, 17000, 17000), task(17000, 17000, 17000, 18000, 18000),
            ],
            [
                task(0, 0, 0, 1000, 1000), task(1000, 5000, 6000, 9000, 9000), task(9000, 9000, 9000, 12000, 12500),
                task(12500, 12500, 12500, 13000, 13000),
            ],
        ]
        let graph = try TaskGraph(.gpipe(ranks: 2, microbatches: 1))
        let times = StepTimes(graph, released: 7_000_000, seconds: 18e-3, tasks: tasks)
        return Drawn(GanttChart(times, Scale(end: 20, unit: "ms"), width: 1000).drawing("step"))
    }

    @Test("a task's bar begins where its work does and ends where that ends, on its rank's row") func tasks() throws {
        let drawn = try gantt()
        // Rows of 50 pixels, with bars of 32 in their middle.
        for (kind, rank, start, length) in [
            ("forward", 0, 5, 15), ("packing", 0, 21, 4), ("backward", 0, 65, 20), ("update", 0, 85, 5),
            ("packing", 1, 0, 5), ("forward", 1, 30, 15), ("backward", 1, 45, 15), ("update", 1, 62.5, 2.5),
        ] as [(String, Int, Double, Double)] {
            let own = drawn.all("rect", "task", kind).filter { $0["y"] == Double(9 + 50 * rank) }
            #expect(own.count == 1, "\(kind) of rank \(rank)")
            #expect(
                own.allSatisfy { areNear([$0["x"], $0["width"], $0["height"]], [start, length, 32]) },
                "\(kind) of rank \(rank): \(own)")
        }
        #expect(drawn.all("rect", "task").count == 8)
        let end = drawn.all("line", "end")
        #expect(end.count == 1 && areNear([end[0]["x1"], end[0]["y2"]], [90, 100]))
        let details = drawn.all("title").map(\.text)
        #expect(
            details.contains(
                """
                forward of microbatch 0, stage 1, on rank 1
                start     6.000 ms
                duration  3.000 ms
                CPU time  3.000 ms
                input     parked, 4.000 ms
                room      spun, 1.000 ms
                """))
    }

    @Test("waits fill what is between a task before and the work, and hand-offs go from row to row") func waits() throws
    {
        let drawn = try gantt()
        func waits(_ style: String) -> [[Double]] {
            drawn.all("rect", "wait", style).map { [$0["x"], $0["width"], $0["y"]] }
        }
        let (input, room) = (waits("no-input"), waits("no-room"))
        #expect(input.count == 2 && areNear(Array(input.joined()), [25, 40, 9, 5, 20, 59]), "\(input)")
        #expect(room.count == 2 && areNear(Array(room.joined()), [0, 5, 9, 25, 5, 59]), "\(room)")
        // Rank 0 works for 7.8 ms and rank 1 for 7: the end of its last wait.
        let imbalance = waits("imbalance")
        #expect(imbalance.count == 1 && areNear(imbalance[0], [26, 4, 59]), "\(imbalance)")
        // It stands behind the wait that it is a part of, and so above its hatching.
        #expect(drawn.all("rect", "wait").map(\.style).suffix(2) == ["wait no-room", "wait imbalance"])
        // From the lower edge of the upper row to the upper edge of the lower one, and back.
        let lines = drawn.all("line", "handoff").map { [$0["x1"], $0["y1"], $0["x2"], $0["y2"]] }
        #expect(lines.count == 2)
        for expected in [[21, 41, 25, 59], [62.5, 59, 65, 41]] as [[Double]] {
            #expect(lines.contains { areNear($0, expected) }, "\(lines)")
        }
        let titles = drawn.all("title").map(\.text)
        #expect(titles.count { $0.contains("0.800 ms of it for rank 0, which has the most work") } == 1)
        #expect(titles.count { $0.contains("which has the most work") } == 1)
        #expect(titles.contains { $0.contains("hand-off  800.00 µs, parked") && $0.contains("sent      4.200 ms") })
        #expect(titles.contains { $0.contains("hand-off  500.00 µs, parked") && $0.contains("received  13.000 ms") })
    }
}
