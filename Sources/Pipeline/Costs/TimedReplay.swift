// SPDX-License-Identifier: Apache-2.0

import Threads

/// A replay in the order of time: what ranks share they have to take turns at, or parts of. Of a CPU every rank that works has the
/// same part (processor sharing), of a link the first that hands on (first come, first served; ranks in their order at the same moment).
struct TimedReplay {
    private let graph: TaskGraph
    private let durations: [[Double]]
    private let link: Replay.Link?
    private let circumstances: Circumstances
    private var start, end: [[Double]]
    /// When what a task hands on can be received; below 0 until that is known.
    private var arrivals: [[Double]]
    private var ends = Replay.Ends()
    /// For each rank, the task that it has turned to.
    private var next: [Int]
    /// For each rank, those that wait for one of its tasks.
    private var waiting: [[Int]]
    private var cpus: [SharedCPU]
    private let cpuOfRank: [Int]
    private var links: LinkQueue
    private var events = EventQueue()

    private init(_ graph: TaskGraph, _ durations: [[Double]], _ link: Replay.Link?, _ circumstances: Circumstances) {
        (self.graph, self.durations, self.link, self.circumstances) = (graph, durations, link, circumstances)
        start = durations.map { $0.map { _ in 0.0 } }
        end = start
        arrivals = durations.map { $0.map { _ in -1.0 } }
        next = graph.tasks.map { _ in 0 }
        waiting = graph.tasks.map { _ in [] }
        let cpuOfRank = circumstances.cpuOfRank ?? Array(graph.tasks.indices)
        require(
            cpuOfRank.count == graph.tasks.count && cpuOfRank.allSatisfy { $0 >= 0 }, "a CPU of each rank is needed")
        self.cpuOfRank = cpuOfRank
        cpus = Array(repeating: SharedCPU(), count: (cpuOfRank.max() ?? 0) + 1)
        links = LinkQueue(graph, circumstances.sharedLink)
    }

    static func run(
        _ graph: TaskGraph, _ durations: [[Double]], _ link: Replay.Link?, _ circumstances: Circumstances
    ) -> Replay {
        var replay = TimedReplay(graph, durations, link, circumstances)
        for rank in graph.tasks.indices { replay.turn(rank, at: 0) }
        while let event = replay.events.next() {
            switch event.what {
            case .turned(let rank): replay.turn(rank, at: event.time)
            case .worked(let cpu, let change): replay.worked(cpu, change, at: event.time)
            }
        }
        return Replay(start: replay.start, end: replay.end, replay.ends)
    }

    /// A rank looks at its next task: works on it if its input is there, or comes again when it will be.
    private mutating func turn(_ rank: Int, at time: Double) {
        let task = next[rank]
        guard task < graph.tasks[rank].count else { return }
        let node = TaskGraph.Node(rank: rank, task: task)
        var ready = time
        if let only = graph.onlySender(of: node) {
            guard let arrival = arrival(of: only, for: rank) else { return }
            ready = max(ready, arrival)
        } else {
            for sender in graph.senders(of: node) {
                guard let arrival = arrival(of: sender, for: rank) else { return }
                ready = max(ready, arrival)
            }
        }
        if ready > time { return events.add(ready, .turned(rank: rank)) }
        start[rank][task] = time
        let cpu = cpuOfRank[rank]
        cpus[cpu].add(rank, work: durations[rank][task], at: time)
        expect(cpu, at: time)
    }

    /// Nil where it is not known yet; the rank then turns to its task again once it is.
    private mutating func arrival(of sender: TaskGraph.Node, for rank: Int) -> Double? {
        let arrival = arrivals[sender.rank][sender.task]
        if arrival >= 0 { return arrival }
        waiting[sender.rank].append(rank)
        return nil
    }

    private mutating func expect(_ cpu: Int, at time: Double) {
        if let done = cpus[cpu].nextEnd(after: time) { events.add(done, .worked(cpu: cpu, change: cpus[cpu].changes)) }
    }

    /// Of a CPU on which no rank has begun or ended since that was expected, the one that is done.
    private mutating func worked(_ cpu: Int, _ change: Int, at time: Double) {
        guard change == cpus[cpu].changes else { return }
        let rank = cpus[cpu].removeFirst(at: time)
        let task = next[rank]
        end[rank][task] = time
        ends.add(graph.tasks[rank][task], time)
        let left = handOn(rank, task, at: time)
        next[rank] += 1
        expect(cpu, at: time)
        if circumstances.transfersBlock && left > time {
            events.add(left, .turned(rank: rank))
        } else {
            turn(rank, at: time)
        }
        let woken = waiting[rank]
        waiting[rank].removeAll(keepingCapacity: true)
        for other in woken { turn(other, at: time) }
    }

    /// - Returns: when the rank has nothing more to do with it.
    private mutating func handOn(_ rank: Int, _ task: Int, at time: Double) -> Double {
        arrivals[rank][task] = time
        let kind = graph.tasks[rank][task]
        guard let item = link?.item(kind) else { return time }
        let left = links.take(kind, ofRank: rank, for: item.transfer, at: time)
        arrivals[rank][task] = left + item.latency
        return left
    }
}

/// A CPU whose ranks have equal parts of it. Its own clock runs at the speed at which each of them gets on.
private struct SharedCPU {
    /// How often ranks have begun or ended on it: what was expected before is no longer so.
    private(set) var changes = 0
    private var clock = 0.0
    private var looked = 0.0
    /// Those at work, and when they will be done by its clock.
    private var ranks: [(rank: Int, done: Double)] = []

    mutating func add(_ rank: Int, work: Double, at time: Double) {
        advance(to: time)
        ranks.append((rank, clock + work))
    }

    /// When the first of them will be done, if nothing changes.
    func nextEnd(after time: Double) -> Double? {
        guard let first = ranks.map(\.done).min() else { return nil }
        return time + max(0, first - clock) * Double(ranks.count)
    }

    mutating func removeFirst(at time: Double) -> Int {
        advance(to: time)
        let index = ranks.indices.min { ranks[$0].done < ranks[$1].done }!
        // Rounded, the clock may be a little behind.
        clock = max(clock, ranks[index].done)
        return ranks.remove(at: index).rank
    }

    private mutating func advance(to time: Double) {
        if !ranks.isEmpty { clock += (time - looked) / Double(ranks.count) }
        looked = time
        changes += 1
    }
}

/// What is expected, the earliest first; of the same moment what was expected first: a binary heap.
private struct EventQueue {
    enum What {
        case turned(rank: Int)
        case worked(cpu: Int, change: Int)
    }

    struct Event {
        let time: Double
        let number: Int
        let what: What

        func isBefore(_ other: Event) -> Bool {
            time < other.time || (time == other.time && number < other.number)
        }
    }

    private var heap: [Event] = []
    private var count = 0

    mutating func add(_ time: Double, _ what: What) {
        heap.append(Event(time: time, number: count, what: what))
        count += 1
        var child = heap.count - 1
        while child > 0, heap[child].isBefore(heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func next() -> Event? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if heap.isEmpty { return first }
        heap[0] = last
        var parent = 0
        while 2 * parent + 1 < heap.count {
            var child = 2 * parent + 1
            if child + 1 < heap.count, heap[child + 1].isBefore(heap[child]) { child += 1 }
            if !heap[child].isBefore(heap[parent]) { break }
            heap.swapAt(parent, child)
            parent = child
        }
        return first
    }
}
