// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Pipeline
import SharedTensor
import Synchronization
import Testing
import Threads

/// What the sockets between ranks are, by the system's own answers.
struct SocketPairTests {
    private func addresses(_ end: SocketEnd) -> (own: sockaddr_in, peer: sockaddr_in) {
        func ask(_ call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32) -> sockaddr_in {
            var (address, length) = (sockaddr_in(), socklen_t(MemoryLayout<sockaddr_in>.size))
            unsafe withUnsafeMutablePointer(to: &address) { address in
                unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    let code = unsafe call($0, &length)
                    #expect(code == 0)
                }
            }
            return address
        }
        return (
            unsafe ask { unsafe getsockname(end.descriptor, $0, $1) },
            unsafe ask { unsafe getpeername(end.descriptor, $0, $1) }
        )
    }

    private static let loopback = UInt32(0x7F00_0001).bigEndian

    @Test(
        "both ends are closed to programs that are started, and no call on them waits", arguments: SocketTests.domains)
    func flags(domain: SocketTransport.Domain) throws {
        for pair in try domain.pairs(3) {
            for end in [pair.sending, pair.receiving] {
                #expect(fcntl(end.descriptor, F_GETFD) & FD_CLOEXEC != 0)
                #expect(fcntl(end.descriptor, F_GETFL) & O_NONBLOCK != 0)
            }
            var byte = [UInt8(0)]
            unsafe byte.withUnsafeMutableBytes {
                guard case .wouldWait = unsafe pair.receiving.receive($0) else {
                    Issue.record("a call waits, or there is something")
                    return
                }
            }
        }
    }

    @Test("what is handed on over TCP leaves at once, and stays on this machine") func tcp() throws {
        for pair in try SocketTransport.Domain.tcp.pairs(3) {
            var (isOn, length) = (Int32(0), socklen_t(4))
            let code = unsafe getsockopt(
                pair.sending.descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &isOn, &length)
            #expect(code == 0 && isOn == 1, "TCP_NODELAY is off")
            for end in [pair.sending, pair.receiving] {
                let (own, peer) = addresses(end)
                #expect(own.sin_addr.s_addr == Self.loopback && peer.sin_addr.s_addr == Self.loopback)
            }
        }
    }

    @Test(
        "bytes go through in the pieces that the system takes, and none is lost or doubled",
        arguments: SocketTests.domains)
    func pieces(domain: SocketTransport.Domain) throws {
        let pair = try #require(try domain.pairs(1).first)
        // The system makes it the least that it allows: a few KiB.
        var least: Int32 = 1
        unsafe setsockopt(pair.sending.descriptor, SOL_SOCKET, SO_SNDBUF, &least, 4)
        let sent = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 ^ $0 >> 8) }
        var received = [UInt8](repeating: 0, count: sent.count)
        var (done, taken, waits, pieces) = (0, 0, 0, 0)
        while taken < sent.count && waits < 1_000_000 {
            if done < sent.count {
                switch unsafe sent.withUnsafeBytes({
                    unsafe pair.sending.send(UnsafeRawBufferPointer(rebasing: $0[done...]))
                }) {
                case .bytes(let count): done += count
                case .wouldWait: waits += 1
                case .peerIsGone, .failed: throw WaitError.disconnected
                }
            }
            switch unsafe received.withUnsafeMutableBytes({
                unsafe pair.receiving.receive(UnsafeMutableRawBufferPointer(rebasing: $0[taken...].prefix(1777)))
            }) {
            case .bytes(let count):
                taken += count
                pieces += 1
            case .wouldWait: waits += 1
            case .peerIsGone, .failed: throw WaitError.disconnected
            }
        }
        #expect(received == sent)
        #expect(waits > 0 && pieces > 100, "the system took all at once")
    }

    // MARK: Listening

    /// One who connects to whatever this process listens on, and notes where that was.
    // Sound: the state is behind a lock.
    private final class Stranger: Sendable {
        struct State {
            var isDone = false
            /// Addresses of listening sockets, for each port.
            var heard: [UInt16: Set<UInt32>] = [:]
            var connections = 0
            /// Of the connections, those that somebody served.
            var served = 0
        }
        let state = Mutex(State())

        /// Of those that were there before, none is of a run.
        private let before = Set(listeners().map(\.port))

        func work() {
            while !state.withLock({ $0.isDone }) {
                for listener in Self.listeners() where !before.contains(listener.port) && Self.owns(listener.inode) {
                    state.withLock { _ = $0.heard[listener.port, default: []].insert(listener.address) }
                    connect(listener.port)
                }
            }
        }

        /// What this machine listens on, by TCP: the file begins with that.
        private static func listeners() -> [(address: UInt32, port: UInt16, inode: Substring)] {
            let descriptor = unsafe open("/proc/self/net/tcp", O_RDONLY | O_CLOEXEC)
            defer { close(descriptor) }
            var bytes = [UInt8](repeating: 0, count: 4096)
            let count = unsafe read(descriptor, &bytes, bytes.count)
            let text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
            return text.split(separator: "\n").dropFirst().compactMap { line in
                // `n: address:port address:port state ... inode ...`, in hexadecimal digits but for the last.
                let words = line.split(separator: " ")
                guard words.count > 9, words[3] == "0A" else { return nil }
                let ends = words[1].split(separator: ":")
                return (UInt32(ends[0], radix: 16)!, UInt16(ends[1], radix: 16)!, words[9])
            }
        }

        private static func owns(_ inode: Substring) -> Bool {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
            return names.contains {
                let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
                return target == "socket:[\(inode)]"
            }
        }

        private func connect(_ port: UInt16) {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(descriptor) }
            var target = sockaddr_in()
            target.sin_family = sa_family_t(AF_INET)
            (target.sin_port, target.sin_addr.s_addr) = (port.bigEndian, SocketPairTests.loopback)
            var patience = timeval(tv_sec: 5, tv_usec: 0)
            unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
            let code = unsafe withUnsafePointer(to: &target) {
                unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            if code != 0 { return }
            // Closed without a byte, or reset; one that is kept has to wait until it is tired of it.
            var byte: UInt8 = 0
            let count = unsafe recv(descriptor, &byte, 1, 0)
            let isServed = count > 0 || count < 0 && errno == EAGAIN
            state.withLock {
                $0.connections += 1
                if isServed { $0.served += 1 }
            }
        }
    }

    @Test("only this machine can connect, strangers among it are let go, and every pair's ends are each other's")
    func strangers() throws {
        let stranger = Stranger()
        let thread = try PinnedThread<Bool, Never>(name: "stranger", cpu: nil) { _ in
            stranger.work()
            return true
        }
        var ports: Set<UInt16> = []
        // A stranger that other tests leave no CPU takes a while.
        let deadline = Clock.now() + 120_000_000_000
        while stranger.state.withLock({ $0.connections }) == 0 && Clock.now() < deadline {
            for pair in try SocketTransport.Domain.tcp.pairs(200) {
                let (from, to) = (addresses(pair.sending), addresses(pair.receiving))
                #expect(from.own.sin_port == to.peer.sin_port && from.peer.sin_port == to.own.sin_port)
                ports.insert(UInt16(bigEndian: to.own.sin_port))
            }
        }
        stranger.state.withLock { $0.isDone = true }
        _ = try thread.join()
        let (heard, connections, served) = stranger.state.withLock { ($0.heard, $0.connections, $0.served) }
        #expect(connections >= 1 && served == 0, "\(served) of \(connections) strangers were served")
        let own = heard.filter { ports.contains($0.key) }
        #expect(!own.isEmpty && own.values.allSatisfy { $0 == [Self.loopback] }, "\(own)")
    }

    // MARK: Waits

    @Test("a signal that comes in a wait does not end it", arguments: SocketTests.domains)
    func interrupted(domain: SocketTransport.Domain) async {
        await #expect(processExitsWith: .success) { [isTCP = (domain == .tcp) as Bool] in
            Suspensions.note(replaces: true)
            let edge = Edge(from: 0, to: 1, shape: Shape(10), slots: 1)
            let links = try SocketTransport(domain: isTCP ? .tcp : .unix).connect([edge])
            let memory = try Segment(bytes: 128, backing: .privateMemory)
            let flag = AbortFlag(SocketPairTests.counter(memory, 0))
            let thread = SocketPairTests.counter(memory, 64)
            let context = WaitContext(
                patience: Patience(spins: 0, sliceNanoseconds: 50_000_000), abort: flag,
                timeoutNanoseconds: 60_000_000_000)
            // Whose end would be closed otherwise.
            let sender = links.sender(edge)
            let receiver = try Sleepers(1) { _ throws(WaitError) in
                takeContinues()
                thread.store(UInt64(pthread_self()))
                return try links.receiver(edge).receive(context).ticket
            }
            for _ in 0..<5 {
                try receiver.waitUntilAsleep()
                pthread_kill(pthread_t(thread.value), SIGCONT)
                Clock.sleep(nanoseconds: 5_000_000)
            }
            #expect(Suspensions.lastEnd > 0)
            flag.raise(by: 2)
            let outcome = try receiver.outcomes()[0]
            #expect(sender.bytesCopied == 0)
            #expect(throws: WaitError.aborted(by: 2)) { try outcome.get() }
        }
    }

    private static func counter(_ memory: Segment, _ offset: Int) -> SharedCounter {
        unsafe SharedCounter(at: memory.address(of: Region(offset: offset, bytes: 8)))
    }

    @Test("a wait for what does not come sleeps between looks", arguments: SocketTests.domains)
    func sleeps(domain: SocketTransport.Domain) throws {
        let edge = Edge(from: 0, to: 1, shape: Shape(10), slots: 1)
        let links = try SocketTransport(domain: domain).connect([edge])
        let (sender, receiver) = (links.sender(edge), links.receiver(edge))
        let memory = try Segment(bytes: 128, backing: .privateMemory)
        // A clock that goes on by 10 ms a look: 20 sleeps of 10 ms each are 200 ms of both clocks.
        let context = WaitContext(
            patience: Patience(spins: 0, sliceNanoseconds: 10_000_000), abort: AbortFlag(Self.counter(memory, 0)),
            timeoutNanoseconds: 200_000_000, clock: WaitClock(Self.counter(memory, 64), nanosecondsALook: 10_000_000))
        let start = Clock.now()
        #expect(throws: WaitError.timedOut(afterNanoseconds: 200_000_000)) { try receiver.receive(context) }
        #expect(Self.counter(memory, 64).value == 210_000_000)
        #expect(Clock.now() - start >= 100_000_000, "it did not sleep")
        #expect(sender.bytesCopied == 0)
    }
}
