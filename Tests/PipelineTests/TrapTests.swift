// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor
import Testing
import Threads

enum Bug: String, CaseIterable, Codable, Sendable {
    case noSample, wildQuantile, noEstimate, untimedStep, untimed, unknownRank, wrongDurations
    case headsThatDoNotDivide, noHeads, negativeColumns, hugeColumns, biasOfAnotherWidth, lossOfAnotherWidth
    case hiddenOfAnotherWidth, attentionOfAnotherWidth, rowsBeyondPlace, placeOfAnotherPlan, weightOfAnotherPlan
    case probeOfAnotherWidth, probeOfTwins, strangeToken, strangeTarget, negativeBatch, cutsOfAnotherGraph
    case bytesBeyondFile, localSlotsAllTaken, localItemNotThere

    var sentence: String {
        switch self {
        case .noSample: "statistics of nothing"
        case .wildQuantile: "a quantile is a fraction"
        case .noEstimate: "statistics of nothing"
        case .untimedStep: "step 99 is none of the timed ones, 1 to 2"
        case .untimed: "the run kept no timeline"
        case .unknownRank: "there is no rank 7"
        case .wrongDurations: "one duration for each task is needed"
        case .headsThatDoNotDivide: "3 heads do not divide dim 10"
        case .noHeads: "attention of size 0; 1 to 1073741824 is allowed"
        case .negativeColumns: "layer norm n of size -1; 1 to 1073741824 is allowed"
        case .hugeColumns: "decoder attention d of size 4611686018427387904; 1 to 1073741824 is allowed"
        case .biasOfAnotherWidth: "a linear map to 3 columns with a bias of shape [4]"
        case .lossOfAnotherWidth: "a loss of dim 6 and vocabulary 11 whose norm or projection has other columns"
        case .hiddenOfAnotherWidth: "a feed-forward of 8 hidden columns whose linear maps have others"
        case .attentionOfAnotherWidth: "attention of dim 10 whose linear maps have other columns"
        case .rowsBeyondPlace: "rows 0..<7 of memory of shape [6]"
        case .placeOfAnotherPlan, .weightOfAnotherPlan: "memory of shape ["
        case .probeOfAnotherWidth: "unit linear: takes 4 columns, and gets 5"
        case .probeOfTwins: "units twins and twins: both have a parameter called w"
        case .strangeToken: "token 9 is outside the rows of the embedding, 0 to 8"
        case .strangeTarget: "token -2 is outside the columns of the logits, 0 to 8"
        case .negativeBatch: "a microbatch of -1 sequences of 3 tokens"
        case .cutsOfAnotherGraph: "a graph of 2 stages to cut 3 for"
        case .localSlotsAllTaken: "all 2 slots of an edge inside a rank are taken"
        case .localItemNotThere: "an item is received that the same rank has not handed on yet"
        case .bytesBeyondFile: "bytes 0..<1099511627776 outside a file of "
        }
    }

