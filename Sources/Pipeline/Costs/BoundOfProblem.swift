// SPDX-License-Identifier: Apache-2.0

extension MakespanBound {
    /// A time that no order of a problem can be done in less than, which knows what ranks may hold.
    ///
    /// Heads and tails are the longest chains of `BoundGraph`, which has what follows from room for so many frames besides what is
    /// handed on; where both forms of backwards are allowed, each stage's take the least that either allows (`BoundLengths`). The
    /// work of a rank is that least, too.
    ///
    /// With no memory limit it is never less than the bound of a schedule with the same backwards: a stage's later microbatches
    /// also come after its earlier ones here.
    ///
    /// Where peaks of several stages of a rank, or of a stage's frames and gradients, share a limit, every order's are within one of a few
    /// ways to share it (`BoundRoom.shares`). Each way has a bound, and the least of them holds; `proof` is that one's.
    ///
    /// - Parameters:
    ///   - problem: any; where no order fits into its memory the bound is infinite.
    ///   - backwards: which forms an order's backwards may have.
    /// - Complexity: O(actions x log actions), with limits that are shared up to 256 times that.
    public init(_ problem: OrderProblem, backwards: ExactOrder.Backwards = .either) {
        let graph = BoundGraph(problem, backwards)
        if let rank = BoundRoom.rankWithout(problem) {
            var work = [Double](repeating: 0, count: problem.ranks)
            for (stage, rank) in problem.rankOfStage.enumerated() {
                work[rank] += Double(problem.microbatches) * graph.lengths.work(stage)
            }
            self.init(noRoomOn: rank, ranks: problem.ranks, workOfRank: work)
            return
        }
        let bounds = BoundRoom.shares(problem, graph.lengths, atMost: Self.sharesMost)
            .map { MakespanBound(graph, $0, ranks: problem.ranks) }
        self = bounds.min { $0.value < $1.value } ?? MakespanBound(graph, BoundRoom(problem), ranks: problem.ranks)
    }

    /// How many ways to share memory are looked at.
    private static let sharesMost = 256

    private init(_ graph: BoundGraph, _ room: BoundRoom, ranks: Int) {
        let tails = graph.tails(room)
        var heads = [Double](repeating: 0, count: graph.count)
        let free = [Double](repeating: 0, count: ranks)
        graph.fillHeads(&heads, after: BoundGraph.Done(graph), free: free, room)
        self.init(graph.jobs(heads, tails, ranks: ranks), graph.longest(tails, room))
    }
}

extension BoundGraph {
    /// Each rank's.
    func jobs(_ heads: [Double], _ tails: [Double], ranks: Int) -> [[PreemptiveMachine.Job]] {
        var jobs = [[PreemptiveMachine.Job]](repeating: [], count: ranks)
        for index in 0..<count where length(of: index) > 0 {
            jobs[rankOfStage[index / 3 % stages]].append(
                .init(head: heads[index], length: length(of: index), tail: tails[index]))
        }
        return jobs
    }

    /// The longest chain: from the first forward of all, which all others come after.
    func longest(_ tails: [Double], _ room: BoundRoom) -> BoundChain {
        var (at, actions) = (0, [action(0)])
        func rest(_ next: (index: Int, gap: Double)) -> Double { next.gap + length(of: next.index) + tails[next.index] }
        while true {
            let followers = followers(of: at % 3, at / 3 % stages, at / 3 / stages, room)
            // The first of equals: as far as it goes, of one microbatch.
            guard let next = followers.first(where: { rest($0) == tails[at] }), tails[at] > 0 else { break }
            at = next.index
            // What follows a whole backward as its end is nothing of its own.
            if length(of: at) > 0 || at % 3 != Step.end { actions.append(action(at)) }
        }
        return BoundChain(length: length(of: 0) + tails[0], actions: actions)
    }

    /// Of a step; a backward that may have both forms is named by its parts.
    private func action(_ index: Int) -> Action {
        let (stage, microbatch) = (index / 3 % stages, index / 3 / stages)
        let kind: Action.Kind =
            switch index % 3 {
            case Step.forward: .forward
            case Step.gradient: lengths.mayBeSplit[stage] ? .backwardInput : .backward
            default: .backwardWeights
            }
        return Action(kind, stage: stage, microbatch: microbatch)
    }
}
