// SPDX-License-Identifier: Apache-2.0

/// Sets of ranks within which ranks learn of each other: the blocks (biconnected components) of the graph whose edges are the
/// ranks that hand on to each other.
///
/// What one rank knows of a neighbour's progress has come along a path of hand-offs. Whatever path leaves their block comes
/// back into it through the rank by which it left, which has told more by then; so paths inside the block are enough. Of a line
/// of ranks each pair of neighbours is a block; of a loop all ranks are one.
struct RankBlocks {
    /// Of each block, ascending.
    let ranks: [[Int]]
    /// For each stage, the block that has its rank and the next stage's; nil where these are one rank, or the stage is its copy's last.
    private let blockOfEdge: [Int?]

    /// Hopcroft and Tarjan's, 1973.
    ///
    /// - Complexity: O(stages).
    init(_ schedule: Schedule) {
        var search = BlockSearch(schedule)
        search.run()
        ranks = search.blocks
        var blockOfEdge = schedule.rankOfStage.map { _ in Int?.none }
        for stage in schedule.lowerEndsOfEdges {
            blockOfEdge[stage] = search.block(schedule.rankOfStage[stage], schedule.rankOfStage[stage + 1])
        }
        self.blockOfEdge = blockOfEdge
    }

    /// The block of the edge between a stage and the next one; nil where there is no edge between two ranks.
    func ofEdge(above stage: Int) -> Int? { blockOfEdge.indices.contains(stage) ? blockOfEdge[stage] : nil }
}

private struct BlockSearch {
    private var neighbours: [[Int]]
    private var depth: [Int]
    private var low: [Int]
    private var edges: [(Int, Int)] = []
    private(set) var blocks: [[Int]] = []
    /// For each rank, the one of its blocks in which it is not the first that was found.
    private var home: [Int]

    init(_ schedule: Schedule) {
        var sets = [Set<Int>](repeating: [], count: schedule.ranks)
        for stage in schedule.lowerEndsOfEdges {
            let (a, b) = (schedule.rankOfStage[stage], schedule.rankOfStage[stage + 1])
            if a == b { continue }
            sets[a].insert(b)
            sets[b].insert(a)
        }
        neighbours = sets.map { $0.sorted() }
        depth = Array(repeating: -1, count: schedule.ranks)
        low = depth
        home = depth
    }

    /// Of two ranks that hand on to each other: the one that was found later is at home there.
    func block(_ rank: Int, _ other: Int) -> Int? {
        rank == other ? nil : home[depth[rank] > depth[other] ? rank : other]
    }

    /// Depth first, with a stack of its own: there may be as many ranks as there are actions.
    mutating func run() {
        for root in depth.indices where depth[root] < 0 {
            var path = [(rank: root, parent: -1, next: 0)]
            (depth[root], low[root]) = (0, 0)
            while let (rank, parent, next) = path.last {
                if next < neighbours[rank].count {
                    path[path.count - 1].next += 1
                    visit(neighbours[rank][next], from: rank, parent, &path)
                } else {
                    path.removeLast()
                    if parent >= 0 { leave(rank, to: parent) }
                }
            }
        }
    }

    private mutating func visit(
        _ other: Int, from rank: Int, _ parent: Int, _ path: inout [(rank: Int, parent: Int, next: Int)]
    ) {
        if depth[other] < 0 {
            edges.append((rank, other))
            depth[other] = depth[rank] + 1
            low[other] = depth[other]
            path.append((other, rank, 0))
        } else if other != parent && depth[other] < depth[rank] {
            edges.append((rank, other))
            low[rank] = min(low[rank], depth[other])
        }
    }

    private mutating func leave(_ rank: Int, to parent: Int) {
        low[parent] = min(low[parent], low[rank])
        if low[rank] < depth[parent] { return }
        var ranks: Set<Int> = []
        while let edge = edges.popLast() {
            ranks.formUnion([edge.0, edge.1])
            if edge == (parent, rank) { break }
        }
        for member in ranks where member != parent { home[member] = blocks.count }
        blocks.append(ranks.sorted())
    }
}
