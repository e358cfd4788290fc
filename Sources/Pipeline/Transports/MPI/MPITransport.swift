// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

extension TransportKind {
    /// `MPITransport`.
    public static let mpi = TransportKind("mpi") { MPITransport(sharesHosts: true) }
    /// `MPITransport` without shared memory.
    public static let mpiOnly = TransportKind("mpi-only") { MPITransport(sharesHosts: false) }
}

/// Ranks are the processes that mpirun or srun has started, on one host or several: each process runs its rank on a pinned
/// thread, and has memory of its own for all that the ranks of other transports share.
public struct MPITransport: RelinkedTransport {
    private let sharesHosts: Bool
    /// What a process has for itself.
    public let base = ThreadTransport()

    /// For any number of runs; MPI is started when the first of them is planned.
    /// - Parameter sharesHosts: whether ranks of one host hand on through rings in shared memory; if not, through MPI as well.
    public init(sharesHosts: Bool) { self.sharesHosts = sharesHosts }

    public var name: String { (sharesHosts ? TransportKind.mpi : .mpiOnly).rawValue }

    public func job() throws(JobError) -> (any Job)? { try MPIJob.started.get() }

    /// Of an edge between hosts, the sender has as many slots as the receiver.
    public func slotMemory(_ edge: Edge) -> SlotMemory {
        if sharesHosts, let hosts = try? MPIJob.started.get().hosts,
            hosts[edge.senderRank].first == hosts[edge.receiverRank].first
        {
            return SlotMemory(sharedBytes: edge.ringLayout.bytes)
        }
        var layout = SegmentLayout()
        for _ in 0..<edge.slots { _ = layout.reserve(edge.shape) }
        return SlotMemory(senderBytes: layout.bytes, receiverBytes: layout.bytes)
    }

    public func connect(_ edges: [Edge]) throws(LinkError) -> any Links {
        switch MPIJob.started {
        case .success(let job): return sharesHosts ? try HostLinks(edges, job) : try MPILinks(edges, job)
        case .failure(let error): throw .library(error.description)
        }
    }
}
