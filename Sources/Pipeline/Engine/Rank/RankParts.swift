// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

/// What a rank works with, made at its start: all that it allocates.
struct RankParts {
    // Keeps what the stages' views point into mapped.
    let memory: Segment
    let kernels: Kernels
    /// In ascending order.
    let stages: [LocalStage]
    let wait: WaitContext
    let watch: TaskWatch
    let stash: StashMeter

    /// Maps the rank's memory, connects its stages and gives their parameters first values.
    ///
    /// On the rank's own thread, so that the rank touches its memory first.
    init(
        _ rank: Int, _ plan: RunPlan, _ control: ControlBlock, _ links: any Links, _ team: Dispatcher, isTimed: Bool
    ) throws(RankFailure.Reason) {
        let (configuration, layout, own) = (plan.configuration, plan.memories[rank], plan.stages(ofRank: rank))
        let memory = try RankFailure.Reason.ofMemory { () throws(SegmentError) in
            try Segment(bytes: layout.layout.bytes, backing: .residentMemory)
        }
        let arena = memory.arena
        let kernels = Kernels(
            level: configuration.simd, blas: configuration.blas,
            workspace: arena.tensor(layout.workspace, Kernels.workspaceShape(members: team.members)), team: team)
        let stash = StashMeter(bytes: plan.standingActivationBytes(ofRank: rank))
        let watch = TaskWatch(isOn: isTimed)
        let wait = WaitContext(
            patience: plan.placement.patience(ofRank: rank), abort: control.abort,
            timeoutNanoseconds: UInt64(configuration.timeoutSeconds * 1e9), suspension: control.suspension)
        let channels = EdgeChannels(plan, links, layout, arena)
        let frames = FrameMaker(plan: plan, layout: layout, arena: arena, kernels: kernels)
        let losses = arena.tensor(layout.losses, Shape(plan.schedule.microbatches))
        let stages = zip(own, layout.stages).map { stage, regions in
            let memory = frames.memory(of: stage, regions)
            let peers = channels.peers(ofStage: stage.index)
            let summed = StageExchange.Parts(
                shares: plan.shares(of: stage), copy: stage.copy, gradients: memory.gradients.floats, losses: losses,
                copyOfMicrobatch: plan.facts.copyOfMicrobatch)
            return LocalStage(
                stage, memory, channels.channels(ofStage: stage.index),
                peers.isEmpty ? nil : StageExchange(summed, peers, kernels, wait, watch),
                isForwardOnly: plan.schedule.isForwardOnly, wait, watch, stash)
        }
        for stage in stages { try stage.initializeParameters(configuration, kernels) }
        do throws(DataError) { try configuration.initial?.checkUntouched() } catch { throw .data(error) }
        (self.memory, self.kernels, self.stages) = (memory, kernels, stages)
        (self.wait, self.watch, self.stash) = (wait, watch, stash)
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
        let slots = layout.localSlots.map { edge, regions in
            (edge, LocalSlots(regions.map { arena.tensor($0, edge.shape) }))
        }
        localSlots = Dictionary(uniqueKeysWithValues: slots)
    }

    func channels(ofStage stage: Int) -> LocalStage.Channels {
        LocalStage.Channels(
            input: receiver(from: stage - 1, to: stage), output: sender(from: stage, to: stage + 1),
            outputGradient: receiver(from: stage + 1, to: stage), inputGradient: sender(from: stage, to: stage - 1))
    }

    /// The other copies of a stage; none of one that has nothing to tell them.
    func peers(ofStage stage: Int) -> [StageExchange.Peer] {
        plan.schedule.otherCopies(ofStage: stage).compactMap { other in
            guard let out = edge(stage, other, in: plan.edgesBetweenCopies),
                let back = edge(other, stage, in: plan.edgesBetweenCopies)
            else { return nil }
            return StageExchange.Peer(
                copy: plan.schedule.copy(ofStage: other), sender: sender(out), receiver: receiver(back))
        }
    }

    private func sender(from: Int, to: Int) -> (any SendChannel)? { edge(from, to, in: plan.edges).map(sender) }
    private func receiver(from: Int, to: Int) -> (any ReceiveChannel)? { edge(from, to, in: plan.edges).map(receiver) }

    private func sender(_ edge: Edge) -> any SendChannel { localSlots[edge] ?? links.sender(edge) }
    private func receiver(_ edge: Edge) -> any ReceiveChannel { localSlots[edge] ?? links.receiver(edge) }

    // Stages of one number apart may be neighbours or, of copies with one stage, each other's copies: hence two lists.
    private func edge(_ from: Int, _ to: Int, in edges: [Edge]) -> Edge? {
        edges.first { $0.from == from && $0.to == to }
    }
}
