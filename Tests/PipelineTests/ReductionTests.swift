// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor
import Testing

/// Sums over copies whose every number is known.
struct ReductionTests {
    /// In the order of copies, a sum of these is 1 or 0 by their order alone: at 1e8 a float's neighbours are 8 apart.
    private static let terms: [Float] = [1e8, -1e8, 1]
    private static let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
    /// (a + b) + c of each of these.
    private static let sums: [Float] = [1, 0, 1, 0, 0, 0]
    /// Far more than all other parameters have, so that each copy adds up some of them.
    private static let count = 1000

    private static func term(ofCopy copy: Int, _ index: Int) -> Float { terms[orders[index % 6][copy]] }

    @Test("gradients are added up in the order of the copies, whoever does it: by hand, of numbers where that matters")
    func order() throws {
        let folder = try Folder()
        // A sequence of three tokens for each replica, which says which one it is; and the last target.
        let tokens = try folder.file("tokens.txt", [0, 0, 0, 1, 1, 1, 2, 2, 2, 0])
        let unit = Unit(name: "given", layer: 0, outputColumns: 6) { Given("g", Self.count, Self.term, plan: &$0) }
        var configuration = RunConfiguration(
            model: chain(with: unit), schedule: .gpipe(ranks: 1, microbatches: 1).replicated(3))
        configuration.tokens = .file(try TokenFile(path: tokens))
        (configuration.batchSize, configuration.warmupSteps, configuration.measuredSteps) = (3, 0, 1)
        configuration.keepsGradients = true
        for threads in [1, 2] {
            configuration.threadsPerRank = threads
            let result = try RunPlan(configuration).run()
            let parameter = try #require(result.plan.parameters.first { $0.name == "g" })
            let found = try #require(result.gradients).tensor(parameter).values
            #expect(found == (0..<Self.count).map { Self.sums[$0 % 6] })
            #expect(result.differenceOfCopies == nil)
        }
    }

    // MARK: Tasks

    /// As `CopiesTests`: two copies of two stages that cross on two ranks.
    private let crossed = Schedule(
        name: "crossed", microbatches: 2, rankOfStage: [0, 1, 1, 0], copies: 2,
        actions: ["0F0 3F1 3B1 0B0", "2F1 1F0 1B0 2B1"].map { $0.split(separator: " ").map { action(String($0)) } })

    @Test(
        "a rank shares a stage's gradients right after its last backward, then makes all sums, then takes all others'")
    func tasks() throws {
        let graph = try TaskGraph(crossed)
        #expect(
            graph.tasks[1].suffix(9) == [
                .action(action("1B0")), .share(stage: 1), .action(action("2B1")), .share(stage: 2), .sum(stage: 1),
                .sum(stage: 2), .collect(stage: 1), .collect(stage: 2), .update,
            ])
        func causes(_ task: RankTask) -> [String] {
            let index = graph.tasks[1].firstIndex(of: task)!
            return graph.senders(of: TaskGraph.Node(rank: 1, task: index)).map { "\(graph.tasks[$0.rank][$0.task])" }
        }
        #expect(causes(.share(stage: 1)) == [])
        #expect(causes(.sum(stage: 1)) == ["sending the gradients of stage 3 to its copies"])
        #expect(causes(.collect(stage: 2)) == ["summing the gradients of stage 0 over its copies"])
        // Each after what it waits for.
        for (position, node) in graph.order.enumerated() {
            for cause in graph.senders(of: node) { #expect(graph.order[..<position].contains(cause)) }
        }
        #expect(graph.order.count == graph.tasks.joined().count)
    }

    @Test("a weight gradient of its own ends a stage's; of forwards alone last stages share their losses") func ends() {
        let split = Schedule(
            name: "split", microbatches: 2, rankOfStage: [0, 1], copies: 2,
            actions: ["0F0 0I0 0W0", "1F1 1I1 1W1"].map { $0.split(separator: " ").map { action(String($0)) } })
        let sums: [RankTask] = [.share(stage: 0), .sum(stage: 0), .collect(stage: 0), .update]
        #expect(split.tasks[0] == ["0F0", "0I0", "0W0"].map { .action(action($0)) } + sums)
        let forwards = crossed.forwardOnly().tasks
        #expect(forwards[0] == [.action(action("0F0")), .action(action("3F1")), .share(stage: 3), .sum(stage: 3)])
    }

    @Test("one copy sums nothing", arguments: ScheduleKind.allCases.filter { $0.copies == 1 })
    func oneCopy(kind: ScheduleKind) {
        for order in [kind.make(ranks: 2, microbatches: 4), kind.make(ranks: 2, microbatches: 4).forwardOnly()] {
            #expect(!order.tasks.joined().contains { $0.kind == .summing })
        }
    }
}

/// Hands on what it gets; its parameter's gradient is what it is told to be for the replica that its first token names.
private struct Given: Layer {
    private let parameter: Parameter
    private let term: @Sendable (Int, Int) -> Float

    init(_ name: String, _ count: Int, _ term: @escaping @Sendable (Int, Int) -> Float, plan: inout StagePlan) {
        parameter = plan.parameter(name, Shape(count), .constant(0))
        plan.readsTokens(below: 11)
        self.term = term
    }

    func forward(_ x: Tensor, into y: Tensor, _ frame: Frame) { y.copy(from: x) }
    func backwardInput(_ dy: Tensor, input x: Tensor, into dx: Tensor, _ frame: Frame) { dx.copy(from: dy) }
    func backwardWeights(_ dy: Tensor, input x: Tensor, _ frame: Frame) {
        let (gradient, copy) = (frame.gradient(of: parameter), Int(frame.tokens[0]))
        for index in 0..<gradient.count { gradient[index] += term(copy, index) }
    }
}
