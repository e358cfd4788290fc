// SPDX-License-Identifier: Apache-2.0

/// Parts of orders that have been looked at to their end: another one of the same actions, in which no rank is free sooner, nothing that was
/// handed on is there sooner and no peak is smaller, leads to nothing better.
///
/// Parts in which a rank is held do not get in, since not all that follows them was looked at there.
struct ExactSeen {
    /// More are not kept.
    private static let valuesMost = 1 << 22

    private let graph: BoundGraph
    /// Whether counts of all steps are told apart by one number.
    private let isUsed: Bool
    /// A hash table with open addressing: keys, and the last part of each, -1 for none.
    private var keys: [UInt64]
    private var last: [Int32]
    private var used = 0
    /// Of each part, the one before it of the same actions; its values follow each other at `start`.
    private var before: [Int32] = []
    private var start: [Int32] = []
    private var values: [Double] = []
    /// Those of the part that is looked for.
    private var looked: [Double] = []

    init(_ graph: BoundGraph) {
        self.graph = graph
        var product: UInt64 = 1
        var isUsed = true
        for _ in 0..<3 * graph.stages {
            let (next, overflow) = product.multipliedReportingOverflow(by: UInt64(graph.microbatches + 1))
            product = next
            if overflow { isUsed = false }
        }
        self.isUsed = isUsed
        keys = Array(repeating: 0, count: 256)
        last = Array(repeating: -1, count: 256)
    }

    /// Whether there was one that is at least as good; one that is not gets in.
    mutating func hasBetter(than state: ExactState) -> Bool {
        if !isUsed { return false }
        fill(state)
        let slot = slot(key(state))
        var part = last[slot]
        while part >= 0 {
            if isNoLater(Int(part)) { return true }
            part = before[Int(part)]
        }
        if values.count + looked.count <= Self.valuesMost, !isHeld(state) { add(key(state), slot) }
        return false
    }

    private func isHeld(_ state: ExactState) -> Bool {
        for rank in state.held.indices where state.held[rank] > state.free[rank] { return true }
        return false
    }

    private func key(_ state: ExactState) -> UInt64 {
        var key: UInt64 = 0
        for count in state.done.counts { key = key * UInt64(graph.microbatches + 1) + UInt64(count) }
        return key
    }

    /// When ranks are free, when what has been handed on and not been used yet can be used, and peaks.
    private mutating func fill(_ state: ExactState) {
        looked.removeAll(keepingCapacity: true)
        looked.append(contentsOf: state.free)
        for stage in 0..<graph.stages {
            let free = state.free[graph.rankOfStage[stage]]
            if stage > 0 {
                addArrivals(0, stage, state.count(0, stage)..<state.count(0, stage - 1), state.done.arrival, free)
            }
            if stage + 1 < graph.stages {
                addArrivals(1, stage, state.count(1, stage)..<state.count(1, stage + 1), state.done.arrival, free)
            }
            if state.memory.isLimited {
                looked.append(Double(state.memory.frames[stage]))
                looked.append(Double(state.memory.gradients[stage]))
            }
        }
    }

    @inline(__always)
    private mutating func addArrivals(
        _ step: Int, _ stage: Int, _ microbatches: Range<Int>, _ arrival: [Double], _ free: Double
    ) {
        for microbatch in microbatches { looked.append(max(free, arrival[graph.index(step, stage, microbatch)])) }
    }

    private func isNoLater(_ part: Int) -> Bool {
        let first = Int(start[part])
        for index in looked.indices where values[first + index] > looked[index] { return false }
        return true
    }

    // MARK: The table

    /// Where a key is, or can be put.
    private func slot(_ key: UInt64) -> Int {
        let mask = keys.count - 1
        var slot = Int(truncatingIfNeeded: (key &* 0x9e37_79b9_7f4a_7c15) >> 32) & mask
        while last[slot] >= 0, keys[slot] != key { slot = (slot + 1) & mask }
        return slot
    }

    private mutating func add(_ key: UInt64, _ slot: Int) {
        before.append(last[slot])
        start.append(Int32(values.count))
        values.append(contentsOf: looked)
        if last[slot] < 0 { used += 1 }
        keys[slot] = key
        last[slot] = Int32(before.count - 1)
        if 2 * used > keys.count { grow() }
    }

    private mutating func grow() {
        let (oldKeys, oldLast) = (keys, last)
        keys = Array(repeating: 0, count: 2 * oldKeys.count)
        last = Array(repeating: -1, count: 2 * oldLast.count)
        for index in oldKeys.indices where oldLast[index] >= 0 {
            let slot = slot(oldKeys[index])
            (keys[slot], last[slot]) = (oldKeys[index], oldLast[index])
        }
    }
}
