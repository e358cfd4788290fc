// SPDX-License-Identifier: Apache-2.0

import AllocationCounter
import Foundation
import Pipeline
import SharedTensor
import Testing
import Threads

struct RunTests {
    @Test("losses, gradients and weights are the one-stage run's, as promised", arguments: Architecture.allCases)
    func sameBits(architecture: Architecture) throws {
        for microbatches in [1, 3, 4] {
            let baseline = try train(architecture, .oneFOneB(ranks: 1, microbatches: microbatches))
            for kind in ScheduleKind.allCases {
                for partition in PartitionKind.allCases {
                    let schedule = kind.make(ranks: 2, microbatches: microbatches)
                    // ZB-H2 takes 3 microbatches and more, DualPipeV 4.
                    if schedule.actions.isEmpty { continue }
                    expectPromised(try train(architecture, schedule, .kind(partition)), baseline)
                }
            }
        }
    }

    @Test("a backward split into I and W gives the same bits, W at once or late")
    func splitBackward() throws {
        let baseline = try train(.gpt, .oneFOneB(ranks: 1, microbatches: 4))
        let whole = Schedule.oneFOneB(ranks: 2, microbatches: 4)
        let atOnce = whole.actions.map { list in
            list.flatMap { action -> [Action] in
                if action.kind != .backward { return [action] }
                return [.backwardInput, .backwardWeights].map {
                    Action($0, stage: action.stage, microbatch: action.microbatch)
                }
            }
        }
        let late = atOnce.map { list in
            list.filter { $0.kind != .backwardWeights } + list.filter { $0.kind == .backwardWeights }
        }
        for actions in [atOnce, late] {
            let schedule = Schedule(name: "split", microbatches: 4, rankOfStage: [0, 1], actions: actions)
            expectSameBits(try train(.gpt, schedule), baseline)
        }
    }

    @Test("doing forwards again gives the same bits with less memory", arguments: Architecture.allCases)
    func recomputing(architecture: Architecture) throws {
        let baseline = try train(architecture, .oneFOneB(ranks: 1, microbatches: 4))
        for kind in ScheduleKind.allCases {
            let schedule = kind.make(ranks: 2, microbatches: 4)
            let plain = try train(architecture, schedule)
            let again = try train(architecture, schedule) { $0.recomputes = true }
            expectPromised(again, baseline)
            #expect(again.ranks.map(\.inFlightPeak) == plain.ranks.map(\.inFlightPeak))
            // W needs what I has computed again: nothing is saved with few ranks.
            if plain.plan.facts.frames.contains(where: \.splitsBackward) { continue }
            #expect(again.ranks[0].activationBytesPeak < plain.ranks[0].activationBytesPeak)
        }
        expectSameBits(try train(architecture, lateWeights()) { $0.recomputes = true }, baseline)
    }

    @Test(
        "forwards alone give the losses of the untrained model, whatever the schedule",
        arguments: ScheduleKind.allCases
    )
    func forwardOnly(kind: ScheduleKind) throws {
        let schedule = kind.make(ranks: 2, microbatches: 4)
        let trained = try train(.gpt, schedule) { $0.measuredSteps = 1 }
        let alone = try train(.gpt, .gpipe(ranks: 1, microbatches: 4).forwardOnly())
        let evaluated = try train(.gpt, schedule.forwardOnly())
        #expect(evaluated.losses.map(\.bitPattern) == alone.losses.map(\.bitPattern))
        #expect(evaluated.losses[0].bitPattern == trained.losses[0].bitPattern)
        #expect(evaluated.weights!.differences(from: alone.weights!) == [])
        #expect(evaluated.weights!.differences(from: trained.weights!) != [])
        #expect(evaluated.ranks.map(\.inFlightPeak) == [1, 1])
    }

    /// 1F1B on two ranks with every backward split, and all Ws at the end.
    private func lateWeights() -> Schedule {
        let actions = Schedule.oneFOneB(ranks: 2, microbatches: 4).actions.map { list in
            list.map { action in
                action.kind == .backward
                    ? Action(.backwardInput, stage: action.stage, microbatch: action.microbatch) : action
            } + (0..<4).map { Action(.backwardWeights, stage: list[0].stage, microbatch: $0) }
        }
        return Schedule(name: "late W", microbatches: 4, rankOfStage: [0, 1], actions: actions)
    }

    @Test("gradients that add up in another order, or microbatches that trade places, change the bits")
    func otherOrder() throws {
        let baseline = try train(.decoder, .gpipe(ranks: 2, microbatches: 4))
        let descending = baseline.plan.schedule.actions.map { list in
            list.filter { $0.kind == .forward } + list.filter { $0.kind == .backward }.reversed()
        }
        let schedule = Schedule(name: "descending", microbatches: 4, rankOfStage: [0, 1], actions: descending)
        let result = try train(.decoder, schedule)
        #expect(result.losses.first == baseline.losses.first)
        #expect(!result.gradients!.differences(from: baseline.gradients!).isEmpty)
        #expect(!result.weights!.differences(from: baseline.weights!).isEmpty)
    }

