// SPDX-License-Identifier: Apache-2.0

/// `MakespanBound`'s bound of a problem, of what is left of an order: heads begin with what has been done.
struct ExactBound {
    private let graph: BoundGraph
    private let ranks: Int
    private let tails: [Double]
    private var heads: [Double]
    private var room: BoundRoom
    /// For each rank, the moment from which on it does what is left.
    private var free: [Double]
    private var jobs: ExactJobs

    init(_ problem: OrderProblem, _ graph: BoundGraph) {
        (self.graph, ranks) = (graph, problem.ranks)
        room = BoundRoom(problem)
        tails = graph.tails(room)
        heads = Array(repeating: 0, count: graph.count)
        free = Array(repeating: 0, count: problem.ranks)
        jobs = ExactJobs(capacity: graph.count)
    }

    /// What has to come after a choice; it has the tail of what it is at first.
    @inline(__always)
    func tail(_ choice: ExactChoice) -> Double {
        let step = choice.step == ExactChoice.whole ? BoundGraph.Step.gradient : choice.step
        return tails[graph.index(step, choice.stage, choice.microbatch)]
    }

    /// - Parameter cutoff: more need not be known than that it is no less.
    mutating func value(_ state: ExactState, atMost cutoff: Double) -> Double {
        state.memory.fill(&room)
        for rank in 0..<ranks { free[rank] = max(state.free[rank], state.held[rank]) }
        graph.fillHeads(&heads, after: state.done, free: free, room)
        var value = 0.0
        for rank in 0..<ranks {
            jobs.removeAll()
            for stage in 0..<graph.stages where graph.rankOfStage[stage] == rank { addJobs(of: stage, state) }
            value = max(value, jobs.makespan, state.free[rank])
            if value >= cutoff { return value }
        }
        return value
    }

    private mutating func addJobs(of stage: Int, _ state: ExactState) {
        for step in 0..<3 {
            let length = graph.lengths[step, stage]
            for microbatch in state.count(step, stage)..<graph.microbatches {
                let index = graph.index(step, stage, microbatch)
                jobs.add(head: heads[index], length: length, tail: tails[index])
            }
        }
    }
}

/// Jobs of one machine that may put them down, by their heads: `PreemptiveMachine` for a few jobs, without any allocation.
private struct ExactJobs {
    private var heads, lengths, tails: [Double]
    private var count = 0

    init(capacity: Int) {
        heads = Array(repeating: 0, count: capacity)
        (lengths, tails) = (heads, heads)
    }

    mutating func removeAll() { count = 0 }

    @inline(__always)
    mutating func add(head: Double, length: Double, tail: Double) {
        var at = count
        while at > 0, heads[at - 1] > head {
            (heads[at], lengths[at], tails[at]) = (heads[at - 1], lengths[at - 1], tails[at - 1])
            at -= 1
        }
        (heads[at], lengths[at], tails[at]) = (head, length, tail)
        count += 1
    }

    /// For each tail, the jobs with tails as long done by their heads, and then that tail: the longest of these, since the
    /// machine does them before all others (Jackson's preemptive schedule).
    var makespan: Double {
        var longest = 0.0
        for least in 0..<count {
            let tail = tails[least]
            var end = 0.0
            for job in 0..<count where tails[job] >= tail { end = max(end, heads[job]) + lengths[job] }
            longest = max(longest, end + tail)
        }
        return longest
    }
}
