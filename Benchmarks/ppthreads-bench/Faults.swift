// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor
import Threads

/// Keeps the calling thread busy.
private func stall(nanoseconds: UInt64) {
    let end = Clock.now() + nanoseconds
    while Clock.now() < end {}
}

/// A layer whose forward takes longer.
struct StallingLayer: Layer {
    let inner: any Layer
    let nanoseconds: UInt64

    func forward(_ x: Tensor, into y: Tensor, _ frame: Frame) {
        stall(nanoseconds: nanoseconds)
        inner.forward(x, into: y, frame)
    }

    func backwardInput(_ dy: Tensor, input x: Tensor, into dx: Tensor, _ frame: Frame) {
        inner.backwardInput(dy, input: x, into: dx, frame)
    }

    func backwardWeights(_ dy: Tensor, input x: Tensor, _ frame: Frame) {
        inner.backwardWeights(dy, input: x, frame)
    }
}

/// A layer that does nothing.
struct EmptyLayer: Layer {
    func forward(_ x: Tensor, into y: Tensor, _ frame: Frame) {}
    func backwardInput(_ dy: Tensor, input x: Tensor, into dx: Tensor, _ frame: Frame) {}
    func backwardWeights(_ dy: Tensor, input x: Tensor, _ frame: Frame) {}
}

extension Model {
    /// Four layers that do nothing, with activations of the reference workload's size.
    static let empty = Model(
        name: "empty", vocabulary: 10, sequenceLength: 64, layers: 2,
        units: [nil, 0, 1, nil].enumerated().map { place, layer in
            Unit(name: "unit \(place)", layer: layer, outputColumns: place == 3 ? 0 : 240) { _ in EmptyLayer() }
        })
}

/// Threads whose receivers get every item late.
struct DelayingTransport: RelinkedTransport {
    let name = "delaying"
    let nanoseconds: UInt64
    let base = ThreadTransport()

    init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    func connect(_ edges: [Edge]) throws(LinkError) -> any Links {
        DelayingLinks(inner: try base.connect(edges), nanoseconds: nanoseconds)
    }
}

private struct DelayingLinks: Links {
    let inner: any Links
    let nanoseconds: UInt64

    func sender(_ edge: Edge) -> any SendChannel { inner.sender(edge) }
    func receiver(_ edge: Edge) -> any ReceiveChannel {
        DelayingReceiver(inner: inner.receiver(edge), nanoseconds: nanoseconds)
    }
}

private final class DelayingReceiver: ReceiveChannel {
    private let inner: any ReceiveChannel
    private let nanoseconds: UInt64

    init(inner: any ReceiveChannel, nanoseconds: UInt64) {
        self.inner = inner
        self.nanoseconds = nanoseconds
    }

    var bytesCopied: Int { inner.bytesCopied }
    var lastWait: Waited { inner.lastWait }
    func release(_ delivery: Delivery) { inner.release(delivery) }

    func receive(_ context: WaitContext) throws(WaitError) -> Delivery {
        let delivery = try inner.receive(context)
        stall(nanoseconds: nanoseconds)
        return delivery
    }
}
