import Pipeline
import Threads

/// `ppthreads schedule`: draws an order, and says what it costs in unit times.
enum ScheduleCommand {
    static var command: Command {
        Command(
            name: "schedule", summary: "draws a schedule's order, and says where its ranks idle and what it holds",
            help: helpText(
                """
                Usage: ppthreads schedule NAME|FILE.csv [flags]
                       ppthreads schedule --list

                Draws the order in which each rank does its forwards (F0), backwards (B0; I0 and W0 where they come apart), in
                times that are given in units of your choice; nothing runs. FILE.csv is a schedule as PyTorch's pipelining
                writes it, with or without its sends and receives; sizes follow from it. Says the makespan beside a time that no
                order of the same actions can beat, where each rank idles, what is in flight, and whether results will
                be those of one stage to the bit. --list tells all orders there are: \(names).
                """, ScheduleOptions.flags), run: run)
    }

    private static var names: String { ScheduleKind.allCases.map(\.rawValue).joined(separator: ", ") }

    private static func run(_ arguments: [String]) throws(CommandError) {
        guard let name = arguments.first, name == "--list" || !name.hasPrefix("-") else {
            throw CommandError(
                code: .usage,
                message:
                    "a schedule has to come first: ppthreads schedule NAME|FILE.csv [flags]; --list tells all names")
        }
        if name == "--list" {
            if arguments.count > 1 {
                throw CommandError(
                    code: .usage, message: "--list: takes no other arguments, and '\(arguments[1])' follows")
            }
            return try Terminal.output(ScheduleList.table)
        }
        var options = ScheduleOptions()
        try Flag.parse(Array(arguments.dropFirst()), ScheduleOptions.flags, into: &options)
        try draw(name, options)
    }

    private static func draw(_ name: String, _ options: ScheduleOptions) throws(CommandError) {
        let choice: ScheduleChoice
        do throws(FlagValueError) { choice = try ScheduleChoice(name) } catch {
            throw CommandError(code: .usage, message: "'\(name)' is no schedule; \(error.allowed) is allowed")
        }
        var files = CommandFiles()
        if case .file(let path) = choice { try files.read("FILE", path) }
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
            try files.report(text, isData: options.json)
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

    private static func facts(_ choice: ScheduleChoice, _ options: ScheduleOptions) throws(CommandError) -> OrderFacts {
        switch choice {
        case .kind(let kind):
            let schedule = kind.make(try options.sizes(of: kind))
            do throws(ScheduleError) {
                return try OrderFacts(options.isForwardOnly ? schedule.forwardOnly() : schedule, options.costs)
            } catch {
                throw CommandError(code: .usage, message: "\(kind.rawValue): \(error)")
            }
        case .file(let path):
            let file = try readingData { () throws(DataError) in try ScheduleFile(path: path) }
            try options.check(against: file.schedule)
            do throws(ScheduleError) {
                let schedule = options.isForwardOnly ? file.schedule.forwardOnly() : file.schedule
                return try OrderFacts(schedule, options.costs, notes: file.notes)
            } catch {
                throw CommandError(code: .data, message: "\(path): \(error)")
            }
        }
    }
}

extension ScheduleOptions {
    /// What an order is to be made for.
    fileprivate func sizes(of kind: ScheduleKind) throws(CommandError) -> ScheduleSizes {
        var sizes = ScheduleSizes(
            ranks: stages, virtualStages: virtualStages ?? kind.usualVirtualStages, microbatches: microbatches,
            groupSize: groupSize)
        if let waves {
            if kind.stagesOfRank != .even {
                throw CommandError(code: .usage, message: "--waves: \(kind.rawValue) has none; hanayo has")
            }
            if virtualStages.map({ $0 != 2 * waves }) ?? false {
                throw CommandError(
                    code: .usage,
                    message:
                        "--waves: \(counted(waves, "wave")) are \(2 * waves) stages a rank, and --virtual-stages is \(virtualStages!)"
                )
            }
            sizes.virtualStages = 2 * waves
        }
        return sizes
    }

    /// Refuses flags that say something else than a file.
    fileprivate func check(against schedule: Schedule) throws(CommandError) {
        for (flag, asked, own) in [
            ("--stages", stages, schedule.ranks), ("--microbatches", microbatches, schedule.microbatches),
            ("--virtual-stages", virtualStages ?? 0, schedule.virtualStages),
        ] where given.contains(flag) && asked != own {
            throw CommandError(
                code: .usage, message: "\(flag): \(asked) is asked for, and \(schedule.name) has \(own); leave it out")
        }
        for flag in ["--group-size", "--waves"] where given.contains(flag) {
            throw CommandError(
                code: .usage, message: "\(flag): an order that is read from a file is as it is; leave it out")
        }
    }
}
