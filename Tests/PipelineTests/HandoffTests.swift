// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor
import Synchronization
import Testing
import Threads

struct HandoffTests {
    private static let microbatches = 3
    private static let columns = 6

    @Test("a stage reads activations where the stage before wrote them, and gradients likewise: nothing is copied")
    func inPlace() throws {
        let (first, second) = (Places(), Places())
        let result = try train(first, second, transport: ThreadTransport())
        let calls = Self.microbatches * result.plan.configuration.steps
        #expect(first.outputs.count == calls && second.inputs.count == calls)
        #expect(first.outputs == second.inputs)
        #expect(second.inputGradients == first.outputGradients)
        // The slot is the stash: the backward finds its input where the forward had it.
        #expect(second.backwardInputs == second.inputs)
        #expect(Set(second.inputs).count == result.plan.facts.activationSlots[1])
        #expect(result.ranks.map(\.handoffBytesCopied) == [0, 0, 0, 0])
    }

    @Test("a transport that copies trains to the same bits, and its copies are counted")
    func copying() throws {
        let inPlace = try train(Places(), Places(), transport: ThreadTransport())
        let copied = try train(Places(), Places(), transport: CopyingTransport())
        #expect(copied.losses.map(\.bitPattern) == inPlace.losses.map(\.bitPattern))
        #expect(copied.weights!.differences(from: inPlace.weights!) == [])
        let bytesOfLink =
            copied.plan.configuration.steps * Self.microbatches * copied.plan.configuration.batchShape.tokens
            * Self.columns * 4
        #expect(copied.ranks.map(\.handoffBytesCopied) == [1, 2, 2, 1].map { $0 * bytesOfLink })
    }

    @Test("receivers that sleep for an item are told as asleep") func asleep() throws {
        let cpu = try #require(try CPUSet.allowed().cpus.first)
        var configuration = smallConfiguration(.gpt, .oneFOneB(ranks: 2, microbatches: 4))
        // On one CPU nobody spins: who has to wait gives it to the other.
        configuration.pin = .list([cpu, cpu])
        configuration.measuredSteps = 8
        let figures = RunFigures(try RunPlan(configuration).run())
        let handoffs = try #require(figures.timed).handoffs
        #expect(handoffs.count == 2 && handoffs.reduce(0) { $0 + $1.parked } > 0)
        #expect(handoffs.allSatisfy { $0.ready + $0.spun + $0.parked == 8 * 4 && $0.spun == 0 })
    }

    /// Four stages of one unit each: embedding, two layers that note where their tensors lie, loss.
    private func train(_ first: Places, _ second: Places, transport: any Transport) throws -> RunResult {
        let columns = Self.columns
        let units = [
            Unit(name: "embedding", layer: nil, outputColumns: columns) {
                Embedding("e", vocabulary: 11, dim: columns, initializer: .normal(1), plan: &$0)
            },
            Unit(name: "first", layer: 0, outputColumns: columns) { Spy("first", columns, first, plan: &$0) },
            Unit(name: "second", layer: 1, outputColumns: columns) { Spy("second", columns, second, plan: &$0) },
            Unit(name: "head", layer: nil, outputColumns: 0) { plan in
                let norm = LayerNorm("norm", columns: columns, plan: &plan)
                let project = Linear("out", inputs: columns, outputs: 11, plan: &plan)
                return LossHead(norm: norm, project: project, dim: columns, vocabulary: 11, plan: &plan)
            },
        ]
        let model = Model(name: "spied", vocabulary: 11, sequenceLength: 5, layers: 2, units: units)
        var configuration = RunConfiguration(
            model: model, schedule: .oneFOneB(ranks: 4, microbatches: Self.microbatches))
        configuration.batchSize = 6
        configuration.partition = .balanced
        configuration.transport = transport
        configuration.keepsWeights = true
        return try RunPlan(configuration).run()
    }
}

/// The addresses that a layer was given, in the order of its calls.
private final class Places: Sendable {
    private let lists = Mutex<[String: [UInt]]>([:])

    func note(_ what: String, _ tensor: Tensor) {
        let address = unsafe tensor.withBytes { UInt(bitPattern: $0.baseAddress) }
        lists.withLock { $0[what, default: []].append(address) }
    }

    private func list(_ what: String) -> [UInt] { lists.withLock { $0[what] ?? [] } }
    var inputs: [UInt] { list("x") }
    var outputs: [UInt] { list("y") }
    var backwardInputs: [UInt] { list("x again") }
    var outputGradients: [UInt] { list("dy") }
    var inputGradients: [UInt] { list("dx") }
}

/// A layer that notes where its tensors lie.
private struct Spy: Layer {
    private let inner: Scale
    private let places: Places

    init(_ name: String, _ columns: Int, _ places: Places, plan: inout StagePlan) {
        inner = Scale(name, columns: columns, plan: &plan)
        self.places = places
    }

    func forward(_ x: Tensor, into y: Tensor, _ frame: Frame) {
        places.note("x", x)
        places.note("y", y)
        inner.forward(x, into: y, frame)
    }

    func backwardInput(_ dy: Tensor, input x: Tensor, into dx: Tensor, _ frame: Frame) {
        places.note("x again", x)
        places.note("dy", dy)
        places.note("dx", dx)
        inner.backwardInput(dy, input: x, into: dx, frame)
    }

    func backwardWeights(_ dy: Tensor, input x: Tensor, _ frame: Frame) {
        inner.backwardWeights(dy, input: x, frame)
    }
}

/// Threads whose receivers copy every item out of the ring: a transport as a user would write one.
private struct CopyingTransport: RelinkedTransport {
    let name = "copying"
    let base = ThreadTransport()

    func connect(_ edges: [Edge]) throws(LinkError) -> any Links {
        CopyingLinks(inner: try base.connect(edges))
    }
}

private struct CopyingLinks: Links {
    let inner: any Links
    func sender(_ edge: Edge) -> any SendChannel { inner.sender(edge) }
    func receiver(_ edge: Edge) -> any ReceiveChannel { CopyingReceiver(inner.receiver(edge), edge) }
}

private final class CopyingReceiver: ReceiveChannel {
    private let inner: any ReceiveChannel
    private let segment: Segment
    private let copies: [Tensor]
    private var held: [Delivery?]
    private var next = 0
    private(set) var bytesCopied = 0
    var lastWait: Waited { inner.lastWait }

    init(_ inner: any ReceiveChannel, _ edge: Edge) {
        var layout = SegmentLayout()
        let regions = (0..<edge.slots).map { _ in layout.reserve(edge.shape) }
        guard let segment = try? Segment(bytes: layout.bytes, backing: .privateMemory) else {
            preconditionFailure("no memory for copies")
        }
        copies = regions.map { segment.tensor($0, edge.shape) }
        held = Array(repeating: nil, count: edge.slots)
        self.segment = segment
        self.inner = inner
    }

    func receive(_ context: WaitContext) throws(WaitError) -> Delivery {
        let delivery = try inner.receive(context)
        let ticket = next
        copies[ticket].copy(from: delivery.tensor)
        bytesCopied += 4 * delivery.tensor.count
        held[ticket] = delivery
        next = (ticket + 1) % held.count
        return Delivery(tensor: copies[ticket], ticket: ticket)
    }

    func release(_ delivery: Delivery) {
        inner.release(held[delivery.ticket]!)
        held[delivery.ticket] = nil
    }
}
