// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing

/// Memory by what it is for, against numbers that `Golden/memory_by_hand.py` works out from the layers' shapes alone.
struct MemoryAccountTests {
    /// A rank of the small model on two ranks with four microbatches.
    struct ByHand: Sendable, CustomStringConvertible {
        let architecture: Architecture
        let kind: ScheduleKind
        let recomputes: Bool
        let rank: Int
        /// Of the rank's own mapping, in the order of `ownKinds`.
        let bytes: [Int]
        /// Of what is held for backwards.
        let peak: Int

        init(
            _ architecture: Architecture, _ kind: ScheduleKind, recomputes: Bool, rank: Int, _ bytes: [Int], peak: Int
        ) {
            (self.architecture, self.kind, self.recomputes) = (architecture, kind, recomputes)
            (self.rank, self.bytes, self.peak) = (rank, bytes, peak)
        }

        var description: String {
            "\(architecture) \(kind.rawValue)\(recomputes ? ", recomputing" : "") rank \(rank)"
        }

        func configuration() -> RunConfiguration {
            var configuration = smallConfiguration(architecture, kind.make(ranks: 2, microbatches: 4))
            configuration.recomputes = recomputes
            configuration.keepsTimeline = false
            (configuration.keepsWeights, configuration.keepsGradients) = (false, false)
            return configuration
        }
    }

    private static let ownKinds: [MemoryKind] = [
        .weights, .gradients, .optimizer, .packed, .frames, .keptGradients, .scratch, .batch,
    ]

    static let byHand = [
        ByHand(
            .decoder, .gpipe, recomputes: false, rank: 0, [46656, 46656, 93312, 47872, 143360, 11968, 1_329_792, 324],
            peak: 143360),
        ByHand(
            .decoder, .gpipe, recomputes: false, rank: 1, [47232, 47232, 94464, 51584, 155392, 11968, 1_329_792, 324],
            peak: 159712),
        ByHand(
            .decoder, .gpipe, recomputes: true, rank: 0, [46656, 46656, 93312, 47872, 36928, 11968, 1_329_792, 324],
            peak: 36928),
        ByHand(
            .decoder, .gpipe, recomputes: true, rank: 1, [47232, 47232, 94464, 51584, 38848, 11968, 1_329_792, 324],
            peak: 43168),
        ByHand(
            .decoder, .oneFOneB, recomputes: false, rank: 0,
            [46656, 46656, 93312, 47872, 71680, 11968, 1_329_792, 324], peak: 71680),
        ByHand(
            .decoder, .oneFOneB, recomputes: false, rank: 1,
            [47232, 47232, 94464, 51584, 38848, 11968, 1_329_792, 324], peak: 39928),
        ByHand(
            .decoder, .oneFOneB, recomputes: true, rank: 0, [46656, 46656, 93312, 47872, 36928, 11968, 1_329_792, 324],
            peak: 36928),
        ByHand(
            .decoder, .oneFOneB, recomputes: true, rank: 1, [47232, 47232, 94464, 51584, 38848, 11968, 1_329_792, 324],
            peak: 39928),
        ByHand(
            .decoder, .interleaved, recomputes: false, rank: 0,
            [46656, 46656, 93312, 47872, 105344, 22848, 1_329_792, 324], peak: 89592),
        ByHand(
            .decoder, .interleaved, recomputes: false, rank: 1,
            [47232, 47232, 94464, 51584, 71424, 22848, 1_329_792, 324], peak: 57832),
        ByHand(
            .decoder, .interleaved, recomputes: true, rank: 0,
            [46656, 46656, 93312, 47872, 36928, 22848, 1_329_792, 324], peak: 39088),
        ByHand(
            .decoder, .interleaved, recomputes: true, rank: 1,
            [47232, 47232, 94464, 51584, 38848, 22848, 1_329_792, 324], peak: 42088),
        ByHand(
            .decoder, .zeroBubble, recomputes: false, rank: 0,
            [46656, 46656, 93312, 47872, 71680, 29184, 1_329_792, 324], peak: 101944),
        ByHand(
            .decoder, .zeroBubble, recomputes: false, rank: 1,
            [47232, 47232, 94464, 51584, 77696, 60544, 1_329_792, 324], peak: 140400),
        ByHand(
            .decoder, .zeroBubble, recomputes: true, rank: 0,
            [46656, 46656, 93312, 47872, 36928, 29184, 1_329_792, 324], peak: 67192),
        ByHand(
            .decoder, .zeroBubble, recomputes: true, rank: 1,
            [47232, 47232, 94464, 51584, 77696, 60544, 1_329_792, 324], peak: 140400),
        ByHand(
            .gpt, .gpipe, recomputes: false, rank: 0, [29632, 29632, 59264, 29440, 99328, 6528, 1_328_448, 324],
            peak: 99328),
        ByHand(
            .gpt, .gpipe, recomputes: false, rank: 1, [29696, 29696, 59392, 33152, 111360, 6528, 1_328_448, 324],
            peak: 115680),
        ByHand(
            .gpt, .gpipe, recomputes: true, rank: 0, [29632, 29632, 59264, 29440, 25920, 6528, 1_328_448, 324],
            peak: 25920),
        ByHand(
            .gpt, .gpipe, recomputes: true, rank: 1, [29696, 29696, 59392, 33152, 27840, 6528, 1_328_448, 324],
            peak: 32160),
        ByHand(
            .gpt, .oneFOneB, recomputes: false, rank: 0, [29632, 29632, 59264, 29440, 49664, 6528, 1_328_448, 324],
            peak: 49664),
        ByHand(
            .gpt, .oneFOneB, recomputes: false, rank: 1, [29696, 29696, 59392, 33152, 27840, 6528, 1_328_448, 324],
            peak: 28920),
        ByHand(
            .gpt, .oneFOneB, recomputes: true, rank: 0, [29632, 29632, 59264, 29440, 25920, 6528, 1_328_448, 324],
            peak: 25920),
        ByHand(
            .gpt, .oneFOneB, recomputes: true, rank: 1, [29696, 29696, 59392, 33152, 27840, 6528, 1_328_448, 324],
            peak: 28920),
        ByHand(
            .gpt, .interleaved, recomputes: false, rank: 0, [29632, 29632, 59264, 29440, 72320, 11968, 1_328_448, 324],
            peak: 62072),
        ByHand(
            .gpt, .interleaved, recomputes: false, rank: 1, [29696, 29696, 59392, 33152, 49408, 11968, 1_328_448, 324],
            peak: 41320),
        ByHand(
            .gpt, .interleaved, recomputes: true, rank: 0, [29632, 29632, 59264, 29440, 25920, 11968, 1_328_448, 324],
            peak: 28080),
        ByHand(
            .gpt, .interleaved, recomputes: true, rank: 1, [29696, 29696, 59392, 33152, 27840, 11968, 1_328_448, 324],
            peak: 31080),
        ByHand(
            .gpt, .zeroBubble, recomputes: false, rank: 0, [29632, 29632, 59264, 29440, 49664, 18304, 1_328_448, 324],
            peak: 69048),
        ByHand(
            .gpt, .zeroBubble, recomputes: false, rank: 1, [29696, 29696, 59392, 33152, 55680, 38784, 1_328_448, 324],
            peak: 96624),
        ByHand(
            .gpt, .zeroBubble, recomputes: true, rank: 0, [29632, 29632, 59264, 29440, 25920, 18304, 1_328_448, 324],
            peak: 45304),
        ByHand(
            .gpt, .zeroBubble, recomputes: true, rank: 1, [29696, 29696, 59392, 33152, 55680, 38784, 1_328_448, 324],
            peak: 96624),
    ]

