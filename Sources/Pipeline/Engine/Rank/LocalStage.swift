// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

/// A stage at work on its rank: its memory, the ends of its edges, and what is in flight of each microbatch.
///
/// Used by the rank's own thread, which calls for each microbatch `forward`, then `backward`, or `backwardInput` and later
/// `backwardWeights`; of an order without backwards, `forward` alone. Another sequence traps.
final class LocalStage {
    /// The ends of its edges; nil where it has no neighbour, or where nothing goes that way.
    struct Channels {
        let input: (any ReceiveChannel)?
        let output: (any SendChannel)?
        let outputGradient: (any ReceiveChannel)?
        let inputGradient: (any SendChannel)?
    }

    /// What the stage has of a microbatch.
    private struct InFlight {
        enum Phase { case none, forwarded, gradientHandedOn }

        var phase = Phase.none
        var input: Delivery?
        var gradient: Delivery?

        var x: Tensor { input?.tensor ?? .none }
        var dy: Tensor { gradient?.tensor ?? .none }
    }

    let stage: Stage
    let memory: StageMemory
    /// With the other copies of the stage; nil where there are none, or nothing to tell them.
    let exchange: StageExchange?
    private let channels: Channels
    private let isForwardOnly: Bool
    private let wait: WaitContext
    private let watch: TaskWatch
    private let stash: StashMeter
    /// One for each microbatch.
    private var inFlight: [InFlight]

    init(
        _ stage: Stage, _ memory: StageMemory, _ channels: Channels, _ exchange: StageExchange?, isForwardOnly: Bool,
        _ wait: WaitContext, _ watch: TaskWatch, _ stash: StashMeter
    ) {
        self.stage = stage
        self.memory = memory
        self.channels = channels
        self.exchange = exchange
        self.isForwardOnly = isForwardOnly
        self.wait = wait
        self.watch = watch
        self.stash = stash
        inFlight = Array(repeating: InFlight(), count: memory.forwardFrames.count)
    }

    /// Bytes of items that its ends have copied so far.
    var bytesCopied: Int {
        (channels.input?.bytesCopied ?? 0) + (channels.output?.bytesCopied ?? 0)
            + (channels.outputGradient?.bytesCopied ?? 0)
            + (channels.inputGradient?.bytesCopied ?? 0) + (exchange?.bytesCopied ?? 0)
    }

    // MARK: Tasks

    /// Packs the weights for all backwards of the step.
    func pack() {
        watch.startWork()
        stage.packWeights(memory.backwardFrames[0])
        watch.endWork()
    }

    func forward(_ microbatch: Int) throws(WaitError) {
        require(inFlight[microbatch].phase == .none, "a second forward of a microbatch that is in flight")
        inFlight[microbatch].input = try receive(channels.input)
        let y = try channels.output?.reserve(wait) ?? .none
        stash.add(stage.activationBytes)
        watch.startWork(roomWait: channels.output?.lastWait ?? .ready)
        stage.forward(inFlight[microbatch].x, into: y, memory.forwardFrames[microbatch])
        watch.endWork()
        inFlight[microbatch].phase = .forwarded
        try handOn(channels.output)
        if isForwardOnly { finish(microbatch) }
    }

    /// The input's gradient and the weights'.
    func backward(_ microbatch: Int) throws(WaitError) {
        let dx = try beginBackward(microbatch)
        let own = inFlight[microbatch]
        stage.backward(own.dy, input: own.x, into: dx, memory.backwardFrames[microbatch])
        watch.endWork()
        // Before the hand-off: who receives it may count on these slots being free.
        finish(microbatch)
        try handOn(channels.inputGradient)
    }

    /// The input's gradient alone.
    func backwardInput(_ microbatch: Int) throws(WaitError) {
        let dx = try beginBackward(microbatch)
        stash.keep(stage.gradientBytes)
        let own = inFlight[microbatch]
        stage.backwardInput(own.dy, input: own.x, into: dx, memory.backwardFrames[microbatch])
        watch.endWork()
        inFlight[microbatch].phase = .gradientHandedOn
        try handOn(channels.inputGradient)
    }

    /// The weights' gradient, after the input's.
    func backwardWeights(_ microbatch: Int) {
        require(inFlight[microbatch].phase == .gradientHandedOn, "a weight gradient before the input's")
        watch.startWork()
        let own = inFlight[microbatch]
        stage.backwardWeights(own.dy, input: own.x, memory.backwardFrames[microbatch])
        watch.endWork()
        stash.drop(stage.gradientBytes)
        finish(microbatch)
    }

    // MARK: Parts of tasks

    /// Takes the output's gradient and room for the input's, which it returns; then the work has begun.
    private func beginBackward(_ microbatch: Int) throws(WaitError) -> Tensor {
        require(inFlight[microbatch].phase == .forwarded, "a backward of a microbatch without its forward")
        inFlight[microbatch].gradient = try receive(channels.outputGradient)
        let dx = try channels.inputGradient?.reserve(wait) ?? .none
        watch.startWork(roomWait: channels.inputGradient?.lastWait ?? .ready)
        if memory.recomputes { stage.recompute(inFlight[microbatch].x, memory.backwardFrames[microbatch]) }
        return dx
    }

    private func receive(_ channel: (any ReceiveChannel)?) throws(WaitError) -> Delivery? {
        guard let channel else { return nil }
        let delivery = try channel.receive(wait)
        watch.received(channel.lastWait)
        return delivery
    }

    private func handOn(_ channel: (any SendChannel)?) throws(WaitError) {
        guard let channel else { return }
        watch.handOn()
        watch.handedOn(try channel.commit(wait))
    }

    /// Ends a microbatch: what the stage had of it is free for another.
    private func finish(_ microbatch: Int) {
        if let input = inFlight[microbatch].input { channels.input!.release(input) }
        if let gradient = inFlight[microbatch].gradient { channels.outputGradient!.release(gradient) }
        inFlight[microbatch] = InFlight()
        stash.remove(stage.activationBytes)
    }
}
