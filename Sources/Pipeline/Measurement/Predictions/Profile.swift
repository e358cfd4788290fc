// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

/// Measures what a model's units take, as they run in a pipeline: real steps whose stages are single units, in blocks on as many ranks
/// as the runs have that are to be predicted. So caches are as warm, and memory is as contended, as there.
///
/// Steps with whole backwards (1F1B) and with halves (ZB-H1) take turns, so that what changes meanwhile meets both alike; hand-offs come
/// from the same steps, on each transport, and what a byte more costs them from items that go to and fro.
public struct Profile: Sendable {
    private let base: RunConfiguration
    private let machine: MachineName
    private var samples: ProfileSamples
    /// Of each transport, that of the units first.
    private var links: [LinkSamples]

    /// All that was measured so far.
    public var file: CostsFile {
        samples.file(links.map(\.link), machine, CostsWorkload(base))
    }

    /// The medians, with the hand-offs of the transport that the units were measured on.
    public var costs: Costs { file.costs(transport: base.transport.name)! }

    /// - Parameters:
    ///   - configuration: model, microbatches, ranks, transport and threads are taken from it.
    ///   - transports: further ones whose hand-offs are measured; none unless given.
    ///   - rounds: how many times steps of both kinds take turns.
    /// - Throws: as a run.
    public init(
        _ configuration: RunConfiguration, transports: [any Transport] = [], rounds: Int = 3
    ) throws(RunError) {
        let base = Self.base(configuration)
        self.base = base
        machine = try Self.machine()
        samples = ProfileSamples(base)
        let others = base.schedule.ranks > 1 ? transports.filter { $0.name != configuration.transport.name } : []
        links = ([base.transport] + others).map { LinkSamples($0, base) }
        try measure(rounds: rounds)
    }

    /// Measures more: what is told are the medians of all.
    /// - Parameter rounds: how many times steps of both kinds take turns.
    /// - Throws: as a run.
    public mutating func measure(rounds: Int) throws(RunError) {
        let schedules = [
            Schedule.oneFOneB(ranks: base.schedule.ranks, microbatches: base.schedule.microbatches),
            Schedule.zeroBubble(ranks: base.schedule.ranks, microbatches: base.schedule.microbatches),
        ]
        for round in 0..<rounds {
            for schedule in round % 2 == 0 ? schedules : schedules.reversed() {
                samples.add(try Self.measure(base, schedule, steps: 3))
            }
        }
        links[0].handoffs = samples.handoffs
        for index in links.indices.dropFirst() {
            var own = base
            own.transport = links[index].transport
            var handoffs = ProfileSamples(own)
            handoffs.add(try Self.measure(own, schedules[0], steps: 3))
            links[index].handoffs += handoffs.handoffs
        }
        for index in links.indices { try links[index].measureBytes() }
    }

    /// The configuration with one replica, and nothing that is not measured.
    private static func base(_ configuration: RunConfiguration) -> RunConfiguration {
        var base = configuration
        let schedule = configuration.schedule
        base.schedule = .oneFOneB(
            ranks: schedule.ranks / schedule.replicas, microbatches: schedule.microbatches / schedule.replicas)
        base.batchSize = configuration.batchSize / schedule.replicas
        base.partition = .balanced
        base.recomputes = false
        (base.keepsTimeline, base.keepsWeights, base.keepsGradients) = (true, false, false)
        return base
    }

    /// Real steps of an order whose stages are single units, in the blocks that a balanced cut gives its ranks.
    private static func measure(
        _ base: RunConfiguration, _ schedule: Schedule, steps: Int
    ) throws(RunError) -> RunResult {
        var cut = base
        cut.schedule = schedule
        let blocks = try RunPlan(cut).partition
        let units = base.model.units.count
        cut.schedule = schedule.refined(blocks.ranges.map(\.count))
        cut.partition = .given(Partition(startingAt: Array(1..<units), of: units))
        (cut.warmupSteps, cut.measuredSteps) = (2, steps)
        return try RunPlan(cut).run()
    }

    /// The machine that this program runs on.
    public static func machine() throws(RunError) -> MachineName {
        do throws(SystemError) {
            let machine = try Machine.current()
            return MachineName(
                cpu: machine.cpuModel ?? "", cpus: machine.topology.cpus.count, simd: SIMDLevel.best.rawValue)
        } catch {
            throw .failed("\(error)")
        }
    }
}

extension CostsFile.Measured {
    /// Of a sample; all 0 of none.
    init(_ sample: [Double]) {
        let statistics = sample.isEmpty ? nil : Statistics(sample)
        let median = statistics?.median ?? 0
        self.init(median: median, spread: median > 0 ? statistics!.relativeSpread : 0, samples: sample.count)
    }
}

/// Times of a transport's hand-offs.
private struct LinkSamples {
    let transport: any Transport
    private let bytes: Int
    private let isOfRanks: Bool
    /// In seconds, of items of so many bytes.
    var handoffs: [Double] = []
    private var secondsPerByte: [Double] = []

    init(_ transport: any Transport, _ base: RunConfiguration) {
        self.transport = transport
        bytes = 4 * base.batchShape.tokens * (base.model.units.dropLast().map(\.outputColumns).max() ?? 0)
        isOfRanks = base.schedule.ranks > 1
    }

    /// Between processes that a launcher has started it is not measured.
    mutating func measureBytes() throws(RunError) {
        do throws(JobError) { if try transport.job() != nil || !isOfRanks { return } } catch {
            throw .failed("\(error)")
        }
        secondsPerByte.append(try HandoffProbe(transport).secondsPerByte())
    }

    var link: CostsFile.Link {
        CostsFile.Link(
            transport: transport.name, handoff: CostsFile.Measured(handoffs), bytes: bytes,
            secondsPerByte: secondsPerByte.isEmpty ? 0 : Statistics(secondsPerByte).median)
    }
}

/// Times of each unit, kind by kind.
private struct ProfileSamples {
    private let names: [String]
    private var times: [[RankTask.Kind: [Double]]]
    private var updates: [Double] = []
    private(set) var handoffs: [Double] = []

    init(_ configuration: RunConfiguration) {
        names = configuration.model.units.map(\.name)
        times = names.map { _ in [:] }
    }

    mutating func add(_ result: RunResult) {
        let plan = result.plan
        for step in result.timedSteps {
            let measured = result.times(ofStep: step)
            for node in measured.graph.order {
                let task = measured.graph.tasks[node.rank][node.task]
                let seconds = measured.tasks[node.rank][node.task].onCPU
                if let stage = task.stage {
                    times[plan.schedule.modelStage(stage)][task.kind, default: []].append(seconds)
                } else {
                    updates.append(seconds / Double(plan.weightBytesOfRank[node.rank] / 4))
                }
                if let handoff = measured.handoffSeconds(node) { handoffs.append(handoff) }
            }
        }
    }

    func file(_ links: [CostsFile.Link], _ machine: MachineName, _ workload: CostsWorkload) -> CostsFile {
        CostsFile(
            machine: machine, workload: workload,
            units: zip(names, times).map { name, kinds in
                func measured(_ kind: RankTask.Kind) -> CostsFile.Measured { CostsFile.Measured(kinds[kind] ?? []) }
                return CostsFile.Unit(
                    name: name, forward: measured(.forward), backward: measured(.backward),
                    inputGradient: measured(.backwardInput), weightGradient: measured(.backwardWeights),
                    packing: measured(.packing))
            }, updateOfParameter: CostsFile.Measured(updates), links: links)
    }
}
