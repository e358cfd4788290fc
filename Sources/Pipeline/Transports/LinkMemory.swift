// SPDX-License-Identifier: Apache-2.0

/// Memory that one edge takes between two ranks, and on whose side.
public struct SlotMemory: Sendable, Equatable {
    /// From the transport's `sharedMemory`: both ranks use all of it.
    public var sharedBytes = 0
    /// In memory that is not shared: the sender's part.
    public var senderBytes = 0
    /// The same of the receiver.
    public var receiverBytes = 0

    /// With these values.
    public init(sharedBytes: Int = 0, senderBytes: Int = 0, receiverBytes: Int = 0) {
        (self.sharedBytes, self.senderBytes, self.receiverBytes) = (sharedBytes, senderBytes, receiverBytes)
    }
}

/// Memory that connecting a run's edges takes.
public struct LinkMemory: Sendable, Equatable {
    /// From the transport's `sharedMemory`.
    public var sharedBytes: Int
    /// In memory that is not shared; the ranks together fill it once.
    public var privateBytes: Int

    /// With these values.
    public init(sharedBytes: Int, privateBytes: Int) {
        self.sharedBytes = sharedBytes
        self.privateBytes = privateBytes
    }
}

extension Transport {
    /// What `connect` will take: each edge's, in whole cache lines.
    public func linkMemory(_ edges: [Edge]) -> LinkMemory {
        edges.map(slotMemory).reduce(into: LinkMemory(sharedBytes: 0, privateBytes: 0)) { all, edge in
            all.sharedBytes += edge.sharedBytes
            all.privateBytes += edge.senderBytes + edge.receiverBytes
        }
    }
}
