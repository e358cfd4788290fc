// SPDX-License-Identifier: Apache-2.0
// A transport of your own: threads whose hand-offs are counted. Who runs a rank and where memory lies is the base's; the
// ends of each edge are ours, and each calls the base's.

import Pipeline
import Synchronization

final class Counts: Sendable {
    let items = Atomic(0)
}

struct CountingTransport: RelinkedTransport {
    let name = "counting"
    let base = ThreadTransport()
    let counts: Counts

    func connect(_ edges: [Edge]) throws(LinkError) -> any Links {
        CountingLinks(inner: try base.connect(edges), counts: counts)
    }
}

struct CountingLinks: Links {
    let inner: any Links
    let counts: Counts

    func sender(_ edge: Edge) -> any SendChannel { CountingSender(inner.sender(edge), counts) }
    func receiver(_ edge: Edge) -> any ReceiveChannel { inner.receiver(edge) }
}

final class CountingSender: SendChannel {
    private let inner: any SendChannel
    private let counts: Counts

    init(_ inner: any SendChannel, _ counts: Counts) { (self.inner, self.counts) = (inner, counts) }

    var lastWait: Waited { inner.lastWait }
    var bytesCopied: Int { inner.bytesCopied }

    /// Waits for room, and returns where the stage writes.
    func reserve(_ context: WaitContext) throws(WaitError) -> Tensor { try inner.reserve(context) }

    /// From here on the receiver sees what was written.
    func commit(_ context: WaitContext) throws(WaitError) -> Waited {
        counts.items.wrappingAdd(1, ordering: .relaxed)
        return try inner.commit(context)
    }
}

let counts = Counts()
var spec = ModelSpec()
(spec.vocabulary, spec.dim, spec.hidden, spec.layers) = (100, 32, 64, 2)
var configuration = RunConfiguration(model: spec.model(), schedule: .oneFOneB(ranks: 2, microbatches: 4))
configuration.transport = CountingTransport(counts: counts)
let result = try RunPlan(configuration).run()
let handOffs = counts.items.load(ordering: .relaxed)
// One edge each way, four microbatches: eight a step.
print("\(handOffs) hand-offs in \(result.steps) steps, loss \(result.loss)")
