// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

/// Edges between ranks of a job that are on one host: rings in memory that their processes share, as forked ranks have them.
///
/// The first of a host's ranks makes the memory, in a file without a name, and tells the others where it is open. Where one of them
/// cannot open it (processes of a host in different containers, say), all of the host's edges go by MPI.
struct HostRings: Links {
    private let rings: RingLinks?
    /// Edges that have a ring, on whatever host.
    let edges: [Edge]

    /// All processes of the job take part.
    /// - Parameter all: the edges between ranks.
    init(_ all: [Edge], _ job: MPIJob) throws(LinkError) {
        let hosts = job.hosts.map(\.first)
        func edges(on host: Int) -> [Edge] {
            all.filter { hosts[$0.senderRank] == host && hosts[$0.receiverRank] == host }
        }
        let (own, first) = (edges(on: hosts[job.rank]), hosts[job.rank])
        let bytes = RingLinks.layout(own).all.bytes
        let file = first == job.rank && !own.isEmpty ? try? SharedFile(bytes: bytes) : nil
        let addresses: [SharedFile.Address?] = try Self.told(try? file?.address, job)
        let there = addresses[first].flatMap { try? file ?? SharedFile(at: $0, bytes: bytes) }
        let segment = there.flatMap { try? Segment($0) }
        rings = segment.map { RingLinks(own, in: $0, isFirst: first == job.rank) }
        // Told after the rings were made: who hears of it may use them.
        let haveRings: [Bool] = try Self.told(segment != nil, job)
        self.edges = Set(hosts).sorted().flatMap { host in
            let isWhole = zip(hosts, haveRings).allSatisfy { $0 != host || $1 }
            return isWhole ? edges(on: host) : []
        }
    }

    private static func told<Value: Codable & SendableMetatype>(
        _ value: Value, _ job: MPIJob
    ) throws(LinkError) -> [Value] {
        do throws(JobError) {
            return try job.tell([value], within: JobOfProgram.agreementSeconds).map { answer throws(JobError) in
                guard let answer else { throw .failed("no answer") }
                return answer[0]
            }
        } catch {
            throw .library("\(error)")
        }
    }

    func sender(_ edge: Edge) -> any SendChannel { rings!.sender(edge) }
    func receiver(_ edge: Edge) -> any ReceiveChannel { rings!.receiver(edge) }
}

/// Rings where ranks share a host, MPI where they do not.
struct HostLinks: Links {
    private let rings: HostRings
    private let others: MPILinks
    /// Edges that have a ring.
    private let local: Set<Edge>

    /// All processes of the job take part.
    init(_ edges: [Edge], _ job: MPIJob) throws(LinkError) {
        rings = try HostRings(edges, job)
        local = Set(rings.edges)
        others = try MPILinks(edges.filter { [local] in !local.contains($0) }, job)
    }

    func sender(_ edge: Edge) -> any SendChannel { local.contains(edge) ? rings.sender(edge) : others.sender(edge) }
    func receiver(_ edge: Edge) -> any ReceiveChannel {
        local.contains(edge) ? rings.receiver(edge) : others.receiver(edge)
    }
    func meeting() -> (any Meeting)? { others.meeting() }
}
