// SPDX-License-Identifier: Apache-2.0

/// An order with V placement that is made of one microbatch's slots, repeated every six and then pulled together with no more
/// in flight ("Pipeline Parallelism with Controllable Memory", Qi et al., 2405.15362).
///
/// On rank r, of stages a = r and b = 2P - 1 - r, a microbatch has six passes of a slot each: Fa, Fb, Ib and Ia, which the
/// block gives a slot, and a W after each I, which takes one that is free.
struct BuildingBlock {
    private enum Pass: Int, CaseIterable {
        case forwardA, forwardB, inputB, inputA
        /// Of either stage: the n-th W is of the n-th I.
        case weights

        var isInput: Bool { self == .inputA || self == .inputB }
    }

    private let ranks, microbatches: Int
    /// What each rank does in each slot. A pass's microbatch is the number of such passes before it.
    private var rows: [[Pass?]]
    /// For each rank, pass and microbatch its slot, as far as the passes were gone through.
    private var slots: [[[Int]]] = []
    /// For each rank the slots of its Is of both stages, ascending.
    private var inputs: [[Int]] = []

    /// - Parameter block: of a rank, the slots of microbatch 0: its Fa, Fb, Ib and Ia.
    init(_ sizes: ScheduleSizes, block: (_ rank: Int) -> [Int]) {
        (ranks, microbatches) = (sizes.ranks, sizes.microbatches)
        rows = (0..<sizes.ranks).map { rank in
            let block = block(rank)
            var row = [Pass?](repeating: nil, count: block.max()! + 6 * (sizes.microbatches - 1) + 1)
            for (pass, first) in zip(Pass.allCases, block) {
                for microbatch in 0..<sizes.microbatches { row[first + 6 * microbatch] = pass }
            }
            return row
        }
    }

    /// Each rank's actions, once all that can is done earlier.
    func actions() -> [[Action]] {
        var table = self
        table.placeWeights()
        table.pull(withWeights: true)
        table.squeeze()
        table.removeWeights()
        table.pull(withWeights: false)
        table.placeWeights()
        table.squeeze()
        table.removeWeights()
        return (0..<ranks).map(table.actions)
    }

    /// A rank's, with Ws in the slots that are free and after the last I: of stage b first.
    private func actions(rank: Int) -> [Action] {
        let (a, b) = (rank, 2 * ranks - 1 - rank)
        var list = RankOrder()
        for pass in rows[rank] {
            switch pass {
            case .forwardA: list.forward(a)
            case .forwardB: list.forward(b)
            case .inputB: list.backward(b, isWhole: false)
            case .inputA: list.backward(a, isWhole: false)
            default: list.oldestWeights(preferring: b)
            }
        }
        while list.weightsLeft > 0 { list.oldestWeights(preferring: b) }
        return list.actions
    }
}

extension BuildingBlock {
    /// Ws in the slots that are free, in the order of their Is, and after the last I.
    private mutating func placeWeights() {
        for rank in 0..<ranks {
            var waiting = 0
            for (slot, pass) in rows[rank].enumerated() {
                if pass?.isInput == true { waiting += 1 }
                if pass == nil && waiting > 0 {
                    rows[rank][slot] = .weights
                    waiting -= 1
                }
            }
            rows[rank] += Array(repeating: .weights, count: waiting)
        }
    }

    /// Their slots are free again, and a row ends with its last I.
    private mutating func removeWeights() {
        for rank in 0..<ranks {
            let row = rows[rank].map { $0 == .weights ? nil : $0 }
            rows[rank] = Array(row[...row.lastIndex { $0 != nil }!])
        }
    }

    /// Takes each pass to the first slot after what it waits for, in the same order.
    private mutating func squeeze() {
        let old = rows
        rows = old.map { _ in [] }
        eachPass(of: old) { table, _, rank, pass in
            let slot = max(table.rows[rank].count, table.afterCauses(pass, rank))
            table.rows[rank] += Array(repeating: nil, count: slot - table.rows[rank].count) + [pass]
            return slot
        }
    }

    /// Moves passes to free slots before them, except in the steady state, which is good as it is: from rank 0's first Ia to the
    /// next Fa of the last microbatch. Without Ws, which a free slot stands for, the warm-up stays too.
    private mutating func pull(withWeights: Bool) {
        let most = rows.map { peak($0, withWeights) }.max()!
        var (steady, coolDown) = (false, false)
        eachPass(of: rows) { table, slot, rank, pass in
            if rank == 0 && pass == .inputA { steady = true }
            let moves = coolDown || (withWeights && !steady)
            let isLast = table.slots[rank][pass.rawValue].count == table.microbatches - 1
            if steady && pass == .forwardA && isLast { coolDown = true }
            if !moves { return slot }
            for free in table.afterCauses(pass, rank)..<slot where table.rows[rank][free] == nil {
                table.rows[rank].swapAt(free, slot)
                if table.peak(table.rows[rank], withWeights) <= most { return free }
                table.rows[rank].swapAt(free, slot)
            }
            return slot
        }
    }

    /// Goes through all passes, slot by slot, and notes the slot that each is given.
    private mutating func eachPass(of rows: [[Pass?]], _ choose: (inout Self, Int, Int, Pass) -> Int) {
        slots = rows.map { _ in Pass.allCases.map { _ in [] } }
        inputs = rows.map { _ in [] }
        for slot in 0..<rows.map(\.count).max()! {
            for (rank, row) in rows.enumerated() {
                if slot < row.count, let pass = row[slot] {
                    let chosen = choose(&self, slot, rank, pass)
                    slots[rank][pass.rawValue].append(chosen)
                    let earlier = inputs[rank].lastIndex { $0 < chosen } ?? -1
                    if pass.isInput { inputs[rank].insert(chosen, at: earlier + 1) }
                }
            }
        }
    }

    /// The first slot after what a rank's next pass of a kind waits for.
    private func afterCauses(_ pass: Pass, _ rank: Int) -> Int {
        let own = slots[rank]
        let microbatch = own[pass.rawValue].count
        var causes = [own[pass.rawValue].last]
        if pass == .weights { causes.append(inputs[rank][microbatch]) }
        if pass != .forwardA && pass != .weights { causes.append(own[pass.rawValue - 1][microbatch]) }
        let neighbour = pass == .forwardA || pass == .inputB ? rank - 1 : rank + 1
        if pass != .weights && slots.indices.contains(neighbour) {
            causes.append(slots[neighbour][pass.rawValue][microbatch])
        }
        return 1 + (causes.compactMap { $0 }.max() ?? -1)
    }

    /// The most microbatches in flight, over both stages.
    private func peak(_ row: [Pass?], _ withWeights: Bool) -> Int {
        var (inFlight, most, waiting) = (0, 0, 0)
        for pass in row {
            switch pass {
            case .forwardA, .forwardB: inFlight += 1
            case .inputA, .inputB: waiting += 1
            case .weights: inFlight -= 1
            case nil where waiting > 0 && !withWeights:
                inFlight -= 1
                waiting -= 1
            case nil: break
            }
            most = max(most, inFlight)
        }
        return most
    }
}
