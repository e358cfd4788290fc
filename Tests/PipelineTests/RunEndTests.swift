// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor
import Testing
import Threads

/// Runs that end early, for a reason, or do not begin.
struct RunEndTests {
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
                && message.contains(/rank [013] waited 0\.\d+ s/)
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
        // Rank 1 has a task left, all others are done with the last step; a rank at its end has done what others wait for.
        #expect(blockers(4, [.atEnd, task(1, .backward, 1), .atEnd]) == [1, 1, 1])
        #expect(blockers(4, [.atEnd, .atEnd, .atEnd]) == [0, 1, 2])
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
        var configuration = smallConfiguration(.gpt, .oneFOneB(ranks: 2, microbatches: 4))
        configuration.warmupSteps = 1
        configuration.measuredSteps = 1_000_000
        configuration.keepsTimeline = false
        configuration.keepsGradients = keepsGradients
        var looks = 0
        let stopped = try RunPlan(configuration).run { _ in
            looks += 1
            return looks >= 2 ? .stop : .goOn
        }
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

    @Test("who looks after the ranks sleeps once a look, however many they are: to wake takes a CPU from one")
    func supervisorSleeps() throws {
        var configuration = smallConfiguration(.gpt, .oneFOneB(ranks: 4, microbatches: 4))
        configuration.measuredSteps = 1_000_000
        configuration.keepsTimeline = false
        var looks = 0
        var (first, last) = (0, 0)
        var step = -1
        _ = try RunPlan(configuration).run { progress in
            // A look tells of each step that ended before it.
            if progress.step == step { return .goOn }
            step = progress.step
            looks += 1
            if looks == 1 { first = Self.sleeps } else { last = Self.sleeps }
            return looks == 8 ? .stop : .goOn
        }
        #expect(looks >= 8)
        // Seven by themselves; four ranks, each waited for apart and in slices, made 56. The system may wake it now and then.
        #expect((7...20).contains(last - first), "\(last - first) sleeps, \(looks) looks")
    }

    /// How often the calling thread has given up its CPU by itself.
    private static var sleeps: Int {
        let lines = TextFile.text("/proc/thread-self/status") ?? ""
        let line = lines.split(separator: "\n").first { $0.hasPrefix("voluntary_ctxt_switches:") } ?? ""
        return Int(line.split(separator: "\t").last ?? "") ?? 0
    }

    @Test("settings that do not fit are refused, with the setting's name")
    func refusals() {
        func setting(_ change: (inout RunConfiguration) -> Void) -> String? {
            var configuration = smallConfiguration(.gpt, .oneFOneB(ranks: 2, microbatches: 4))
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
