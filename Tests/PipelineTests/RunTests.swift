import AllocationCounter
import Foundation
import Pipeline
import SharedTensor
import Testing
import Threads

struct RunTests {
    @Test("losses, gradients and weights are the one-stage run's bits", arguments: Architecture.allCases)
    func sameBits(architecture: Architecture) throws {
        for microbatches in [1, 3, 4] {
            let baseline = try train(architecture, .oneFOneB(ranks: 1, microbatches: microbatches))
            for kind in ScheduleKind.allCases {
                for partition in PartitionKind.allCases {
                    let schedule = kind.make(
                        ranks: 2, microbatches: microbatches)
                    let result = try train(architecture, schedule, partition)
                    expectSameBits(result, baseline)
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
            let schedule = kind.make(
                ranks: 2, microbatches: 4)
            let plain = try train(architecture, schedule)
            let again = try train(architecture, schedule) { $0.recomputes = true }
            expectSameBits(again, baseline)
            #expect(again.ranks.map(\.inFlightPeak) == plain.ranks.map(\.inFlightPeak))
            // ZB-H1's W needs what I has computed again: nothing is saved with few ranks.
            if kind == .zeroBubble { continue }
            #expect(again.ranks[0].activationBytesPeak < plain.ranks[0].activationBytesPeak)
        }
        expectSameBits(try train(architecture, lateWeights()) { $0.recomputes = true }, baseline)
    }

    @Test(
        "forwards alone give the losses of the untrained model, whatever the schedule", arguments: ScheduleKind.allCases
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

    @Test("the allocation counter sees a layer that allocates", .enabled(if: ppt_counts_allocations() == 1))
    func allocationIsSeen() throws {
        let model = chain(with: Unit(name: "greedy", layer: 0, outputColumns: 6) { Greedy("g", plan: &$0) })
        var configuration = RunConfiguration(model: model, schedule: .gpipe(ranks: 1, microbatches: 1))
        configuration.batchSize = 2
        let result = try RunPlan(configuration).run()
        #expect(result.ranks[0].allocationsInSteps! >= configuration.steps)
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

    @Test("a rank that hangs ends the run with its neighbour's deadline, naming rank, step and action")
    func deadline() throws {
        let model = chain(with: Unit(name: "sleeper", layer: 0, outputColumns: 6) { Sleeper("s", plan: &$0) })
        var configuration = RunConfiguration(model: model, schedule: .gpipe(ranks: 4, microbatches: 1))
        configuration.partition = .balanced
        configuration.batchSize = 1
        configuration.timeoutSeconds = 0.05
        let plan = try RunPlan(configuration)
        #expect {
            try plan.run()
        } throws: { error in
            guard case RunError.failed(let message)? = error as? RunError else { return false }
            return message.hasPrefix("rank 2 hangs or is slower than --timeout allows, in step 1, at action 2F0: rank ")
                && message.contains(" waited 0.05")
        }
    }

    @Test("whoever waits too long, the blame is on the rank that everybody waits for") func blocker() throws {
        // rank 0:  0F0 0F1 0B0 0B1    rank 1:  1F0 1F1 1B0 1B1, each with packing and the update around
        let graph = try TaskGraph(.gpipe(ranks: 3, microbatches: 2))
        func task(_ rank: Int, _ kind: Action.Kind, _ microbatch: Int) -> RankPosition.Activity {
            let action = Action(kind, stage: rank, microbatch: microbatch)
            return .task(graph.tasks[rank].firstIndex(of: .action(action))!)
        }
        func blockers(_ step: Int, _ activities: [RankPosition.Activity]) -> [Int] {
            let positions = activities.map { RankPosition(step: step, activity: $0) }
            return (0..<3).map { graph.blocker(of: $0, positions) }
        }
        // Rank 1 is in its first forward, whose input is there: it works, or hangs.
        #expect(blockers(4, [task(0, .backward, 0), task(1, .forward, 0), task(2, .forward, 0)]) == [1, 1, 1])
        // Rank 0 still makes what all wait for.
        #expect(blockers(4, [task(0, .forward, 0), task(1, .forward, 0), task(2, .forward, 0)]) == [0, 0, 0])
        // Backwards: rank 2 has not come with the second gradient.
        #expect(blockers(4, [task(0, .backward, 1), task(1, .backward, 1), task(2, .backward, 1)]) == [2, 2, 2])
        // Rank 1 has not come to the step; the others are at its barrier.
        #expect(blockers(0, [.atBarrier, .preparing, .atBarrier]) == [1, 1, 1])
        #expect(blockers(0, [.atBarrier, .atBarrier, .atBarrier]) == [0, 1, 2])
        // Rank 2 is still in the step before.
        let late = RankPosition(step: 3, activity: task(2, .backward, 1))
        let positions = [
            RankPosition(step: 4, activity: .atBarrier), RankPosition(step: 4, activity: .atBarrier), late,
        ]
        #expect((0..<3).map { graph.blocker(of: $0, positions) } == [2, 2, 2])
    }

    @Test(
        "a run that is stopped early ends after a step, with the bits of a run of as many steps",
        arguments: [true, false])
    func stoppedEarly(keepsGradients: Bool) throws {
        var configuration = configuration(.gpt, .oneFOneB(ranks: 2, microbatches: 4))
        configuration.warmupSteps = 1
        configuration.measuredSteps = 1_000_000
        configuration.keepsTimeline = false
        configuration.keepsGradients = keepsGradients
        var looks = 0
        let stopped = try RunPlan(configuration).run(stopsEarly: {
            looks += 1
            return looks >= 2
        })
        #expect(stopped.steps < 1_000_000)
        #expect(stopped.ranks.allSatisfy { $0.stepEnd.count == stopped.steps })
        #expect(stopped.losses.count == stopped.steps && stopped.stepSeconds.count == stopped.steps)
        #expect(stopped.measuredStepSeconds.count == stopped.measuredSteps)
        try #require(stopped.steps >= 1)
        configuration.warmupSteps = 0
        configuration.measuredSteps = stopped.steps
        let whole = try RunPlan(configuration).run()
        #expect(stopped.losses.map(\.bitPattern) == whole.losses.map(\.bitPattern))
        #expect(stopped.weights!.differences(from: whole.weights!) == [])
        if keepsGradients { #expect(stopped.gradients!.differences(from: whole.gradients!) == []) }
    }

    @Test("settings that do not fit are refused, with the setting's name")
    func refusals() {
        func setting(_ change: (inout RunConfiguration) -> Void) -> String? {
            var configuration = configuration(.gpt, .oneFOneB(ranks: 2, microbatches: 4))
            change(&configuration)
            do throws(RunError) {
                _ = try RunPlan(configuration)
                return nil
            } catch {
                guard case .configuration(let setting, _) = error else { return nil }
                return setting
            }
        }
        #expect(setting { $0.batchSize = 6 } == "--microbatches")
        #expect(setting { $0.batchSize = 0 } == "--batch-size")
        #expect(setting { $0.schedule = .gpipe(ranks: 9, microbatches: 4) } == "--stages")
        #expect(setting { $0.pin = .list([4095]) } == "--pin")
        #expect(setting { $0.batchSize = 1 << 40 } == "--dim")
        #expect(setting { $0.batchSize = 1 << 62 } == "--batch-size")
        #expect(setting { $0.measuredSteps = 0 } == "--measure-steps")
        #expect(setting { $0.measuredSteps = .max } == "--measure-steps")
        #expect(setting { $0.warmupSteps = -1 } == "--warmup-steps")
        #expect(setting { $0.threadsPerRank = 0 } == "--threads")
        #expect(setting { $0.threadsPerRank = .max } == "--threads")
        for seconds in [-1, 0, .nan, .infinity, 1e300] {
            #expect(setting { $0.timeoutSeconds = seconds } == "--timeout", "\(seconds)")
        }
        for rate in [-1, .nan, .infinity] {
            #expect(setting { $0.optimizer = .adam(rate: rate) } == "--lr", "\(rate)")
            #expect(setting { $0.optimizer = .sgd(rate: rate) } == "--lr", "\(rate)")
        }
        for rate in [-0.1, 1, .nan, .infinity] { #expect(setting { $0.dropout = rate } == "--dropout", "\(rate)") }
        #expect(setting { $0.pin = .list([]) } == "--pin")
        #expect(setting { $0.pin = .list([-1]) } == "--pin")
        #expect(setting { $0.schedule = .gpipe(ranks: 0, microbatches: 4) } == "--schedule")
        #expect(setting { $0.schedule = .gpipe(ranks: 2, microbatches: 0) } == "--schedule")
        #expect(setting { _ in } == nil)
    }

    // MARK: Models

    private func configuration(_ architecture: Architecture, _ schedule: Schedule) -> RunConfiguration {
        var spec = ModelSpec()
        spec.architecture = architecture
        (spec.vocabulary, spec.dim, spec.layers, spec.heads) = (29, 18, 4, 3)
        (spec.hidden, spec.sequenceLength) = (25, 5)
        var configuration = RunConfiguration(model: spec.model(), schedule: schedule)
        configuration.batchSize = 12
        configuration.warmupSteps = 0
        configuration.measuredSteps = 2
        configuration.keepsWeights = true
        configuration.keepsGradients = true
        return configuration
    }

    private func train(
        _ architecture: Architecture, _ schedule: Schedule, _ partition: PartitionKind = .uniform,
        change: (inout RunConfiguration) -> Void = { _ in }
    ) throws -> RunResult {
        var configuration = configuration(architecture, schedule)
        configuration.partition = partition
        change(&configuration)
        return try RunPlan(configuration).run()
    }

    private func expectSameBits(_ result: RunResult, _ baseline: RunResult) {
        let label = "\(result.plan.schedule.name) \(result.plan.configuration.partition)"
        #expect(result.losses.map(\.bitPattern) == baseline.losses.map(\.bitPattern), "\(label)")
        #expect(result.gradients!.differences(from: baseline.gradients!) == [], "\(label)")
        #expect(result.weights!.differences(from: baseline.weights!) == [], "\(label)")
    }

    /// Embedding, a linear map to another width, the given unit of six columns, loss.
    private func chain(with unit: Unit) -> Model {
        Model(
            name: "chain", vocabulary: 11, sequenceLength: 3, layers: 1,
            units: [
                embedding(columns: 10, vocabulary: 11),
                Unit(name: "narrow", layer: nil, outputColumns: 6) { Linear("n", inputs: 10, outputs: 6, plan: &$0) },
                unit, lossHead(columns: 6, vocabulary: 11),
            ])
    }
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

/// A layer whose forward takes much longer than the deadline.
private struct Sleeper: Layer {
    let inner: Scale
    init(_ name: String, plan: inout StagePlan) { inner = Scale(name, columns: 6, plan: &plan) }
    func forward(_ x: Tensor, into y: Tensor, _ frame: Frame) {
        Clock.sleep(nanoseconds: 500_000_000)
        inner.forward(x, into: y, frame)
    }
    func backwardInput(_ dy: Tensor, input x: Tensor, into dx: Tensor, _ frame: Frame) {
        inner.backwardInput(dy, input: x, into: dx, frame)
    }
    func backwardWeights(_ dy: Tensor, input x: Tensor, _ frame: Frame) {
        inner.backwardWeights(dy, input: x, frame)
    }
}
