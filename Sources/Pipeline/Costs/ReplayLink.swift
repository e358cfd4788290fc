// SPDX-License-Identifier: Apache-2.0

extension Replay {
    /// What hand-offs cost: what a rank hands on leaves it one item after the other, and arrives a latency later.
    ///
    /// A table of stages and of what they hand on, since all microbatches' items of an edge are alike.
    public struct Link: Sendable {
        /// Of one kind of items of a stage.
        struct Item: Sendable {
            /// Whether any of them goes by the link; what does not costs nothing.
            var isOnLink = false
            /// How long it takes to leave, in seconds.
            var transfer = 0.0
            /// From the moment that it has left to the moment that it can be received, in seconds.
            var latency = 0.0
        }

        private var items: [Item]

        /// - Parameters:
        ///   - graph: whose tasks hand on.
        ///   - latency: in seconds.
        ///   - isOnLink: whether what one rank hands on to another goes by the link; what does not costs nothing. All of it unless given.
        ///   - transfer: how long what a task hands on takes to leave its rank, in seconds.
        public init(
            _ graph: TaskGraph, latency: Double, isOnLink: (Int, Int) -> Bool = { _, _ in true },
            transfer: (RankTask) -> Double
        ) {
            self.init(graph) { task, from, to in
                isOnLink(from, to) ? (transfer: transfer(task), latency: latency) : nil
            }
        }

        /// - Parameters:
        ///   - graph: whose tasks hand on.
        ///   - cost: in seconds, of what a task of one rank hands on to another; nil where it costs nothing. Asked once for each stage and
        ///     kind of task.
        public init(_ graph: TaskGraph, cost: (RankTask, Int, Int) -> (transfer: Double, latency: Double)?) {
            items = Array(repeating: Item(), count: graph.stages * Self.kinds)
            var isKnown = items.map { _ in false }
            for receiver in graph.order {
                if let sender = graph.onlySender(of: receiver) {
                    add(graph, sender, receiver.rank, &isKnown, cost)
                } else {
                    for sender in graph.senders(of: receiver) { add(graph, sender, receiver.rank, &isKnown, cost) }
                }
            }
        }

        private mutating func add(
            _ graph: TaskGraph, _ sender: TaskGraph.Node, _ receiver: Int, _ isKnown: inout [Bool],
            _ cost: (RankTask, Int, Int) -> (transfer: Double, latency: Double)?
        ) {
            let task = graph.tasks[sender.rank][sender.task]
            guard let index = Self.index(task), !isKnown[index] || task.isOfCopies else { return }
            isKnown[index] = true
            guard let cost = cost(task, sender.rank, receiver) else { return }
            items[index] = Item(isOnLink: true, transfer: cost.transfer, latency: cost.latency)
        }

        static let kinds = 4

        /// Of what a task hands on: forwards, gradients, shares and sums.
        @inline(__always)
        static func index(_ task: RankTask) -> Int? {
            switch task {
            case .action(let action):
                switch action.kind {
                case .forward: action.stage * kinds
                case .backward, .backwardInput: action.stage * kinds + 1
                case .backwardWeights: nil
                }
            case .share(let stage): stage * kinds + 2
            case .sum(let stage): stage * kinds + 3
            case .pack, .collect, .update: nil
            }
        }

        /// What a task hands on by the link; nil where that is nothing.
        @inline(__always)
        func item(_ task: RankTask) -> Item? {
            guard let index = Self.index(task), items[index].isOnLink else { return nil }
            return items[index]
        }

        /// From a task's end to the moment that what it hands on can be received, where nothing else is under way, in seconds.
        func cost(of task: RankTask) -> Double { item(task).map { $0.transfer + $0.latency } ?? 0 }
    }
}

extension RankTask {
    /// Whether it hands on to several ranks at once.
    fileprivate var isOfCopies: Bool {
        switch self {
        case .share, .sum: true
        case .pack, .action, .collect, .update: false
        }
    }
}

extension Replay {
    /// For each rank and task, when the rank has nothing more to do with it, and when what it hands on can be received.
    func handedOn(
        _ graph: TaskGraph, link: Link, in circumstances: Circumstances
    ) -> (left: [[Double]], arrivals: [[Double]]) {
        var (left, arrivals) = (end, end)
        var free = LinkQueue(graph, circumstances.sharedLink)
        let senders = graph.order.filter { link.item(graph.tasks[$0.rank][$0.task]) != nil }
        for node in senders.sorted(by: { end[$0.rank][$0.task] < end[$1.rank][$1.task] }) {
            let (rank, task) = (node.rank, node.task)
            let kind = graph.tasks[rank][task]
            let item = link.item(kind)!
            let gone = free.take(kind, ofRank: rank, for: item.transfer, at: end[rank][task])
            arrivals[rank][task] = gone + item.latency
            if circumstances.transfersBlock { left[rank][task] = gone }
        }
        return (left, arrivals)
    }
}

/// When each of the links is free that items wait for.
struct LinkQueue {
    private let shared: Circumstances.SharedLink
    private var free: [Double]

    init(_ graph: TaskGraph, _ shared: Circumstances.SharedLink) {
        self.shared = shared
        let count =
            switch shared {
            case .rank: graph.tasks.count
            case .edge: graph.stages * Replay.Link.kinds
            case .all: 1
            }
        free = Array(repeating: 0, count: count)
    }

    /// - Returns: when an item has left that takes so long and was handed on at that time.
    mutating func take(_ task: RankTask, ofRank rank: Int, for transfer: Double, at time: Double) -> Double {
        let index =
            switch shared {
            case .rank: rank
            case .edge: Replay.Link.index(task)!
            case .all: 0
            }
        free[index] = max(free[index], time) + transfer
        return free[index]
    }
}
