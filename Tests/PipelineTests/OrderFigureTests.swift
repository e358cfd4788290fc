// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing

/// What each order is said to cost, over all small sizes: idle time and microbatches in flight, replayed with equal stages and
/// hand-offs that cost nothing, in whole numbers.
struct OrderFigureTests {
    /// Equal times; whole backwards as long as forwards; and three that differ.
    private static let times = [Times(1, 1, 1), Times(2, 1, 1), Times(3, 4, 2)]

    @Test("orders with whole backwards idle for (P-1)(F+B), and with M < P for (v-1)(P-M)(F+B) more", arguments: 1...8)
    func wholeBackwards(ranks: Int) throws {
        for kind in [ScheduleKind.gpipe, .oneFOneB, .eagerOneFOneB, .interleaved, .loopedBFS] {
            let ideal = try #require(kind.idealShare)
            forEachOrder(kind, ranks) { sizes, schedule in
                for times in Self.times {
                    let missing = max(0, ranks - sizes.microbatches) * (sizes.virtualStages - 1)
                    let replay = Replayed(schedule, times)
                    #expect(replay.idle == (ranks - 1 + missing) * times.both, "\(kind.title) \(sizes)")
                    let share = ideal(ranks, sizes.virtualStages, sizes.microbatches)
                    #expect(abs(share - Double(replay.work) / Double(replay.makespan)) < 1e-12)
                }
            }
        }
    }

    @Test("ZB-H1 and Interleaved ZB idle for (P-1)(F+I-W); with M < P ZB-H1 for (P-M)W more", arguments: 1...8)
    func splitBackwards(ranks: Int) {
        for kind in [ScheduleKind.zeroBubble, .interleavedZeroBubble] {
            forEachOrder(kind, ranks) { sizes, schedule in
                for times in Self.times {
                    let idle = Replayed(schedule, times).idle
                    let least = (ranks - 1) * (times.f + times.i - times.w)
                    let missing = max(0, ranks - sizes.microbatches)
                    if sizes.virtualStages == 1 || missing == 0 {
                        #expect(idle == least + missing * times.w, "\(kind.title) \(sizes)")
                    } else {
                        // A group does not fill the way round the ranks, and what Ws fill of that depends on the times.
                        let whole = (ranks - 1 + missing * (sizes.virtualStages - 1)) * times.both
                        #expect(idle > least && idle < whole, "\(kind.title) \(sizes)")
                    }
                }
            }
        }
    }

    @Test(
        "ZB-H2 idles for (P-1) max(F, F+I-2W) where I <= 2F, and from first to last action for the latter or nothing",
        arguments: 1...8)
    func zeroBubbleH2(ranks: Int) {
        forEachOrder(.zeroBubbleH2, ranks) { sizes, schedule in
            for times in Self.times + [Times(1, 3, 1), Times(4, 1, 3)] {
                let replay = Replayed(schedule, times)
                let inside = (ranks - 1) * (times.f + times.i - 2 * times.w)
                #expect(replay.idle == max(inside, (ranks - 1) * times.f), "\(sizes)")
                #expect(replay.insideMost == max(0, inside), "\(sizes)")
            }
            // At I = 2F what is idle is what is told, though some of it lies inside.
            #expect(Replayed(schedule, Times(2, 4, 3)).idle == (ranks - 1) * 2, "\(sizes)")
        }
    }

