import SharedTensor
import Threads

extension Rank {
    /// Maps the rank's memory, connects its stages and gives their parameters first values: all that it allocates.
    ///
    /// On the rank's own thread, so that the rank touches its memory first.
    convenience init(
        _ index: Int, _ plan: RunPlan, _ control: ControlBlock, _ links: any Links, _ timeline: Timeline?,
        _ team: Dispatcher, _ pinning: Pinning
    ) throws(RankFailure.Reason) {
        let configuration = plan.configuration
        let layout = plan.memories[index]
        let memory = try RankFailure.Reason.ofMemory { () throws(SegmentError) in
            try Segment(bytes: layout.layout.bytes, backing: .residentMemory)
        }
        let arena = memory.arena
        let kernels = Kernels(
            level: configuration.simd, blas: configuration.blas,
            workspace: arena.tensor(layout.workspace, Kernels.workspaceShape(members: team.members)), team: team)
        let stash = StashMeter(
            bytes: configuration.recomputes
                ? zip(plan.stages(ofRank: index), layout.stages).reduce(0) {
                    $0 + $1.1.stashFrames * $1.0.plan.stash.stride
                } : 0)
        timeline?.prepare(rank: index)
        let watch = TaskWatch(isOn: timeline != nil, sharesCPU: !plan.placement.ownsItsCPUs(rank: index))
        let wait = WaitContext(
            patience: plan.placement.patience(ofRank: index), abort: control.abort,
            timeoutNanoseconds: UInt64(configuration.timeoutSeconds * 1e9), suspension: control.suspension)
        let channels = EdgeChannels(plan, links, layout, arena)
        let frames = FrameMaker(plan: plan, layout: layout, arena: arena, kernels: kernels)
        let stages = zip(plan.stages(ofRank: index), layout.stages).map { stage, regions in
            LocalStage(
                stage, frames.memory(of: stage, regions), channels.channels(ofStage: stage.index),
                isForwardOnly: plan.schedule.isForwardOnly, wait, watch, stash)
        }
        for stage in stages { try stage.initializeParameters(configuration, kernels) }
        do throws(DataError) { try configuration.initial?.checkUntouched() } catch { throw .data(error) }
        self.init(
            index, plan, control, memory, kernels, stages, wait, watch, stash, timeline,
            RankBatch(plan, layout, arena, hasLastStage: stages.contains(where: \.stage.isLast)),
            RankReport(rank: index, pinnings: [pinning], cpu: CurrentThread.cpu))
    }
}

/// The ends of a rank's edges: rings, sockets or whatever the transport has between ranks, local slots inside one.
private struct EdgeChannels {
    private let plan: RunPlan
    private let links: any Links
    private let localSlots: [Edge: LocalSlots]

    init(_ plan: RunPlan, _ links: any Links, _ layout: RankMemory, _ arena: Arena) {
        self.plan = plan
        self.links = links
        localSlots = layout.localSlots.mapValues { slots in
            LocalSlots(slots.regions.map { arena.tensor($0, slots.shape) })
        }
    }

    func channels(ofStage stage: Int) -> LocalStage.Channels {
        LocalStage.Channels(
            input: receiver(from: stage - 1, to: stage), output: sender(from: stage, to: stage + 1),
            outputGradient: receiver(from: stage + 1, to: stage), inputGradient: sender(from: stage, to: stage - 1))
    }

    private func sender(from: Int, to: Int) -> (any SendChannel)? {
        edge(from, to).map { localSlots[$0] ?? links.sender($0) }
    }

    private func receiver(from: Int, to: Int) -> (any ReceiveChannel)? {
        edge(from, to).map { localSlots[$0] ?? links.receiver($0) }
    }

    private func edge(_ from: Int, _ to: Int) -> Edge? {
        plan.edges.first { $0.from == from && $0.to == to }
    }
}