    @Test("what a rank is planned to hold of each kind is what its layers' shapes and its order say", arguments: byHand)
    func kinds(example: ByHand) throws {
        let plan = try RunPlan(example.configuration())
        let account = plan.memory.ranks[example.rank]
        #expect(Self.ownKinds.map { account[$0] } == example.bytes)
        #expect(plan.memory.ownBytes[example.rank] == example.bytes.reduce(0, +))
        #expect(plan.memory.ownBytes == plan.memoryBytesOfRank)
    }

    @Test("the most that waits for backwards is what the order says, unequal on unequal ranks", arguments: byHand)
    func peak(example: ByHand) throws {
        let result = try RunPlan(example.configuration()).run()
        #expect(result.ranks[example.rank].activationBytesPeak == example.peak)
    }

    private func plan(_ change: (inout RunConfiguration) -> Void) throws -> RunPlan {
        var configuration = Self.byHand[0].configuration()
        change(&configuration)
        return try RunPlan(configuration)
    }

    @Test("adam keeps twice the weights, sgd nothing, and forwards alone neither, nor gradients") func optimizers()
        throws
    {
        let adam = try plan { $0.optimizer = .adam(rate: 1) }.memory.ranks
        let sgd = try plan { $0.optimizer = .sgd(rate: 1) }.memory.ranks
        for (adam, sgd) in zip(adam, sgd) {
            #expect(adam[.optimizer] == 2 * adam[.weights] && sgd[.optimizer] == 0)
            for kind in MemoryKind.allCases where ![.optimizer, .program, .code].contains(kind) {
                #expect(adam[kind] == sgd[kind])
            }
        }
        let alone = try plan { $0.schedule = $0.schedule.forwardOnly() }.memory.ranks
        for account in alone {
            #expect(account[.weights] > 0 && account[.frames] > 0)
            for kind in [MemoryKind.gradients, .optimizer, .packed, .keptGradients] { #expect(account[kind] == 0) }
        }
    }

    @Test("a slot counts half with each of two ranks that share it, and over sockets where it lies") func slots() throws
    {
        // 15 tokens of 18 columns, in whole lines of 64 bytes. GPipe has all four microbatches on their way, both ways.
        let (item, line) = (1088, 64)
        for kind in [TransportKind.threads, .processes] {
            let ranks = try plan { $0.transport = kind.transport }.memory.ranks
            // Gradients: the receiver has ended with one before the next is sent.
            let gradients = try plan { $0.transport = kind.transport }.facts.gradientSlots[1]
            #expect(ranks.map { $0[.slots] } == Array(repeating: (4 + gradients) * (item + line) / 2, count: 2))
        }
        for kind in [TransportKind.sockets, .unix] {
            let plan = try plan { $0.transport = kind.transport }
            let gradients = plan.facts.gradientSlots[1]
            #expect(plan.memory.ranks.map { $0[.slots] } == [(1 + gradients) * item, (4 + 1) * item])
        }
        // Two stages of one rank hand on through slots of its own, of which each item takes one.
        let one = try plan { $0.schedule = ScheduleKind.interleaved.make(ranks: 1, virtualStages: 2, microbatches: 4) }
        let local = one.facts.activationSlots[0] + one.facts.gradientSlots[1]
        #expect(one.memory.ranks[0][.slots] == local * item && local > 1)
        #expect(one.memory.ownBytes[0] == one.memory.ranks[0].total - Self.rest(one.memory.ranks[0]))
    }

    private static func rest(_ account: MemoryAccount) -> Int {
        account[.results] + account[.program] + account[.code]
    }

    @Test("results are a line for each task, the times of steps, and copies of weights and gradients") func results()
        throws
    {
        // A pack, four forwards, four backwards and an update on each rank; two steps; the last rank has losses, and once more for who looks on.
        func results(_ change: (inout RunConfiguration) -> Void) throws -> [Int] {
            try plan(change).memory.ranks.map { $0[.results] }
        }
        #expect(try results { _ in } == [2 * 16, 2 * 36])
        #expect(try results { $0.keepsTimeline = true } == [2 * (16 + 10 * 128), 2 * (36 + 10 * 128)])
        let one = try results { $0.keepsWeights = true }
        let both = try results { ($0.keepsWeights, $0.keepsGradients) = (true, true) }
        let images = zip(one, [32, 72]).map { $0 - $1 }
        #expect(zip(both, [32, 72]).map { $0 - $1 } == images.map { 2 * $0 })
        let parameters = try plan { _ in }.weightBytesOfRank
        // Without the padding to whole vectors, but with that to whole lines.
        for (image, bytes) in zip(images, parameters) { #expect((bytes...bytes + 64 * 60).contains(image)) }
    }

    @Test(
        "what a run is refused for is what it is planned to hold, and room for the program",
        arguments: TransportKind.withoutLauncher)
    func demand(kind: TransportKind) throws {
        let plan = try plan {
            ($0.transport, $0.threadsPerRank, $0.keepsTimeline) = (kind.transport, 2, true)
        }
        let model = plan.memory.ranks.reduce(0) { $0 + $1.total - $1[.program] - $1[.code] }
        let processes = kind.transport.forksRanks ? 3 : 2
        // A control block; and while the run is set up, room for the largest parameter of each rank, an attention's fused
        // projection.
        let largest = 2 * 54 * 18 * 4
        #expect(plan.memoryDemand.total == model + processes << 21 + 7 * 64 + 8 + largest)
    }

    @Test("a larger rank is planned to be larger, whatever the process holds") func total() throws {
        let plan = try plan { $0.transport = TransportKind.processes.transport }
        let supervisor = try #require(plan.memory.supervisor)
        #expect(plan.memory.totalBytes == plan.memory.ranks.reduce(0) { $0 + $1.total } + supervisor.total)
        #expect(supervisor.total == supervisor[.program] + supervisor[.code] && supervisor[.program] > 0)
        #expect(try self.plan { _ in }.memory.supervisor == nil)
    }

    @Test("of ranks that are threads, the pages of each one's mapping are counted, and what is left goes to all")
    func threads() throws {
        var spec = ModelSpec()
        (spec.layers, spec.dim, spec.hidden, spec.vocabulary, spec.sequenceLength) = (3, 136, 600, 3001, 33)
        var configuration = RunConfiguration(
            model: spec.model(), schedule: .zeroBubble(ranks: 3, microbatches: 4))
        (configuration.warmupSteps, configuration.measuredSteps) = (0, 2)
        let result = try RunPlan(configuration).run()
        for (report, planned) in zip(result.ranks, result.plan.memory.ownBytes) {
            let own = try #require(report.memory.ownBytes)
            #expect((0..<4096).contains(own - planned))
        }
        #expect(result.ranks.map { $0.memory.process == nil } == [false, true, true])
        let figures = MemoryFigures(result)
        let measured = try #require(figures.measuredBytesOfRank)
        #expect(measured.reduce(0, +) == figures.measuredTotalBytes)
        #expect(figures.measuredTotalBytes == result.ranks[0].memory.process?.bytes)
        // The tests' program holds more than the command, but the same for each rank.
        let program = zip(measured, result.plan.memory.ranks).map { $0 - ($1.total - $1[.program] - $1[.code]) }
        #expect(program.max()! - program.min()! < 3 * 4096 && program.min()! > 0)
    }
}
