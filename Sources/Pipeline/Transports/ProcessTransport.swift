// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

extension TransportKind {
    /// `ProcessTransport`.
    public static let processes = TransportKind("processes") { ProcessTransport() }
}

/// Ranks are forked processes; their rings lie in a segment of /dev/shm that has no name.
public struct ProcessTransport: Transport {
    public let name = TransportKind.processes.rawValue
    public let forksRanks = true

    /// For any number of runs; it holds nothing.
    public init() {}

    public func sharedMemory(bytes: Int) throws(SegmentError) -> Segment {
        try Segment(bytes: bytes, backing: .sharedMemory)
    }

    /// Not from /dev/shm, which is small in containers and which only the hand-offs need.
    public func resultMemory(bytes: Int) throws(SegmentError) -> Segment {
        try Segment(bytes: bytes, backing: .inherited)
    }

    public func start<Value: Codable & Sendable, Failure: Error & Codable>(
        name: String, cpu: Int?, body: @escaping @Sendable (Pinning) throws(Failure) -> Value
    ) throws(StartError) -> any Worker<Value, Failure> {
        do { return try ForkedWorker(name: name, cpu: cpu, body: body) } catch { throw .process(error) }
    }
}
