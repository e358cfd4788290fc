/// How the units of a model are cut into stages.
public enum PartitionKind: String, CaseIterable, Sendable {
    /// Whole layers, as evenly as their number allows; the embedding with the first, the head with the last.
    case uniform
    /// Any cut between units, so that the rank with the most work has as little as possible.
    case balanced
}

/// A cut of a model's units into consecutive, non-empty stages.
public struct Partition: Equatable, Sendable {
    /// The units of each stage.
    public let ranges: [Range<Int>]

    public init(ranges: [Range<Int>]) { self.ranges = ranges }

    /// Layers [s L / K, (s + 1) L / K) on stage s of K, as the reference study splits them.
    /// - Throws: `PartitionError` with more stages than layers.
    public static func uniform(_ model: Model, stages: Int) throws(PartitionError) -> Partition {
        if stages > model.layers {
            throw PartitionError(kind: .uniform, stages: stages, stagesMax: model.layers, what: "layers")
        }
        var cuts = [0]
        for stage in 1..<max(stages, 1) {
            let firstLayer = stage * model.layers / stages
            cuts.append(model.units.firstIndex { $0.layer == firstLayer }!)
        }
        cuts.append(model.units.count)
        return Partition(cuts: cuts)
    }

    /// The contiguous cut that minimizes the load of the most loaded rank, a rank's load being that of all its stages.
    ///
    /// With one stage a rank this is the linear partition problem, solved exactly by dynamic programming. With several
    /// it is searched depth first with bounds, from the solution for separate stages; after `searchNodesMax` nodes the
    /// best cut found so far is taken.
    ///
    /// - Parameters:
    ///   - loads: the work of each unit, such as its FLOPs.
    ///   - rankOfStage: the rank that runs each stage.
    /// - Complexity: O(stages x units^2) with one stage a rank.
    /// - Throws: `PartitionError` with more stages than units.
    public static func balanced(loads: [Double], rankOfStage: [Int]) throws(PartitionError) -> Partition {
        let stages = rankOfStage.count
        if stages > loads.count {
            throw PartitionError(kind: .balanced, stages: stages, stagesMax: loads.count, what: "units")
        }
        let separate = linearPartition(loads, stages)
        if Set(rankOfStage).count == stages { return separate }
        var search = BalancedSearch(loads: loads, rankOfStage: rankOfStage, start: separate)
        return search.best()
    }

    static let searchNodesMax = 2_000_000

    fileprivate init(cuts: [Int]) { ranges = zip(cuts, cuts.dropFirst()).map { $0..<$1 } }

    /// The load of each rank.
    public func rankLoads(_ loads: [Double], rankOfStage: [Int]) -> [Double] {
        var sums = Array(repeating: 0.0, count: (rankOfStage.max() ?? 0) + 1)
        for (stage, range) in ranges.enumerated() { sums[rankOfStage[stage]] += loads[range].reduce(0, +) }
        return sums
    }

    /// Cuts loads into runs with the smallest possible largest sum; among equals, the latest last cut.
    private static func linearPartition(_ loads: [Double], _ stages: Int) -> Partition {
        let sums = prefixSums(loads)
        let count = loads.count
        // best[k][n]: the smallest largest sum of the first n units in k runs; cut[k][n]: where the last run starts.
        var best = [[Double]](repeating: Array(repeating: .infinity, count: count + 1), count: stages + 1)
        var cut = [[Int]](repeating: Array(repeating: 0, count: count + 1), count: stages + 1)
        best[0][0] = 0
        for k in 1...stages {
            for n in k...count {
                for start in (k - 1)..<n {
                    let largest = max(best[k - 1][start], sums[n] - sums[start])
                    if largest <= best[k][n] { (best[k][n], cut[k][n]) = (largest, start) }
                }
            }
        }
        var cuts = [count]
        for k in stride(from: stages, to: 0, by: -1) { cuts.insert(cut[k][cuts[0]], at: 0) }
        return Partition(cuts: cuts)
    }

    fileprivate static func prefixSums(_ loads: [Double]) -> [Double] {
        loads.reduce(into: [0.0]) { $0.append($0.last! + $1) }
    }
}

/// Depth-first search over cuts, one stage at a time, with two bounds: no rank reaches the best largest load so far,
/// and what is left fits under it on all ranks together.
private struct BalancedSearch {
    private let sums: [Double]
    private let rankOfStage: [Int]
    private var rankLoads: [Double]
    private var cuts = [0]
    private var bestCuts: [Int]
    private var bestLargest: Double
    private var nodes = 0

    init(loads: [Double], rankOfStage: [Int], start: Partition) {
        sums = Partition.prefixSums(loads)
        self.rankOfStage = rankOfStage
        rankLoads = Array(repeating: 0, count: rankOfStage.max()! + 1)
        bestCuts = [0] + start.ranges.map(\.upperBound)
        bestLargest = start.rankLoads(loads, rankOfStage: rankOfStage).max()!
    }

    mutating func best() -> Partition {
        extend(stage: 0)
        return Partition(cuts: bestCuts)
    }

    private mutating func extend(stage: Int) {
        let units = sums.count - 1
        let start = cuts.last!
        if stage == rankOfStage.count {
            (bestCuts, bestLargest) = (cuts, rankLoads.max()!)
            return
        }
        let room = rankLoads.reduce(0) { $0 + (bestLargest - $1) }
        if sums[units] - sums[start] >= room { return }
        let isLast = stage == rankOfStage.count - 1
        let rank = rankOfStage[stage]
        for end in (isLast ? units : start + 1)...(units - (rankOfStage.count - 1 - stage)) {
            nodes += 1
            let load = sums[end] - sums[start]
            if rankLoads[rank] + load >= bestLargest || nodes > Partition.searchNodesMax { return }
            rankLoads[rank] += load
            cuts.append(end)
            extend(stage: stage + 1)
            cuts.removeLast()
            rankLoads[rank] -= load
        }
    }
}

/// More stages than there are things to put on them.
public struct PartitionError: Error, Equatable, CustomStringConvertible {
    public let kind: PartitionKind
    public let stages: Int
    public let stagesMax: Int
    let what: String
    public var description: String {
        "a \(kind.rawValue) partition of \(stagesMax) \(what) has at most \(stagesMax) stages, not \(stages)"
    }
}