    @Test("ZB-V idles for (P-1)F at F = I = W, none of it inside from 2P-1 microbatches on", arguments: 1...8)
    func zeroBubbleV(ranks: Int) {
        forEachOrder(.zeroBubbleV, ranks) { sizes, schedule in
            let replay = Replayed(schedule, Times(1, 1, 1))
            let few = ranks == 1 ? 0 : max(0, 3 * ranks - 1 - 2 * sizes.microbatches)
            #expect(replay.idle == ranks - 1 + few, "\(sizes)")
            if sizes.microbatches >= 2 * ranks - 1 { #expect(replay.insideMost == 0, "\(sizes)") }
        }
    }

    @Test("DualPipeV idles for (P-1)(F+I-W) where W <= I <= F <= I + W, one action after the other", arguments: 1...8)
    func dualPipeV(ranks: Int) {
        forEachOrder(.dualPipeV, ranks) { sizes, schedule in
            for times in [Times(1, 1, 1), Times(2, 1, 1), Times(4, 3, 1), Times(5, 3, 2)] {
                let expected = (ranks - 1) * (times.f + times.i - times.w)
                #expect(Replayed(schedule, times).idle == expected, "\(sizes)")
            }
            // Where I is longer, five ranks and more wait for it.
            let idle = Replayed(schedule, Times(3, 4, 2)).idle
            #expect(idle == 5 * (ranks - 1) + max(0, ranks - 4), "\(sizes)")
        }
    }

    @Test("V-Half and V-Min idle at F = I = W for what is told, from 2P microbatches on", arguments: 1...8)
    func controllableMemory(ranks: Int) {
        let half = ranks < 3 ? ranks - 1 : ranks % 2 == 0 ? 3 * ranks - 7 : 3 * ranks - 4
        let least = ranks == 1 ? 0 : ranks % 3 == 0 ? 4 * ranks - 7 : 4 * ranks - 5
        for (kind, idle) in [(ScheduleKind.vHalf, half), (.vMin, least)] {
            forEachOrder(kind, ranks) { sizes, schedule in
                let replay = Replayed(schedule, Times(1, 1, 1))
                if sizes.microbatches >= 2 * ranks { #expect(replay.idle == idle, "\(kind.title) \(sizes)") }
            }
        }
    }

    @Test(
        "Hanayo idles at F = B for P-1 pairs, and (v-1) more for each microbatch that the last P lack", arguments: 1...8
    )
    func hanayo(ranks: Int) {
        forEachOrder(.hanayo, ranks) { sizes, schedule in
            let lacking = (ranks - sizes.microbatches % ranks) % ranks
            let times = Times(2, 1, 1)
            let expected = (ranks - 1 + (sizes.virtualStages - 1) * lacking) * times.both
            #expect(Replayed(schedule, times).idle == expected, "\(sizes)")
        }
    }

    @Test("no order beats the way to the last rank, which is (P-1)F before its first action", arguments: 1...8)
    func barrier(ranks: Int) {
        for kind in [ScheduleKind.zeroBubbleV, .vHalf, .vMin, .hanayo] {
            forEachOrder(kind, ranks) { sizes, schedule in
                for times in Self.times {
                    // Of the other orders it is known exactly.
                    #expect(Replayed(schedule, times).idle >= (ranks - 1) * times.f, "\(kind.title) \(sizes)")
                }
            }
        }
    }

    @Test("groups of a given size change what is in flight, not the idle time", arguments: 1...5, 2...3)
    func groups(ranks: Int, virtualStages: Int) throws {
        for microbatches in 1...12 {
            for size in 1...microbatches + 1 {
                let rest = microbatches % size
                let fits = (ranks...max(ranks, microbatches)).contains(size) && size <= microbatches
                let sizes = ScheduleSizes(
                    ranks: ranks, virtualStages: virtualStages, microbatches: microbatches, groupSize: size)
                guard fits && (rest == 0 || rest >= ranks) else {
                    for kind in [ScheduleKind.interleaved, .interleavedZeroBubble] {
                        #expect(throws: ScheduleError.self) { try kind.make(sizes).validated() }
                    }
                    continue
                }
                let warm = (virtualStages - 1) * size
                let whole = ScheduleKind.interleaved.make(sizes)
                let split = ScheduleKind.interleavedZeroBubble.make(sizes)
                let expected = (0..<ranks).map { min(virtualStages * microbatches, warm + 2 * (ranks - 1 - $0) + 1) }
                #expect(try whole.validated().inFlightOfRank == expected, "\(sizes)")
                #expect(
                    try split.validated().inFlightOfRank.max() == min(virtualStages * microbatches, warm + ranks))
                for times in Self.times {
                    #expect(Replayed(whole, times).idle == (ranks - 1) * times.both, "\(sizes)")
                    #expect(Replayed(split, times).idle == (ranks - 1) * (times.f + times.i - times.w), "\(sizes)")
                }
            }
        }
    }

    @Test("orders are sound, and no rank has more in flight than is told", arguments: 1...8)
    func peaks(ranks: Int) throws {
        for kind in ScheduleKind.allCases {
            try forEachOrder(kind, ranks) { sizes, schedule in
                let peaks = schedule.actions.map(inFlightMost)
                // The validator takes its time in a debug build.
                if sizes.microbatches <= 12 || sizes.microbatches == 24 {
                    let facts = try schedule.validated()
                    #expect(facts.inFlightOfRank == peaks, "\(kind.title) \(sizes)")
                }
                if let expected = peakOfRank(kind, sizes) {
                    #expect(peaks == (0..<ranks).map(expected), "\(kind.title) \(sizes)")
                } else {
                    #expect(peaks.max() == peakMost(kind, sizes), "\(kind.title) \(sizes)")
                }
            }
        }
    }

    /// For orders of which it is known for each rank.
    private func peakOfRank(_ kind: ScheduleKind, _ sizes: ScheduleSizes) -> ((Int) -> Int)? {
        let (ranks, virtualStages, microbatches) = (sizes.ranks, sizes.virtualStages, sizes.microbatches)
        switch kind {
        case .gpipe, .loopedBFS: return { _ in virtualStages * microbatches }
        case .oneFOneB: return { min(microbatches, ranks - $0) }
        case .eagerOneFOneB: return { min(microbatches, 2 * (ranks - $0) - 1) }
        case .interleaved where virtualStages == 1: return { min(microbatches, ranks - $0) }
        case .interleaved:
            let warm = (virtualStages - 1) * groupSize(sizes)
            return { min(virtualStages * microbatches, warm + 2 * (ranks - 1 - $0) + 1) }
        case .dualPipeV: return { _ in 2 * ranks + 1 }
        case .dualPipe: return { _ in ranks + 1 }
        case .chimera:
            let most = min(microbatches, ranks)
            return { min(most, most / 2 + 1 + min($0, ranks - 1 - $0)) }
        default: return nil
        }
    }

    /// Over all ranks.
    private func peakMost(_ kind: ScheduleKind, _ sizes: ScheduleSizes) -> Int? {
        let (ranks, virtualStages, microbatches) = (sizes.ranks, sizes.virtualStages, sizes.microbatches)
        switch kind {
        case .zeroBubble: return min(microbatches, ranks)
        case .zeroBubbleH2: return 2 * ranks - 1
        case .interleavedZeroBubble:
            return min(virtualStages * microbatches, ranks + (virtualStages - 1) * groupSize(sizes))
        case .zeroBubbleV: return min(2 * microbatches, 2 * ranks)
        case .vHalf: return min(2 * microbatches, ranks + (ranks % 2 == 0 ? 2 : 1))
        case .vMin: return min(2 * microbatches, 2 * ((ranks + 4) / 3))
        case .hanayo: return virtualStages * min(microbatches, ranks)
        default: return nil
        }
    }

    private func inFlightMost(_ list: [Action]) -> Int {
        var (inFlight, most) = (0, 0)
        for action in list {
            if action.kind == .forward { inFlight += 1 }
            most = max(most, inFlight)
            if action.kind == .backward || action.kind == .backwardWeights { inFlight -= 1 }
        }
        return most
    }

    /// N where none is given: that of the first group.
    private func groupSize(_ sizes: ScheduleSizes) -> Int {
        let groups = max(1, sizes.microbatches / sizes.ranks)
        return (sizes.microbatches + groups - 1) / groups
    }

    @Test("orders that need more microbatches say how many, and take no fewer", arguments: 1...8)
    func shortages(ranks: Int) {
        for (kind, least) in [(ScheduleKind.zeroBubbleH2, 2 * ranks - 1), (.dualPipeV, 2 * ranks)] {
            for microbatches in 1...24 {
                let schedule = kind.make(ranks: ranks, microbatches: microbatches)
                let sentence =
                    "\(kind.title) needs at least \(least) microbatches on \(ranks) \(ranks == 1 ? "rank" : "ranks"), and has \(microbatches)"
                #expect(refusal(schedule) == (microbatches < least ? sentence : nil))
            }
        }
        for kind in ScheduleKind.ofOneCopy where ![.zeroBubbleH2, .dualPipeV].contains(kind) {
            for virtualStages in 1...4 where kind.allows(virtualStages: virtualStages) {
                for microbatches in 1...24 {
                    let schedule = kind.make(
                        ranks: ranks, virtualStages: virtualStages, microbatches: microbatches)
                    #expect(schedule.ranks == ranks)
                }
            }
        }
    }

    private func refusal(_ schedule: Schedule) -> String? {
        do throws(ScheduleError) {
            _ = try schedule.validated()
            return nil
        } catch { return error.description }
    }
}
