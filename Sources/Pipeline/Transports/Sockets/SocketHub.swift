// SPDX-License-Identifier: Apache-2.0

import Glibc
import SharedTensor
import Threads

/// All sockets of one rank, and the memory that items lie in. Whenever the rank waits on any of them, it reads from all
/// that it receives on.
///
/// So two ranks that send to each other at once, more than the system buffers, both get on: each takes the other's bytes
/// while it waits for room. There is a free slot for every item that a schedule lets others send.
// Sound: a forked rank has a copy of its own, which its one thread uses.
final class SocketHub: @unchecked Sendable {
    /// All ends of the run, until the rank's first wait: by then it has its own.
    private var pairs: [Edge: SocketPair]
    private var readers: [SocketReader] = []
    /// For poll: one for each reader, then one for the socket to send on.
    private var entries: [pollfd]
    /// Private, and untouched before the fork: each rank's own pages, near its CPU.
    private let memory: Segment

    init(_ pairs: [Edge: SocketPair], _ memory: Segment) {
        self.pairs = pairs
        self.memory = memory
        entries = Array(repeating: pollfd(fd: -1, events: Int16(POLLIN), revents: 0), count: pairs.count + 1)
    }

    /// The buffer at a region; it is there for as long as the hub.
    func buffer(_ region: Region, _ edge: Edge) -> Tensor { memory.tensor(region, edge.shape) }

    /// The sending end of an edge. To be asked for before the first wait, like readers.
    func sender(_ edge: Edge) -> SocketEnd { pair(edge).sending }

    /// A reader for an edge, which from now on every wait reads from.
    func reader(_ edge: Edge, slots: [Region]) -> SocketReader {
        let reader = SocketReader(pair(edge).receiving, slots: slots.map { buffer($0, edge) })
        readers.append(reader)
        return reader
    }

    private func pair(_ edge: Edge) -> SocketPair {
        guard let pair = pairs[edge] else { trap("an end was asked for after the first wait") }
        return pair
    }

    /// Waits until `isDone`, which is asked again after every read and whenever `end` has room.
    ///
    /// - Throws: what `isDone` throws; `WaitError.aborted` once the abort flag is up, `.timedOut` after the timeout.
    func wait(
        _ context: WaitContext, toSendOn end: SocketEnd? = nil, until isDone: () throws(WaitError) -> Bool
    ) throws(WaitError) -> Waited {
        closeForeignEnds()
        if try isDone() { return .ready }
        var charge = WaitCharge()
        while true {
            let slice = try charge.slice(context)
            try readWhatComes(within: slice, orUntilRoomOn: end)
            if try isDone() { return .parked }
        }
    }

    /// Closes what no channel of this process has taken, so that a socket ends with the rank at its other end.
    private func closeForeignEnds() { if !pairs.isEmpty { pairs = [:] } }

    private func readWhatComes(within nanoseconds: UInt64, orUntilRoomOn end: SocketEnd?) throws(WaitError) {
        for (index, reader) in readers.enumerated() {
            // poll passes over negative descriptors.
            entries[index].fd = reader.canRead ? reader.end.descriptor : -1
        }
        entries[readers.count] = pollfd(fd: end?.descriptor ?? -1, events: Int16(POLLOUT), revents: 0)
        let milliseconds = Int32(clamping: (nanoseconds + 999_999) / 1_000_000)
        let ready = unsafe poll(&entries, nfds_t(readers.count + 1), milliseconds)
        if ready <= 0 {
            let code = errno
            // Interrupted or out of time: the caller's loop looks again.
            if ready == 0 || code == EINTR || code == EAGAIN { return }
            throw .system(SystemError(call: "poll", code: code))
        }
        for (index, reader) in readers.enumerated() where entries[index].revents != 0 { reader.read() }
    }
}