    func happen() throws {
        let batch = BatchShape(sequences: 2, sequenceLength: 3)
        var plan = StagePlan(batch: batch, splitsBackward: false)
        func linear(_ inputs: Int, _ outputs: Int) -> Linear {
            Linear("l\(inputs)x\(outputs)", inputs: inputs, outputs: outputs, plan: &plan)
        }
        switch self {
        case .noSample: _ = Statistics([])
        case .wildQuantile: _ = Statistics([1]).quantile(.nan)
        case .noEstimate: _ = Estimate(medianOf: [])
        case .untimedStep: _ = try run().times(ofStep: 99)
        case .untimed: _ = try run { $0.keepsTimeline = false }.times(ofStep: 1)
        case .unknownRank: _ = RankBreakdown(try run().times(ofStep: 1), rank: 7)
        case .wrongDurations: _ = Replay(try TaskGraph(.gpipe(ranks: 2, microbatches: 2)), durations: [[1]])
        case .headsThatDoNotDivide: attention(heads: 3, linear(10, 30), linear(10, 10), &plan)
        case .noHeads: attention(heads: 0, linear(10, 30), linear(10, 10), &plan)
        case .negativeColumns: _ = LayerNorm("n", columns: -1, plan: &plan)
        case .hugeColumns: _ = DecoderAttention("d", dim: 1 << 62, heads: 1, plan: &plan)
        case .biasOfAnotherWidth:
            let bias = plan.parameter("b", Shape(4), .constant(0))
            let weights = plan.linearWeights("w", outputs: [3], inputs: 2, .constant(0))
            _ = Linear(weight: weights[0], bias: bias, plan: &plan)
        case .lossOfAnotherWidth:
            let norm = LayerNorm("norm", columns: 6, plan: &plan)
            _ = LossHead(norm: norm, project: linear(6, 10), dim: 6, vocabulary: 11, plan: &plan)
        case .hiddenOfAnotherWidth:
            _ = FeedForward(.relu, hidden: 8, up: linear(4, 8), down: linear(7, 4), plan: &plan)
        case .attentionOfAnotherWidth: attention(heads: 2, linear(10, 20), linear(10, 10), &plan)
        case .rowsBeyondPlace: _ = plan.parameter("v", Shape(6), .constant(0)).rows(0..<7)
        case .placeOfAnotherPlan:
            let place = plan.keep(Shape(2))
            try probe(Unit(name: "thief", layer: nil, outputColumns: 4) { _ in Thief(kept: place) }, 4).forward()
        case .weightOfAnotherPlan:
            let stolen = linear(4, 4)
            try probe(Unit(name: "thief", layer: nil, outputColumns: 4) { _ in stolen }, 4).forward()
        case .probeOfAnotherWidth:
            _ = try probe(
                Unit(name: "linear", layer: nil, outputColumns: 3) { Linear("l", inputs: 4, outputs: 3, plan: &$0) }, 5)
        case .probeOfTwins:
            _ = try probe(
                Unit(name: "twins", layer: nil, outputColumns: 4) { plan in
                    _ = plan.parameter("w", Shape(4), .constant(0))
                    return Thief(kept: nil, weight: plan.parameter("w", Shape(4), .constant(0)))
                }, 4)
        case .strangeToken:
            let probe = try probe(embedding(columns: 4, vocabulary: 9), 0)
            probe.tokens[3] = 9
            probe.forward()
        case .strangeTarget:
            let probe = try probe(lossHead(columns: 4, vocabulary: 9), 4)
            probe.targets[0] = -2
            probe.forward()
        case .negativeBatch: _ = BatchShape(sequences: -1, sequenceLength: 3)
        case .cutsOfAnotherGraph:
            _ = try Partition.balanced(
                loads: [1, 1, 1], stages: 3, TaskGraph(.gpipe(ranks: 2, microbatches: 1)))
        case .localSlotsAllTaken: try localEdge(sends: 3, receives: 0)
        case .localItemNotThere: try localEdge(sends: 1, receives: 2)
        case .bytesBeyondFile: _ = try ReadableFile(path: #filePath).bytes(0..<1 << 40)
        }
    }

    private func attention(heads: Int, _ project: Linear, _ output: Linear, _ plan: inout StagePlan) {
        _ = SelfAttention(
            dim: 10, heads: heads, isCausal: false, project: project, output: output, plan: &plan)
    }

    /// Of two slots.
    private func localEdge(sends: Int, receives: Int) throws {
        let segment = try Segment(bytes: 4096, backing: .privateMemory)
        let items = (0..<2).map { segment.tensor(Region(offset: 64 * $0, bytes: 16), Shape(4)) }
        let edge = LocalSlots(items)
        // Sound: the segment outlives the flag, which nobody raises.
        let abort = AbortFlag(unsafe SharedCounter(at: segment.address(of: Region(offset: 2048, bytes: 8))))
        let context = WaitContext(patience: .sharedCPU, abort: abort, timeoutNanoseconds: 1_000_000_000)
        for _ in 0..<sends {
            _ = try edge.reserve(context)
            _ = try edge.commit(context)
        }
        for _ in 0..<receives { _ = try edge.receive(context) }
        withExtendedLifetime(segment) {}
    }

    private func probe(_ unit: Unit, _ inputColumns: Int) throws -> LayerProbe {
        try LayerProbe(unit, inputColumns: inputColumns, batch: BatchShape(sequences: 2, sequenceLength: 3))
    }

    private func run(change: (inout RunConfiguration) -> Void = { _ in }) throws -> RunResult {
        var spec = ModelSpec()
        (spec.vocabulary, spec.dim, spec.layers, spec.heads, spec.hidden, spec.sequenceLength) = (9, 4, 1, 1, 4, 2)
        var configuration = RunConfiguration(model: spec.model(), schedule: .gpipe(ranks: 1, microbatches: 1))
        (configuration.warmupSteps, configuration.measuredSteps) = (1, 2)
        change(&configuration)
        return try RunPlan(configuration).run()
    }
}

/// A layer that reads what it did not reserve.
private struct Thief: Layer {
    let kept: Kept?
    var weight: Parameter?

    func forward(_ x: Tensor, into y: Tensor, _ frame: Frame) {
        if let kept { y[0] = frame[kept][0] }
    }
    func backwardInput(_ dy: Tensor, input x: Tensor, into dx: Tensor, _ frame: Frame) {}
    func backwardWeights(_ dy: Tensor, input x: Tensor, _ frame: Frame) {}
}
