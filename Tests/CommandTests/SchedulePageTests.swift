// SPDX-License-Identifier: Apache-2.0

import Foundation
import Pipeline
import Testing

@Suite("the page of all orders") struct SchedulePageTests {
    @Test("it holds every order of every size as it is made, or the validator's reason why it is not")
    func orders() throws {
        let page = try WrittenPage(["all"], in: Folder())
        #expect(page.orders.orders.compactMap(\.kind) == ScheduleKind.allCases)
        #expect(page.orders.first == "1f1b" && page.orders.other == "gpipe")
        for order in page.orders.orders {
            let sizes = order.sizes.map { [$0.ranks, $0.microbatches] }
            #expect(sizes == [2, 4, 8].flatMap { ranks in [4, 8, 16].map { [ranks, $0] } })
            for size in order.sizes { try check(size, order) }
        }
    }

    private func check(_ size: WrittenPage.Size, _ order: WrittenPage.Order) throws {
        let schedule = try #require(order.kind).make(size, order.virtualStages)
        do {
            let facts = try schedule.validated()
            #expect(size.refusal == nil)
            #expect(size.rankOfStage == schedule.rankOfStage)
            #expect(size.actions == schedule.actions.map { $0.map(\.description).joined(separator: " ") })
            if case .toRounding(let reason) = facts.bits {
                #expect(size.rounding == reason)
            } else {
                #expect(size.rounding == nil)
            }
        } catch {
            #expect(size.refusal == "\(error)" && size.actions.isEmpty, "\(order.key)")
        }
    }

    @Test("it is one sound file that needs no other, and not large") func soundFile() throws {
        let text = try WrittenPage(["all"], in: Folder()).text
        #expect(unbalancedTags(text).isEmpty)
        #expect(text.contains("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src &#39;none&#39;; "))
        let references = ["http://", "https://", "src=", "href=", "@import", "<link"].filter { text.contains($0) }
        #expect(references.isEmpty)
        for reference in text.matches(of: /url\((.)/) { #expect(reference.1 == "#") }
        #expect(text.utf8.count < 400_000)
    }

    @Test("an order is shown first, and v may be a list") func first() throws {
        let sizes = ["-p", "3", "-m", "5,6", "--virtual-stages", "1,3"]
        let page = try WrittenPage(["interleaved"] + sizes, in: Folder())
        let orders = page.orders
        #expect(orders.first == "interleaved:1" && orders.other == nil)
        let keys = orders.orders.map(\.key)
        #expect(keys.contains("interleaved:3") && keys.contains("hanayo:1") && keys.contains("zb-v"))
        let hanayo = try #require(orders.orders.first { $0.key == "hanayo:1" })
        #expect(hanayo.sizes.map(\.refusal) == Array(repeating: "1 stages a rank: Hanayo runs 2, 4, 6, ...", count: 2))
        let titles = Dictionary(uniqueKeysWithValues: orders.orders.map { ($0.key, $0.title) })
        #expect(
            titles["interleaved:1"] == "Interleaved-1F1B, v = 1" && titles["interleaved:3"]?.hasSuffix(" = 3") == true)
        #expect(titles["gpipe"] == "GPipe" && titles["zb-v"] == "ZB-V, v = 2")
        // Eleven orders with a v of their own and four with two each; Hanayo takes no odd v, Chimera and DualPipe no odd P, and DualPipeV
        // not M=5 on three ranks.
        #expect(
            page.output.hasPrefix(
                "19 orders of 2 sizes: 29 drawings\nnot with P=3, M=5: Chimera needs an even number of ranks")
        )
        #expect(page.output.split(separator: "\n").count == 10)
    }

    @Test("a file's order stands beside all others of its sizes, and its name is text") func file() throws {
        let folder = try Folder()
        let file = folder.path("a <b>&'\"</script>.csv".replacing("/", with: ":"))
        #expect(try Command.run("schedule", "zb-h1", "-p", "2", "-m", "3", "--csv", file).code == 0)
        let page = try WrittenPage([file], in: folder)
        let last = try #require(page.orders.orders.last)
        #expect(page.orders.first == last.key && last.key.hasPrefix("file:a <b>&'\""))
        #expect(page.orders.orders.allSatisfy { $0.sizes.map(\.ranks) == [2] && $0.sizes.map(\.microbatches) == [3] })
        let same = try #require(page.orders.orders.first { $0.key == "zb-h1" })
        #expect(last.sizes[0].actions == same.sizes[0].actions)
        #expect(!page.text.contains("<b>") && unbalancedTags(page.text).isEmpty)
    }

