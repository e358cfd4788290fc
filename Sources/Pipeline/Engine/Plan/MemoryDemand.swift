// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

/// The memory that a run takes, by what bounds it, in bytes.
public struct MemoryDemand: Sendable, Equatable {
    /// All that is there at the same time, in all processes together.
    public var total = 0
    /// Of that, what lies in files of /dev/shm.
    public var inSharedMemory = 0
    /// What the process that has the most maps.
    public var ofProcess = 0
    /// Of that, what no other process sees.
    public var privateOfProcess = 0
    /// More than any machine has; the figures then say nothing.
    public var isTooLarge = false

    func needed(by source: MemoryBound.Source) -> Int {
        switch source {
        case .machine, .group: total
        case .addressSpace: ofProcess
        case .privateData: privateOfProcess
        }
    }
}

extension MemoryDemand {
    /// Address space that a thread's stack takes.
    private static let stackBytes = 8 << 20
    /// Address space that glibc sets aside for what a thread allocates.
    private static let heapBytes = 64 << 20
    /// What a process needs for itself: what a fork copies when it writes to it, page tables, its heap.
    private static let processBytes = 2 << 20

    /// - Parameters:
    ///   - timeline, images: what the caller of the run gets, times of steps included. Images are filled after the last step.
    ///   - ranks: each rank's own memory.
    ///   - setUps: what each rank needs besides, before its first step: room for its largest parameter.
    package init(
        _ transport: some Transport, links: LinkMemory, control: Int, timeline: Int, images: Int, ranks: [Int],
        setUps: [Int], threadsPerRank: Int
    ) {
        let shared = links.sharedBytes + control
        let stacks = threadsPerRank * Self.stackBytes
        total =
            shared + links.privateBytes + timeline + ranks.reduce(0, +) + max(images, setUps.reduce(0, +))
            + (transport.forksRanks ? ranks.count + 1 : 2) * Self.processBytes
        if transport.forksRanks {
            inSharedMemory = shared
            privateOfProcess = links.privateBytes + zip(ranks, setUps).map { $0 + $1 }.max()! + stacks
            ofProcess = privateOfProcess + shared + timeline + images + threadsPerRank * Self.heapBytes
        } else {
            privateOfProcess = total + ranks.count * stacks
            ofProcess = privateOfProcess + ranks.count * threadsPerRank * Self.heapBytes
        }
    }
}

extension RunPlan {
    /// What the run will hold, and what it will take, the program itself left out. Of a run that is too large for any machine
    /// nothing is planned.
    static func memory(
        _ configuration: RunConfiguration, _ graph: TaskGraph, _ stages: [Stage], _ edges: [Edge],
        _ memories: [RankMemory], _ present: ProcessMemory?
    ) -> (plan: MemoryPlan, demand: MemoryDemand) {
        var all = SegmentLayout()
        for edge in edges {
            var slot = SegmentLayout()
            _ = slot.reserve(edge.shape)
            _ = all.reserve(slot, count: edge.slots)
        }
        for memory in memories { _ = all.reserve(memory.layout) }
        if all.isTooLarge {
            var demand = MemoryDemand()
            demand.isTooLarge = true
            return (MemoryPlan(configuration, [], [], [], present), demand)
        }
        let results = memories.indices.map { RankResults(configuration, graph, stages, rank: $0) }
        let largest = memories.indices.map { rank in
            stages.filter { configuration.schedule.rankOfStage[$0.index] == rank }.flatMap(\.plan.parameters)
                .map { $0.shape.count * 4 }.max() ?? 0
        }
        let demand = MemoryDemand(
            configuration.transport, links: configuration.transport.linkMemory(edges),
            control: ControlBlock.bytes(ranks: memories.count),
            timeline: results.reduce(0) { $0 + $1.timeline + $1.steps },
            images: results.reduce(0) { $0 + $1.images }, ranks: memories.map(\.layout.bytes), setUps: largest,
            threadsPerRank: configuration.threadsPerRank)
        return (MemoryPlan(configuration, edges, memories, results, present), demand)
    }
}

extension MemoryDemand {
    /// Refuses a run that cannot fit, before anything is mapped and the system starts to swap or kill.
    func check(_ plan: MemoryPlan, on machine: Machine, transport: String) throws(RunError) {
        func refusal(_ reason: String, ofProcess: Bool = false) -> RunError {
            let largest = plan.largestPart(ofProcess: ofProcess)
            let part = largest.map { "; the largest part is \($0.kind.label), \(ByteCount($0.bytes))" } ?? ""
            return .configuration(
                setting: "--dim",
                "the model and its activations need \(reason): make --dim, --layers, --vocab-size, --seq-len, --ffn or "
                    + "--batch-size smaller\(part)")
        }
        if isTooLarge { throw refusal("more memory than any machine has") }
        // The bound that is missed by most: to heed a milder one would not help.
        let missed = machine.memoryBounds.max {
            needed(by: $0.source) - $0.availableBytes < needed(by: $1.source) - $1.availableBytes
        }
        if let bound = missed, needed(by: bound.source) > bound.availableBytes {
            let isOfEach = bound.source.isOfEachProcess
            let needed = needed(by: bound.source)
            // Rounded, both may read alike.
            let isClose = "\(ByteCount(needed))" == "\(ByteCount(bound.availableBytes))"
            let short = isClose ? " (\(ByteCount(needed - bound.availableBytes)) too few)" : ""
            throw refusal(
                "\(ByteCount(needed)) of memory\(isOfEach ? " in one process" : ""); \(bound)\(short)",
                ofProcess: isOfEach)
        }
        if let free = machine.sharedMemory?.freeBytes, inSharedMemory > free {
            throw .configuration(
                setting: "--transport",
                "\(transport) needs \(ByteCount(inSharedMemory)) of /dev/shm, which has "
                    + "\(ByteCount(free)) left: give it more (docker run --shm-size=1g), or take threads")
        }
    }
}

extension MemoryBound.Source {
    fileprivate var isOfEachProcess: Bool {
        switch self {
        case .machine, .group: false
        case .addressSpace, .privateData: true
        }
    }
}

extension MemoryBound: CustomStringConvertible {
    /// The limit's: `the container's limit of 300 MiB`; nil for the machine's own memory.
    public var name: String? {
        switch source {
        case .machine: nil
        case .group(let limit): "the container's limit of \(ByteCount(limit))"
        case .addressSpace(let limit): "the limit of \(ByteCount(limit)) on each process (ulimit -v)"
        case .privateData(let limit): "the limit of \(ByteCount(limit)) on each process's data (ulimit -d)"
        }
    }

    /// `290 MiB are available under the container's limit of 300 MiB`.
    public var description: String { "\(ByteCount(availableBytes)) are available\(name.map { " under \($0)" } ?? "")" }
}
