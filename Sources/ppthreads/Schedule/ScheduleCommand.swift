// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Threads

/// `ppthreads schedule`: draws an order, and says what it costs in unit times.
enum ScheduleCommand {
    static var command: Command {
        Command(
            name: "schedule", summary: "draws a schedule's order, and says where its ranks idle and what it holds",
            synopsis: """
                Usage: ppthreads schedule NAME|FILE.csv [flags]
                       ppthreads schedule all|NAME|FILE.csv --html FILE [flags]
                       ppthreads schedule --list [--markdown]

                Draws the order in which each rank does its forwards (F0), backwards (B0; I0 and W0 where they come apart), in
                times that are given in units of your choice; nothing runs. FILE.csv is a schedule as PyTorch's pipelining
                writes it, with or without its sends and receives; sizes follow from it. Says the makespan beside a time that no
                order of the same actions can beat, where each rank idles, what is in flight, and whether results will
                be those of one stage to the bit. --list tells all orders there are: \(words.joined(separator: ", ")).

                With --html, a page to learn from: all orders there are, of each P and M given, drawn to times that are changed
                on the page, two of them one above the other. NAME or FILE.csv is the one that it shows first.
                """, argument: FlagValues(words: words + ["all", "--list"], allowsFiles: true),
            flags: ScheduleOptions.flags.map(\.text),
            terms: [.stage, .rank, .chunks, .microbatch, .makespan, .bound, .bubble, .inFlight, .stash], run: run)
    }

    private static var words: [String] { ScheduleKind.allCases.map(\.rawValue) }

    private static func run(_ arguments: [String]) throws(CommandError) {
        guard let name = arguments.first, name == "--list" || !name.hasPrefix("-") else {
            throw CommandError(
                code: .usage,
                message:
                    "a schedule has to come first: ppthreads schedule NAME|FILE.csv [flags]; --list tells all names")
        }
        if name == "--list" {
            if arguments == ["--list", "--markdown"] { return try Terminal.output(ScheduleList.document) }
            if arguments.count > 1 {
                throw CommandError(
                    code: .usage,
                    message:
                        "--list: takes --markdown and nothing else, and '\(arguments.dropFirst().first { $0 != "--markdown" } ?? arguments[1])' follows"
                )
            }
            return try Terminal.output(ScheduleList.text)
        }
        if arguments.contains("--list") {
            throw CommandError(code: .usage, message: "--list: stands alone: ppthreads schedule --list")
        }
        var options = ScheduleOptions()
        try Flag.parse(Array(arguments.dropFirst()), ScheduleOptions.flags, into: &options)
        try CommandError.refuse("--explain", options.explains, with: "--json", options.json)
        try CommandError.refuse("--explain", options.explains, with: "--html", options.html != nil)
        let choice = name == "all" ? nil : try choice(name)
        if options.html != nil { return try writePage(choice, options) }
        guard let choice else {
            throw CommandError(code: .usage, message: "all: only a page holds all orders; --html FILE writes one")
        }
        try draw(choice, options)
    }

    private static func choice(_ name: String) throws(CommandError) -> ScheduleName {
        do throws(FlagValueError) { return try ScheduleName(name) } catch {
            throw CommandError(code: .usage, message: "'\(name)' is no schedule; \(error.advice) is allowed")
        }
    }

    private static func draw(_ choice: ScheduleName, _ options: ScheduleOptions) throws(CommandError) {
        var files = CommandFiles()
        if let path = choice.path { try files.read("FILE", path) }
        let outputs = [
            ("--csv", try files.write("--csv", options.csv)),
            ("--comms", try files.write("--comms", options.communication)),
            ("--svg", try files.write("--svg", options.svg)),
        ]
        if options.json { try files.keepStandardOutput(for: "--json") }
        let order = try facts(choice, options)
        var attempts = Attempts("schedule")
        attempts.attempt { () throws(CommandError) in
            let text =
                options.json
                ? try JSONText.encode(OrderJSON(order))
                : OrderTable(order, width: options.width).lines.joined(separator: "\n")
            try files.report(options.explains ? text + Explanation(of: text).footer : text, isData: options.json)
        }
        for (flag, file) in outputs {
            guard let file else { continue }
            let text = try text(flag, order)
            attempts.write { () throws(DataError) in try file.write(text: text) }
        }
        try attempts.finish()
    }

    private static func text(_ flag: String, _ order: OrderFacts) throws(CommandError) -> String {
        let schedule = order.times.schedule
        switch flag {
        case "--csv": return schedule.csv()
        case "--svg": return OrderChart(order.times).svg
        default:
            do throws(ScheduleError) { return try schedule.csvWithCommunication() } catch {
                throw CommandError(code: .failed, message: "\(flag): \(error)")
            }
        }
    }

    private static func facts(_ name: ScheduleName, _ options: ScheduleOptions) throws(CommandError) -> OrderFacts {
        let (schedule, notes) = try options.order(name)
        do throws(ScheduleError) {
            return try OrderFacts(
                options.isForwardOnly ? schedule.forwardOnly() : schedule, options.costs, notes: notes)
        } catch {
            throw CommandError(code: .usage, message: "\(name.text): \(error)")
        }
    }
}