    @Test(
        "what does not go with a page gets one line",
        arguments: [
            ("all", 64, "all: only a page holds all orders; --html FILE writes one"),
            ("1f1b -p 2,4", 64, "--stages: one order of one size is drawn; --html FILE makes a page of several"),
            ("all --html FOLDER/a --json", 64, "--json: is of one order's drawing, and --html writes all orders' page"),
            (
                "all --html FOLDER/a --waves 1", 64,
                "--waves: is of one order's drawing, and --html writes all orders' page"
            ),
            (
                "all --html FOLDER/a --csv FOLDER/b", 64,
                "--csv: is of one order's drawing, and --html writes all orders' page"
            ),
            (
                "all --html FOLDER/a --forward-only", 64,
                "--forward-only: is of one order's drawing, and --html writes all orders' page"
            ),
            ("all --html FOLDER/none/a", 65, "FOLDER/none/a: cannot be written: its folder: ENOENT"),
            ("all --html FOLDER/a --stages 0,2", 64, "--stages: '0,2' is not allowed"),
            ("all --html FOLDER/a -p 512 -m 512", 64, "--html: a page of"),
            ("al --html FOLDER/a", 64, "'al' is no schedule"),
        ])
    func refused(arguments: String, code: Int, line: String) throws {
        let folder = try Folder()
        let words = arguments.replacing("FOLDER", with: folder.url.path).split(separator: " ").map(String.init)
        let outcome = try Command.run(["schedule"] + words)
        #expect(outcome.code == Int32(code) && outcome.output.isEmpty && outcome.errorLines.count == 1)
        let start = line.replacing("FOLDER", with: folder.url.path)
        #expect(outcome.errors.hasPrefix("ppthreads schedule: \(start)"), "\(outcome.errors)")
        #expect(try folder.names().isEmpty)
    }

    // MARK: The page's script

    private struct Replayed: Decodable {
        let key: String
        let makespan, bubble: Double
        let starts: [[Double]]
        let peaks: [Int]
        /// Of each rank, what is in flight, added up over time.
        let held: [Double]
        /// Whether what the makespan hangs on leads without a gap from 0 to its end.
        let isChain: Bool
    }

    /// What the page's script makes of its orders.
    private func replayed(_ page: WrittenPage, _ costs: String) throws -> [Replayed] {
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Browser/replay.js").path
        let end = try ChildProcess([Tool.node!, script, page.path, costs]).wait()
        try #require(end.code == 0, "\(String(decoding: end.errors, as: UTF8.self))")
        return try JSONDecoder().decode([Replayed].self, from: end.output)
    }

    @Test("its replay is OrderTimes to the last digit, of every order and size", .enabled(if: Tool.node != nil))
    func replay() throws {
        let folder = try Folder()
        let page = try WrittenPage(["all"], in: folder)
        let costs = try folder.file("costs.json", Array(try JSONEncoder().encode(PageCosts.cases)))
        let results = try replayed(page, costs)
        let expected = page.schedules.flatMap { key, schedule in PageCosts.cases.map { (key, schedule, $0) } }
        try #require(results.count == expected.count)
        for (result, (key, schedule, costs)) in zip(results, expected) {
            let times = try costs.times(of: schedule)
            #expect(result.key == key && result.starts == times.start && result.makespan == times.makespan)
            #expect(result.peaks == (try schedule.validated().inFlightOfRank))
            #expect(result.isChain, "\(key) P=\(schedule.ranks) M=\(schedule.microbatches)")
            for (rank, expected) in held(schedule, times.start, costs).enumerated() {
                #expect(abs(result.held[rank] - expected) < 1e-6, "\(key), rank \(rank)")
            }
            if costs.slow != nil { continue }
            #expect(abs(result.bubble - (try OrderTimes(schedule, costs.costs(of: schedule)).bubble)) < 1e-12)
        }
    }

