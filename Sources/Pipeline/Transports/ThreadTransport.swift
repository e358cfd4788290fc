// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

extension TransportKind {
    /// `ThreadTransport`.
    public static let threads = TransportKind("threads") { ThreadTransport() }
}

/// Ranks are pinned threads of this process; their rings lie in private memory.
public struct ThreadTransport: Transport {
    public let name = TransportKind.threads.rawValue

    /// For any number of runs; it holds nothing.
    public init() {}

    public func sharedMemory(bytes: Int) throws(SegmentError) -> Segment {
        try Segment(bytes: bytes, backing: .privateMemory)
    }

    public func resultMemory(bytes: Int) throws(SegmentError) -> Segment {
        try Segment(bytes: bytes, backing: .privateMemory)
    }

    public func start<Value: Codable & Sendable, Failure: Error & Codable>(
        name: String, cpu: Int?, body: @escaping @Sendable (Pinning) throws(Failure) -> Value
    ) throws(StartError) -> any Worker<Value, Failure> {
        do { return try PinnedThread(name: name, cpu: cpu, body: body) } catch { throw .thread(error) }
    }
}
