// SPDX-License-Identifier: Apache-2.0

import Threads

extension Partition {
    /// The cut under which a schedule's step would be the shortest: by replay (`Replay`), with a unit's forward, and each of
    /// the two gradients of its backward, as long as its load says, and hand-offs that cost nothing.
    ///
    /// Giving the most loaded rank as little as possible would not do: the order decides what a stage's length costs, and with
    /// several stages a rank, its chunks may make up for each other and still leave gaps between them.
    ///
    /// All cuts are tried where there are few; else cuts are moved, one or two at a time, from stages of about the same load,
    /// for as long as that makes the step shorter.
    ///
    /// - Parameters:
    ///   - loads: the work of each unit, such as its FLOPs.
    ///   - stages: how many, from 1 to the number of units.
    ///   - graph: the tasks of a schedule of as many stages; each of its copies is cut alike.
    /// - Throws: `PartitionError` with more stages than units, or none.
    public static func balanced(loads: [Double], stages: Int, _ graph: TaskGraph) throws(PartitionError) -> Partition {
        if stages < 1 || stages > loads.count {
            throw PartitionError(kind: .balanced, stages: stages, stagesMax: loads.count, what: "unit")
        }
        require(graph.stagesOfCopy == stages, "a graph of \(graph.stagesOfCopy) stages to cut \(stages) for")
        var search = PartitionSearch(loads: loads, stages: stages, graph)
        return Partition(cuts: search.best())
    }
}

/// Looks for the cuts with the shortest step. Cuts are where stages start, and the number of units.
private struct PartitionSearch {
    /// More cuts than this are not all tried.
    private static let cutsMax = 3000

    private let graph: TaskGraph
    private let stages: Int
    /// Of the units before each.
    private let sums: [Double]
    private var bestCuts: [Int]
    private var bestStep: Double

    init(loads: [Double], stages: Int, _ graph: TaskGraph) {
        self.graph = graph
        self.stages = stages
        sums = loads.reduce(into: [0.0]) { $0.append($0.last! + $1) }
        bestCuts = Self.evenCuts(sums, stages)
        bestStep = .infinity
        consider(bestCuts)
    }

    private var units: Int { sums.count - 1 }

    mutating func best() -> [Int] {
        if cutCount <= Self.cutsMax { tryAll([0]) } else { descend() }
        return bestCuts
    }

    /// Each stage ends where its share of the load does, or as near as the others need it.
    private static func evenCuts(_ sums: [Double], _ stages: Int) -> [Int] {
        let units = sums.count - 1
        var cuts = [0]
        for stage in 1..<max(stages, 1) {
            let share = sums[units] * Double(stage) / Double(stages)
            let cut = sums.firstIndex { $0 >= share } ?? units
            cuts.append(min(max(cut, cuts[stage - 1] + 1), units - (stages - stage)))
        }
        return cuts + [units]
    }

    /// Ways to choose the stages' starts out of the units.
    private var cutCount: Int {
        var count = 1
        for chosen in 1..<max(stages, 1) {
            count = count * (units - chosen) / chosen
            if count > Self.cutsMax { return count }
        }
        return count
    }

    private mutating func tryAll(_ cuts: [Int]) {
        if cuts.count == stages { return consider(cuts + [units]) }
        for cut in cuts.last! + 1...units - (stages - cuts.count) { tryAll(cuts + [cut]) }
    }

    private mutating func descend() {
        var before = Double.infinity
        while bestStep < before {
            before = bestStep
            let start = bestCuts
            for first in 1..<stages {
                for second in first..<stages {
                    for (a, b) in [(1, 1), (1, -1), (-1, 1), (-1, -1)] {
                        var cuts = start
                        cuts[first] += a
                        if second > first { cuts[second] += b }
                        consider(cuts)
                    }
                }
            }
        }
    }

    /// Takes cuts that leave no stage empty and make the step shorter.
    private mutating func consider(_ cuts: [Int]) {
        guard zip(cuts, cuts.dropFirst()).allSatisfy({ $0 < $1 }) else { return }
        let step = step(cuts)
        if step < bestStep { (bestCuts, bestStep) = (cuts, step) }
    }

    private func step(_ cuts: [Int]) -> Double {
        let durations = graph.tasks.map { list in
            list.map { task -> Double in
                guard case .action(let action) = task else { return 0 }
                let stage = action.stage % stages
                let load = sums[cuts[stage + 1]] - sums[cuts[stage]]
                return action.kind == .backward ? 2 * load : load
            }
        }
        return Replay(graph, durations: durations).makespan
    }
}