    @Test("of forwards alone nothing is held once they have ended", .enabled(if: Tool.node != nil))
    func forwardsAlone() throws {
        let folder = try Folder()
        let file = folder.path("forwards.csv")
        let written = try Command.run("schedule", "gpipe", "-p", "2", "-m", "3", "--forward-only", "--csv", file)
        try #require(written.code == 0)
        let page = try WrittenPage([file], in: folder)
        let costs = try folder.file("costs.json", Array(try JSONEncoder().encode([PageCosts(forward: 0.7)])))
        let own = try replayed(page, costs).first { $0.key == "file:forwards.csv" }
        // Three of 0.7 on each rank, one after the other.
        #expect(own?.peaks == [1, 1] && own?.held.map { ($0 * 10).rounded() } == [21, 21])
    }

    /// For each rank, for how long its microbatches are in flight, together: from their forward's start to their end.
    private func held(_ schedule: Schedule, _ start: [[Double]], _ costs: PageCosts) -> [Double] {
        let times = costs.costs(of: schedule)
        return schedule.actions.enumerated().map { rank, list in
            zip(list, start[rank]).reduce(0.0) { sum, timed -> Double in
                let (action, start) = timed
                if action.kind == .forward { return sum - start }
                if action.kind == .backwardInput { return sum }
                return sum + start + times.duration(action.kind) * (rank == costs.slow ? costs.slowness : 1)
            }
        }
    }

    @Test(
        "in a browser it draws what OrderTimes says, follows every input, and loads nothing",
        .enabled(if: Python.isThere && Tool.chromium != nil))
    func browser() throws {
        let folder = try Folder()
        let page = try WrittenPage(["all"], in: folder)
        let made = try page.schedules.enumerated().filter { $0.offset % 7 == 0 }.map { index, named in
            try choices(named.key, named.schedule, PageCosts.cases[index / 7 % PageCosts.cases.count])
        }
        let refused = page.orders.orders.flatMap { order in
            order.sizes.filter { $0.refusal != nil }.map { size in
                [
                    "choices": ["order": order.key, "ranks": "\(size.ranks)", "microbatches": "\(size.microbatches)"],
                    "sentence": size.refusal!,
                ] as [String: Any]
            }
        }
        let cases = try JSONSerialization.data(withJSONObject: ["made": made, "refused": refused])
        let outcome = try Python.run(
            "Browser/schedule_page.py", [Tool.chromium!, page.path, try folder.file("cases.json", Array(cases))])
        #expect(outcome.code == 0, "\(outcome.output)\(outcome.errors)")
    }

    /// What to choose on the page, and what it has to show.
    private func choices(_ key: String, _ schedule: Schedule, _ costs: PageCosts) throws -> [String: Any] {
        let times = try costs.times(of: schedule)
        let starts = zip(schedule.actions.joined(), times.start.joined()).map { ($0.description, $1) }
        let share = Double(schedule.ranks) / Double(schedule.stagesOfCopy)
        let work = schedule.actions.enumerated().map { rank, list in
            list.reduce(0) { sum, action in
                sum + costs.costs(of: schedule).duration(action.kind) * (rank == costs.slow ? costs.slowness : 1)
            }
        }
        let all = times.makespan * Double(schedule.ranks)
        return [
            "choices": [
                "order": key, "other": "", "ranks": "\(schedule.ranks)", "microbatches": "\(schedule.microbatches)",
                "forward": "\(costs.forward)", "input": "\(costs.input)", "weights": "\(costs.weights)",
                "handoff": "\(costs.handoff)", "stage": costs.isOfStage ? "on" : "",
                "slow": costs.slow.map(String.init) ?? "", "slowness": "\(costs.slowness)",
            ],
            "starts": Dictionary(uniqueKeysWithValues: starts), "makespan": times.makespan,
            "bubble": (all - work.reduce(0, +)) / all, "idle": times.makespan - work.min()!,
            "peak": Double(try schedule.validated().inFlightOfRank.max()!) * share,
        ]
    }
}
