// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

/// The memory that a run will hold once all of its ranks are at work: who holds what, to be compared with what is measured
/// after the last step.
public struct MemoryPlan: Equatable, Sendable {
    /// For each rank.
    public private(set) var ranks: [MemoryAccount]
    /// Of these, each rank's own mapping: all that is not program, code, results or slots of edges to other ranks.
    public let ownBytes: [Int]
    /// Of the process that started the ranks, where they are processes of their own; otherwise it is a part of theirs.
    public let supervisor: MemoryAccount?

    /// Of all processes.
    public var totalBytes: Int { ranks.reduce(supervisor?.total ?? 0) { $0 + $1.total } }

    /// What is held most of, the program left out; nil of a run that is too large for any machine.
    /// - Parameter ofProcess: by the process that holds the most, rather than by all.
    func largestPart(ofProcess: Bool) -> (kind: MemoryKind, bytes: Int)? {
        let accounts = ofProcess && supervisor != nil ? ranks.max { $0.total < $1.total }.map { [$0] } ?? [] : ranks
        let parts = MemoryKind.allCases.filter { $0 != .program && $0 != .code }.map { kind in
            (kind: kind, bytes: accounts.reduce(0) { $0 + $1[kind] })
        }
        return accounts.isEmpty ? nil : parts.max { $0.bytes < $1.bytes }
    }

    /// - Parameters:
    ///   - edges: between ranks.
    ///   - memories: each rank's own.
    ///   - results: each rank's.
    ///   - present: what the process holds now.
    init(
        _ configuration: RunConfiguration, _ edges: [Edge], _ memories: [RankMemory], _ results: [RankResults],
        _ present: ProcessMemory?
    ) {
        let (schedule, transport) = (configuration.schedule, configuration.transport)
        let program = ProgramMemory(
            present, forksRanks: transport.forksRanks, ranks: schedule.ranks,
            threadsPerRank: configuration.threadsPerRank)
        ranks = memories.map(\.account)
        ownBytes = memories.map(\.layout.bytes)
        for edge in edges {
            let slots = transport.slotMemory(edge)
            ranks[schedule.rankOfStage[edge.from]][.slots] += slots.senderBytes + slots.sharedBytes / 2
            ranks[schedule.rankOfStage[edge.to]][.slots] += slots.receiverBytes + slots.sharedBytes / 2
        }
        for rank in ranks.indices {
            ranks[rank][.results] = results[rank].timeline + results[rank].steps + results[rank].images
            (ranks[rank][.program], ranks[rank][.code]) = (program.program, program.code)
        }
        supervisor = program.supervisor.map { own in
            var account = MemoryAccount()
            (account[.program], account[.code]) = own
            return account
        }
    }
}

/// What a rank leaves to the caller of the run, in bytes.
struct RankResults {
    let timeline: Int
    /// The times of its steps, and on the rank of the last stage their losses, for its report and for the supervisor.
    let steps: Int
    /// Copies of weights and gradients.
    let images: Int

    init(_ configuration: RunConfiguration, _ graph: TaskGraph, _ stages: [Stage], rank: Int) {
        let schedule = configuration.schedule
        // One copy's results stand for all.
        let own = stages.filter { $0.copy == 0 && schedule.rankOfStage[$0.index] == rank }
        let tasks = graph.tasks.map(\.count)
        timeline =
            configuration.keepsTimeline
            ? Timeline.bytes(graph, steps: configuration.steps) / tasks.reduce(0, +) * tasks[rank] : 0
        let losses =
            own.contains(where: \.isLast) ? 4 * configuration.steps + StepLosses.bytes(steps: configuration.steps) : 0
        steps = configuration.steps * 16 + losses
        let kept = (configuration.keepsWeights ? 1 : 0) + (configuration.keepsGradients ? 1 : 0)
        images = kept == 0 ? 0 : kept * CheckpointImage.Plan(own.flatMap(\.plan.parameters)).layout.bytes
    }
}
