// SPDX-License-Identifier: Apache-2.0

import AllocationCounter
import Pipeline
import SharedTensor
import Testing
import Threads

/// What a run takes of memory, and that it takes it before the first step.
struct RunMemoryTests {
    @Test("forwards alone need no memory for gradients, optimizer states and weights packed for backwards")
    func forwardOnlyMemory() throws {
        var spec = ModelSpec()
        (spec.architecture, spec.vocabulary, spec.layers, spec.sequenceLength) = (.gpt, 2000, 1, 4)
        (spec.dim, spec.hidden, spec.heads) = (64, 64, 1)
        let model = spec.model()
        func plan(_ schedule: Schedule, _ optimizer: Optimizer) throws -> RunPlan {
            var configuration = RunConfiguration(model: model, schedule: schedule)
            configuration.batchSize = 1
            configuration.optimizer = optimizer
            return try RunPlan(configuration)
        }
        let training = Schedule.gpipe(ranks: 1, microbatches: 1)
        let (adam, sgd) = (Optimizer.adam(rate: 1), Optimizer.sgd(rate: 1))
        let alone = try plan(training.forwardOnly(), adam)
        #expect(alone.memoryBytesOfRank == (try plan(training.forwardOnly(), sgd).memoryBytesOfRank))
        let saved = try plan(training, sgd).memoryBytesOfRank[0] - alone.memoryBytesOfRank[0]
        // The gradients are as large as the weights; all of these but the embedding, not quite half, are packed.
        #expect(Double(saved) > 1.5 * Double(alone.weightBytesOfRank[0]))
    }

    @Test("measured activation memory grows with M under GPipe, and does not under 1F1B")
    func activationMemory() throws {
        func peaks(_ kind: ScheduleKind, _ microbatches: Int) throws -> [Int] {
            let schedule = kind.make(ranks: 3, virtualStages: 1, microbatches: microbatches)
            return try train(.gpt, schedule) { $0.batchSize = 2 * microbatches }.ranks.map(\.activationBytesPeak)
        }
        let gpipe = try (peaks(.gpipe, 4), peaks(.gpipe, 12))
        let oneFOneB = try (peaks(.oneFOneB, 4), peaks(.oneFOneB, 12))
        #expect(gpipe.1 == gpipe.0.map { 3 * $0 })
        #expect(oneFOneB.1 == oneFOneB.0)
        #expect(gpipe.0.last! == 4 * oneFOneB.0.last!)
    }

    @Test("measured peaks in flight are the schedule's", arguments: ScheduleKind.allCases)
    func peaksInFlight(kind: ScheduleKind) throws {
        let schedule = kind.make(ranks: 2, microbatches: 6)
        let result = try train(.decoder, schedule) { $0.batchSize = 6 }
        #expect(result.ranks.map(\.inFlightPeak) == result.plan.facts.inFlightOfRank)
    }

    @Test("a step allocates nothing", arguments: ScheduleKind.allCases, Architecture.allCases)
    func noAllocation(kind: ScheduleKind, architecture: Architecture) throws {
        let schedule = kind.make(ranks: 2, microbatches: 4)
        let result = try train(architecture, schedule)
        #expect(result.ranks.map(\.allocationsInSteps) == (ppt_counts_allocations() == 1 ? [0, 0] : [nil, nil]))
    }

    @Test("the allocation counter sees a layer that allocates", .enabled(if: ppt_counts_allocations() == 1))
    func allocationIsSeen() throws {
        let model = chain(with: Unit(name: "greedy", layer: 0, outputColumns: 6) { Greedy("g", plan: &$0) })
        var configuration = RunConfiguration(model: model, schedule: .gpipe(ranks: 1, microbatches: 1))
        configuration.batchSize = 2
        let result = try RunPlan(configuration).run()
        #expect(result.ranks[0].allocationsInSteps! >= configuration.steps)
    }
}

extension RunMemoryTests {
    @Test("what helpers allocate for their team's work is counted", .enabled(if: ppt_counts_allocations() == 1))
    func helpers() throws {
        let team = try Team(name: "test", helperCPUs: [nil, nil], patience: .sharedCPU)
        let kept = Kept()
        for _ in 0..<5 { team.dispatcher.run(Greed(kept: kept)) }
        let counts = team.end().map(\.allocations)
        #expect(counts.count == 2 && counts.allSatisfy { (5...50).contains($0 ?? 0) }, "\(counts)")
    }
}

/// An array for each member of a team.
@safe
private final class Kept {
    let lists = UnsafeMutableBufferPointer<[Int]>.allocate(capacity: 3)
    init() { unsafe lists.initialize(repeating: []) }
    deinit {
        unsafe lists.deinitialize()
        unsafe lists.deallocate()
    }
}

/// Each member allocates once.
private struct Greed: TeamWork {
    let kept: Kept
    func run(member: Int, of members: Int) { unsafe kept.lists[member] = Array(repeating: member, count: 7) }
}

/// A layer that allocates in its forward.
private struct Greedy: Layer {
    let inner: Scale
    init(_ name: String, plan: inout StagePlan) { inner = Scale(name, columns: 6, plan: &plan) }
    func forward(_ x: Tensor, into y: Tensor, _ frame: Frame) {
        let copy = x.values
        for index in copy.indices { y[index] = copy[index] }
    }
    func backwardInput(_ dy: Tensor, input x: Tensor, into dx: Tensor, _ frame: Frame) {
        inner.backwardInput(dy, input: x, into: dx, frame)
    }
    func backwardWeights(_ dy: Tensor, input x: Tensor, _ frame: Frame) {
        inner.backwardWeights(dy, input: x, frame)
    }
}