    @Test("another seed gives other weights; the same seed the same")
    func seeds() throws {
        let one = try train(.gpt, .gpipe(ranks: 1, microbatches: 1)) { $0.seed = 1 }
        let same = try train(.gpt, .gpipe(ranks: 1, microbatches: 1)) { $0.seed = 1 }
        let other = try train(.gpt, .gpipe(ranks: 1, microbatches: 1)) { $0.seed = 2 }
        #expect(one.weights!.differences(from: same.weights!).isEmpty)
        #expect(!one.weights!.differences(from: other.weights!).isEmpty)
    }

    @Test("training on a text lowers its loss")
    func learns() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "ppthreads-text-\(UUID()).txt")
        try String(repeating: "Stage by stage the rings turn, and every rank waits for its neighbour. ", count: 60)
            .write(to: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: path) }
        let text = try TokenFile(path: path.path)
        var spec = ModelSpec()
        spec.architecture = .gpt
        (spec.vocabulary, spec.dim, spec.layers, spec.heads) = (256, 24, 2, 3)
        (spec.hidden, spec.sequenceLength) = (48, 16)
        var configuration = RunConfiguration(model: spec.model(), schedule: .oneFOneB(ranks: 2, microbatches: 2))
        configuration.tokens = .file(text)
        configuration.measuredSteps = 60
        configuration.optimizer = .adam(rate: 1e-2)
        let losses = try RunPlan(configuration).run().losses
        #expect(losses[0] > 5.3 && losses[0] < 5.8)
        #expect(losses.suffix(5).allSatisfy { $0 < 3.5 })
    }

    @Test("threads that share a rank's work change no bit and allocate nothing", arguments: Architecture.allCases)
    func sharedWork(architecture: Architecture) throws {
        let baseline = try train(architecture, .oneFOneB(ranks: 1, microbatches: 4))
        for (ranks, threads) in [(1, 2), (2, 3)] {
            let result = try train(architecture, .oneFOneB(ranks: ranks, microbatches: 4)) {
                $0.threadsPerRank = threads
            }
            expectSameBits(result, baseline)
            let none = ppt_counts_allocations() == 1 ? 0 : nil
            #expect(result.ranks.map(\.allocationsInSteps) == Array(repeating: none, count: ranks))
            #expect(result.ranks.map(\.pinnings.count) == Array(repeating: threads, count: ranks))
        }
    }

    @Test(
        "dropout gives the one-stage run's bits, allocates nothing, and every step has masks of its own",
        arguments: Architecture.allCases)
    func dropout(architecture: Architecture) throws {
        func run(_ schedule: Schedule, recomputes: Bool = false) throws -> RunResult {
            try train(architecture, schedule) {
                $0.dropout = 0.2
                $0.recomputes = recomputes
                // Weights that stay make losses differ by their masks and tokens alone.
                $0.optimizer = .sgd(rate: 1e-12)
            }
        }
        let baseline = try run(.oneFOneB(ranks: 1, microbatches: 4))
        for schedule in [Schedule.gpipe(ranks: 2, microbatches: 4), .oneFOneB(ranks: 2, microbatches: 4)] {
            expectSameBits(try run(schedule), baseline)
        }
        let recomputed = try run(.oneFOneB(ranks: 2, microbatches: 4), recomputes: true)
        expectSameBits(recomputed, baseline)
        let none = ppt_counts_allocations() == 1 ? 0 : nil
        #expect(recomputed.ranks.map(\.allocationsInSteps) == [none, none])
        let plain = try train(architecture, .oneFOneB(ranks: 1, microbatches: 4)) { $0.optimizer = .sgd(rate: 1e-12) }
        let added = zip(baseline.losses, plain.losses).map { $0 - $1 }
        #expect(Set(added).count == added.count && !added.contains(0))
    }

    @Test("evaluation drops nothing", arguments: Architecture.allCases)
    func evaluationDropsNothing(architecture: Architecture) throws {
        let schedule = Schedule.gpipe(ranks: 2, microbatches: 4).forwardOnly()
        let plain = try train(architecture, schedule)
        #expect(try train(architecture, schedule) { $0.dropout = 0.5 }.losses == plain.losses)
    }

    @Test("a user's own layer trains in a pipeline, and widths may differ from stage to stage")
    func ownLayer() throws {
        let model = chain(with: Unit(name: "scale", layer: 0, outputColumns: 6) { Scale("own", columns: 6, plan: &$0) })
        var configuration = RunConfiguration(model: model, schedule: .oneFOneB(ranks: 1, microbatches: 2))
        configuration.keepsWeights = true
        configuration.keepsGradients = true
        configuration.batchSize = 4
        let alone = try RunPlan(configuration).run()
        configuration.schedule = .oneFOneB(ranks: 4, microbatches: 2)
        configuration.partition = .balanced
        expectSameBits(try RunPlan(configuration).run(), alone)
        #expect(alone.plan.parameters.map(\.name).contains("own.scale"))
    }
}
