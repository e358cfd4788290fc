// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Threads

/// A comparison of rounds that never were: each step is one forward and an update, whose times are given.
struct MadeUpComparison {
    /// The steps of a candidate in milliseconds, round by round.
    struct Steps {
        let schedule: ScheduleKind
        var transport = TransportKind.threads
        var pin = PinPolicy.auto
        let milliseconds: [Double]
        /// Of each step.
        var update = 5.0
        /// What all measured steps of each round's run showed; nothing unless given.
        var whole: [Comparison.Trial.WholeRun] = []
        /// Of each round; none unless given.
        var handoffs: [Handoffs] = []
        /// In each round, which part of the step others took; nobody can tell unless given.
        var taken: [Double] = []
    }

    /// What receivers met in a round.
    struct Handoffs {
        var seconds: [Double] = []
        /// How many of them slept.
        var parked = 0
    }

    private let graph: TaskGraph

    init() throws { graph = try TaskGraph(.gpipe(ranks: 1, microbatches: 1)) }

    /// With one stage that takes 150 ms each time.
    func figures(_ candidates: [Steps]) throws -> ComparisonFigures {
        let rounds = candidates[0].milliseconds.count
        let plans = try candidates.map { steps in
            Comparison.Candidate(transport: steps.transport, plan: try Self.plan(steps))
        }
        let oneStage = (0..<rounds).map { _ in trial(150, update: 5) }
        let trials = candidates.map { steps in
            steps.milliseconds.indices.map { round in
                trial(
                    steps.milliseconds[round], update: steps.update,
                    whole: steps.whole.isEmpty ? nil : steps.whole[round],
                    handoffs: steps.handoffs.isEmpty ? Handoffs() : steps.handoffs[round],
                    taken: steps.taken.isEmpty ? nil : steps.taken[round])
            }
        }
        return ComparisonFigures(Comparison(plans, trials: trials, oneStage: oneStage))
    }

    private static func plan(_ steps: Steps) throws -> RunPlan {
        var spec = ModelSpec()
        (spec.vocabulary, spec.dim, spec.layers, spec.heads) = (50, 24, 4, 3)
        (spec.hidden, spec.sequenceLength) = (48, 8)
        let schedule = steps.schedule.make(ranks: 2, virtualStages: 1, microbatches: 4)
        var configuration = RunConfiguration(model: spec.model(), schedule: schedule)
        configuration.pin = steps.pin
        let machine = try MadeUpMachine()
        return try withExtendedLifetime(machine) { try RunPlan(configuration, on: machine.machine) }
    }

    private func trial(
        _ milliseconds: Double, update: Double, whole: Comparison.Trial.WholeRun? = nil,
        handoffs: Handoffs = Handoffs(), taken: Double? = nil
    ) -> Comparison.Trial {
        var tasks: [TaskTimes] = []
        var now: UInt64 = 0
        for task in graph.tasks[0] {
            var times = TaskTimes()
            (times.begin, times.received, times.ready) = (now, now, now)
            now += nanoseconds(of: task, milliseconds, update)
            (times.end, times.sent) = (now, now)
            tasks.append(times)
        }
        let times = StepTimes(graph, released: 0, seconds: Double(now) / 1e9, tasks: [tasks])
        return Comparison.Trial(
            step: StepFigures(times), handoffSeconds: handoffs.seconds, parked: handoffs.parked,
            disturbance: taken.map { Disturbance(share: $0) }, whole: whole)
    }

    private func nanoseconds(of task: RankTask, _ milliseconds: Double, _ update: Double) -> UInt64 {
        switch task {
        case .update: UInt64((update * 1e6).rounded())
        case .action(let action): action.kind == .forward ? UInt64(((milliseconds - update) * 1e6).rounded()) : 0
        case .pack, .share, .sum, .collect: 0
        }
    }
}
