// SPDX-License-Identifier: Apache-2.0

/// What no order is shorter than that keeps to what ranks may hold.
///
/// With k frames, a stage's forward of microbatch m comes after the end of m - k, and its input gradient after that of m - g with
/// g of the other kind. With these waits the longest chains to and from an action get longer (its head and its tail), and each rank
/// again takes no less than one machine that may put its actions down does (`PreemptiveMachine`). A head is also no less than
/// what the rank has to do before: of all its actions that come before in any order, those from any head on, one after the other.
struct FrameBound {
    /// The bound itself.
    private(set) var value: Double

    private let model: OrderModel
    /// For each node, which is an action (microbatch x streams + stream), how long it takes at least.
    private let length: [Double]
    private let rankOfNode: [Int]

    /// Whether it can be found in a second or so, and in 64 MiB.
    static func isCheap(_ model: OrderModel) -> Bool {
        let actions = model.first.last!
        let ofRank = model.stagesOfRank.map(\.count).max() ?? 0
        return actions * model.streams <= 1 << 24 && actions * ofRank * ofRank * model.microbatches <= 1 << 27
    }

    /// - Complexity: O(actions x actions of a rank x stages of a rank), in memory O(actions x stages).
    init(_ model: OrderModel, _ costs: OrderCosts) {
        self.model = model
        let stages = model.stages
        length = (0..<model.microbatches * 3 * stages).map { node in
            let (stage, part) = (node % (3 * stages) / 3, node % 3)
            let stageCosts = costs.stages[stage]
            return part == 0
                ? stageCosts.forward : part == 1 ? stageCosts.inputGradient : stageCosts.weightGradient
        }
        rankOfNode = (0..<length.count).map { model.problem.rankOfStage[$0 % (3 * stages) / 3] }
        value = 0
        let (order, edges) = Self.graph(model)
        let heads = earliest(order, edges)
        let tails = earliest(
            order.reversed(), edges.map { Edge(from: $0.to, to: $0.from, lag: $0.lag) }, isMirrored: true)
        var jobs = [[PreemptiveMachine.Job]](repeating: [], count: model.ranks)
        for node in length.indices {
            jobs[rankOfNode[node]].append(.init(head: heads[node], length: length[node], tail: tails[node]))
        }
        value = jobs.map { PreemptiveMachine.makespan($0) }.max() ?? 0
    }

    /// One action cannot begin before another has ended, and its hand-off has come.
    private struct Edge {
        let from, to: Int
        let lag: Double
    }

    /// All nodes, each after those that it has edges from; and all edges.
    private static func graph(_ model: OrderModel) -> (order: [Int], edges: [Edge]) {
        let (stages, streams) = (model.stages, model.streams)
        let most = model.mostFrames
        var (order, edges) = ([Int](), [Edge]())
        for microbatch in 0..<model.microbatches {
            func node(_ stage: Int, _ part: Int, before: Int = 0) -> Int {
                (microbatch - before) * streams + 3 * stage + part
            }
            func add(_ from: Int, _ to: Int, _ lag: Double = 0) {
                if from >= 0 { edges.append(Edge(from: from, to: to, lag: lag)) }
            }
            for stage in 0..<stages {
                let (forward, input, weights) = (node(stage, 0), node(stage, 1), node(stage, 2))
                for to in [forward, input, weights] { add(to - streams, to) }
                add(forward, input)
                add(input, weights)
                add(node(stage, 2, before: most.frames[stage]), forward)
                add(node(stage, 2, before: most.gradients[stage]), input)
                if stage > 0 {
                    add(node(stage - 1, 0), forward, model.lag[3 * stage])
                    add(input, node(stage - 1, 1), model.lag[3 * stage - 2])
                }
            }
            order +=
                (0..<stages).map { node($0, 0) } + (0..<stages).reversed().map { node($0, 1) }
                + (0..<stages).map { node($0, 2) }
        }
        return (order, edges)
    }

    /// For each node when it can begin at the earliest.
    ///
    /// Of a stream, those that have to come before an action are the first so many (mirrored: the last), since a stage goes through
    /// the microbatches in their order.
    private func earliest(_ order: [Int], _ edges: [Edge], isMirrored: Bool = false) -> [Double] {
        let streams = model.streams
        var firstEdge = [Int](repeating: 0, count: length.count + 1)
        for edge in edges { firstEdge[edge.to + 1] += 1 }
        for node in length.indices { firstEdge[node + 1] += firstEdge[node] }
        var filled = firstEdge
        var sorted = edges
        for edge in edges {
            sorted[filled[edge.to]] = edge
            filled[edge.to] += 1
        }
        var start = [Double](repeating: 0, count: length.count)
        /// For each node and stream how many come before.
        var before = [Int32](repeating: 0, count: length.count * streams)
        for node in order {
            for edge in sorted[firstEdge[node]..<firstEdge[node + 1]] {
                start[node] = max(start[node], start[edge.from] + length[edge.from] + edge.lag)
                for stream in 0..<streams {
                    before[node * streams + stream] = max(
                        before[node * streams + stream], before[edge.from * streams + stream])
                }
                let (microbatch, stream) = edge.from.quotientAndRemainder(dividingBy: streams)
                let number = Int32(isMirrored ? model.microbatches - microbatch : microbatch + 1)
                before[node * streams + stream] = max(before[node * streams + stream], number)
            }
            start[node] = max(start[node], busy(node, before, start, isMirrored))
        }
        return start
    }

    /// Until when a node's rank is busy with what comes before it.
    private func busy(_ node: Int, _ before: [Int32], _ start: [Double], _ isMirrored: Bool) -> Double {
        let (streams, stages) = (model.streams, model.stagesOfRank[rankOfNode[node]])
        var left = stages.flatMap { stage in (0..<3).map { Int(before[node * streams + 3 * stage + $0]) } }
        var (sum, latest) = (0.0, 0.0)
        // Begins ascend within a stream, so the latest of all is the last of one of them.
        while true {
            var (best, most) = (-1, -1.0)
            var bestNode = 0
            for (index, count) in left.enumerated() where count > 0 {
                let stream = 3 * stages[index / 3] + index % 3
                let other = (isMirrored ? model.microbatches - count : count - 1) * streams + stream
                if start[other] > most { (best, most, bestNode) = (index, start[other], other) }
            }
            if best < 0 { return latest }
            left[best] -= 1
            sum += length[bestNode]
            latest = max(latest, most + sum)
        }
    }
}

extension OrderModel {
    /// For each stage the most frames that any order may use: the rank's other stages have to have one of each kind.
    var mostFrames: (frames: [Int], gradients: [Int]) {
        guard let memory = problem.memory else {
            let all = Array(repeating: microbatches, count: stages)
            return (all, all)
        }
        var (frames, gradients) = ([Int](), [Int]())
        for stage in 0..<stages {
            let rank = problem.rankOfStage[stage]
            let others = stagesOfRank[rank].reduce(0) {
                $1 == stage ? $0 : $0 + memory.frameBytes[$1] + memory.gradientBytes[$1]
            }
            let room = memory.limitOfRank[rank] - others
            // Each microbatch with a frame of the second kind has one of the first.
            let pair = memory.frameBytes[stage] + memory.gradientBytes[stage]
            frames.append(most(room - memory.gradientBytes[stage], memory.frameBytes[stage]))
            gradients.append(most(room, pair))
        }
        return (frames, gradients)
    }

    /// How often a size goes into a room, from 1 to M.
    private func most(_ room: Int, _ size: Int) -> Int {
        size > 0 ? min(microbatches, max(1, room / size)) : microbatches
    }
}
