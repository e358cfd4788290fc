// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// The runs of a sweep on paper: each combination that fits once, then the runs on one stage to compare them with.
struct SweepPlan {
    struct Run {
        let options: RunOptions
        let plan: RunPlan
        let title: String
        /// Of its first repetition, without figures yet.
        private let firstRow: ResultRow

        init(_ options: RunOptions, title: String) throws(CommandError) {
            self.options = options
            self.title = title
            plan = try options.plan()
            let plan = plan
            firstRow = try readingData { () throws(DataError) in try ResultRow(plan, by: Version.program) }
        }

        /// The row of one of its repetitions, without figures yet.
        func row(_ repetition: Int) -> ResultRow { firstRow.repeated(repetition) }
    }

    /// A combination that makes no sense, or is too large for the machine.
    struct Misfit {
        let title: String
        let reason: String
    }

    /// A run in its turn.
    struct Turn {
        let run: Run
        /// Counts from 1.
        let repetition: Int
        var row: ResultRow { run.row(repetition) }
    }

    /// Each is worked out on paper before the first one runs, which takes about 20 KB and a millisecond.
    private static let combinationsMost = 10_000

    private(set) var runs: [Run] = []
    private(set) var misfits: [Misfit] = []

    /// - Throws: `CommandError` with code 64 when nothing fits at all, 65 when a file is not what it should be.
    init(_ options: SweepOptions) throws(CommandError) {
        let combinations = options.combinationCount
        if combinations > Self.combinationsMost {
            throw CommandError(
                code: .usage,
                message:
                    "the lists make \(combinations.grouped) combinations; at most \(Self.combinationsMost.grouped) are "
                    + "allowed: give shorter lists, or several sweeps with one --out")
        }
        var known: Set<[String]> = []
        for combination in options.grid { try add(combination, options.title(combination), &known) }
        if !options.leavesOutBaselines {
            for oneStage in runs.map(\.options.oneStage) { try add(oneStage, options.title(oneStage), &known) }
        }
    }

    private mutating func add(
        _ options: RunOptions, _ title: String, _ known: inout Set<[String]>
    ) throws(CommandError) {
        do throws(CommandError) {
            let run = try Run(options, title: title)
            if known.insert(run.row(1).identity).inserted { runs.append(run) }
        } catch {
            guard error.code == .usage else { throw error }
            if known.insert([title]).inserted {
                misfits.append(Misfit(title: title, reason: error.message))
            }
        }
    }

    /// Every run once in each round, in an order drawn anew for each.
    func turns(rounds: Int, seed: Int) -> [Turn] {
        (0..<rounds).flatMap { round in
            drawnOrder(of: runs.count, round: round, seed: UInt64(seed)).map {
                Turn(run: runs[$0], repetition: round + 1)
            }
        }
    }
}

extension SweepPlan.Run {
    var load: Double { plan.load }
}

extension RunPlan {
    /// What its time is taken to be proportional to: arithmetic of all steps over the CPUs that can share it.
    package var load: Double {
        let cpus = placement.quota?.cpus ?? Double(placement.cpuCount)
        return productFLOPs * Double(configuration.steps) / cpus
    }
}

extension RunOptions {
    /// On one stage a schedule changes nothing.
    private var orderTitle: String {
        if stages == 1, replicas == 1, case .kind(let kind) = schedule, kind.stagesOfRank == .exactly(1) {
            return Term.oneStage.name
        }
        return schedule.title
    }

    /// What most grids vary, for a person.
    var title: String {
        let team = threads > 1 ? " of \(threads) threads" : ""
        let side = replicas > 1 ? " R=\(replicas)" : ""
        return "\(model.architecture.rawValue) \(model.layers)L-\(model.heads)H dim \(model.dim) \(orderTitle) "
            + "\(transport.rawValue) P=\(stages)\(team)\(side) M=\(microbatches) \(partition.text)"
    }
}
