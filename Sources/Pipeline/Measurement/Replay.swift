import Threads

/// When each task of a step would have been done if every hand-off had cost nothing: tasks as long as they were measured,
/// in each rank's order, each as soon as its rank has come to it and its inputs are there.
public struct Replay: Sendable {
    /// For each rank and task, seconds after the release into the step.
    public let start: [[Double]]
    public let end: [[Double]]

    /// From the release to the end of the last task that is not an update.
    public let makespan: Double

    /// - Parameters:
    ///   - durations: seconds, for each rank and task of a sound schedule.
    ///   - delays: seconds that each task stands still once its rank has come to it and its inputs are there; none unless
    ///     given.
    public init(_ graph: TaskGraph, durations: [[Double]], delays: [[Double]]? = nil) {
        require(graph.has(shape: durations.map(\.count)), "one duration for each task is needed")
        require(graph.has(shape: (delays ?? durations).map(\.count)), "one delay for each task is needed")
        var start = durations.map { $0.map { _ in 0.0 } }
        var end = start
        for place in graph.order {
            let (rank, task) = (place.rank, place.task)
            let inputs = graph.causes[rank][task].map { end[$0.rank][$0.task] }.max() ?? 0
            start[rank][task] = max(task > 0 ? end[rank][task - 1] : 0, inputs) + (delays?[rank][task] ?? 0)
            end[rank][task] = start[rank][task] + durations[rank][task]
        }
        self.start = start
        self.end = end
        makespan = graph.order.reduce(0) { most, place in
            graph.tasks[place.rank][place.task] == .update ? most : max(most, end[place.rank][place.task])
        }
    }
}

/// The tasks of all ranks with what each waits for.
public struct TaskGraph: Sendable {
    public struct Place: Hashable, Sendable {
        public let rank: Int
        public let task: Int
    }

    public let tasks: [[RankTask]]
    /// For each rank and task, the tasks whose results it needs, besides its rank's earlier ones.
    public let causes: [[[Place]]]
    /// For each rank and task, the cause that is another stage's: who hands on what the task receives.
    public let senders: [[Place?]]
    /// All tasks, each after those that it has to wait for.
    public let order: [Place]

    /// How many stages the tasks are of.
    var stages: Int { 1 + (tasks.joined().compactMap(\.stage).max() ?? -1) }

    /// Whether there are so many values for each rank as it has tasks.
    func has(shape counts: [Int]) -> Bool { counts == tasks.map(\.count) }

    /// - Throws: `ScheduleError` when actions are missing, repeated or misplaced, or wait for each other.
    public init(_ schedule: Schedule) throws(ScheduleError) {
        try schedule.checkComplete()
        let sorted = ScheduleOrder(schedule)
        let tasks = schedule.tasks
        var placeOfAction: [Action: Place] = [:]
        for (rank, list) in tasks.enumerated() {
            for (index, task) in list.enumerated() {
                if case .action(let action) = task { placeOfAction[action] = Place(rank: rank, task: index) }
            }
        }
        let causes = tasks.map { list in
            list.map { task -> [Place] in
                guard case .action(let action) = task else { return [] }
                return sorted.causes(of: action).map { placeOfAction[$0]! }
            }
        }
        // An action brings the tasks before it that are no actions; what is left at the end follows.
        var order: [Place] = []
        var next = tasks.map { _ in 0 }
        try sorted.run(activationSlots: nil, gradientSlots: nil) { rank, index in
            let place = placeOfAction[schedule.actions[rank][index]]!.task
            while next[rank] <= place {
                order.append(Place(rank: rank, task: next[rank]))
                next[rank] += 1
            }
        }
        for (rank, list) in tasks.enumerated() {
            order += (next[rank]..<list.count).map { Place(rank: rank, task: $0) }
        }
        self.order = order
        self.tasks = tasks
        self.causes = causes
        senders = zip(tasks, causes).map { list, causes in
            zip(list, causes).map { task, causes in causes.first { tasks[$0.rank][$0.task].stage != task.stage } }
        }
    }
}
