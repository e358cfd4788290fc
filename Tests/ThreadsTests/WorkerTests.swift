// SPDX-License-Identifier: Apache-2.0

import Testing
import Threads

struct WorkerTests {
    struct Broken: Error, Equatable, Codable {
        let reason: String
    }

    @Test("a thread gives its value, on the CPU it was pinned to") func value() throws {
        let cpus = try CPUSet.allowed().cpus
        for cpu in cpus {
            let thread = try PinnedThread<[Int], Never>(name: "a name that is too long", cpu: cpu) { pinning in
                pinning == .pinned(cpu: cpu) ? [CurrentThread.cpu] : []
            }
            #expect(try thread.join() == [cpu])
        }
    }

    @Test("a thread's error comes back as it was thrown") func error() throws {
        let thread = try PinnedThread<Int, Broken>(name: "broken", cpu: nil) { _ throws(Broken) in
            throw Broken(reason: "on purpose")
        }
        #expect(throws: WorkerError<Broken>.failed(Broken(reason: "on purpose"))) { try thread.join() }
    }

    @Test("a CPU that does not exist is refused, and the thread runs all the same") func refusedPinning() throws {
        let thread = try PinnedThread<Pinning, Never>(name: "nowhere", cpu: 1023) { $0 }
        guard case .refused(1023, let error) = try thread.join() else {
            Issue.record("pinning to CPU 1023 was not refused")
            return
        }
        #expect(error.description.contains("sched_setaffinity: EINVAL"))
    }

    @Test("a thread's name is what the system shows, cut to 15 characters") func name() throws {
        let thread = try PinnedThread<String?, Never>(name: "rank 0 of a great many", cpu: nil) { _ in
            TextFile.line("/proc/thread-self/comm")
        }
        #expect(try thread.join() == "rank 0 of a gre")
    }

    @Test("a worker rounds what is too small for a normal number to 0, and takes it as 0; who starts it does not")
    func subnormals() throws {
        let smallest = Float.leastNormalMagnitude
        let thread = try PinnedThread<[Float], Never>(name: "flushes", cpu: nil) { _ in
            [product(smallest, 0.5), product(.leastNonzeroMagnitude, 1e20), product(smallest, 2)]
        }
        #expect(try thread.join() == [0, 0, 2 * smallest])
        #expect(product(smallest, 0.5) == smallest / 2)
    }

    @Test("a stack of the wanted size can be used; one that is too small is refused") func stack() throws {
        let thread = try PinnedThread<Int, Never>(name: "deep", cpu: nil, stackBytes: 256 << 20) { _ in useStack(40) }
        #expect(try thread.join() == 40)
        #expect(throws: SystemError.self) {
            try PinnedThread<Int, Never>(name: "s", cpu: nil, stackBytes: 1) { _ in 0 }
        }
    }

    @Test("hasEnded tells a running thread from one that is done, without collecting it") func hasEnded() throws {
        let lines = Lines(2)
        let thread = try PinnedThread<Int, Never>(name: "waits", cpu: nil) { _ in
            _ = try? lines.word(1).wait(for: 1, lines.context(.sharedCPU))
            return 1
        }
        #expect(!thread.hasEnded(within: 10))
        lines.word(1).publish(1)
        #expect(thread.hasEnded(within: 10_000))
        #expect(try thread.join() == 1)
    }

    @Test("a thread that nobody joins is a bug that traps") func unjoined() async {
        await #expect(processExitsWith: .failure) {
            _ = try PinnedThread<Int, Never>(name: "lost", cpu: nil) { _ in 1 }
        }
    }

    @Test("fork is refused while other threads run, as they do in a test") func forkAmongThreads() throws {
        let lines = Lines(2)
        let other = try PinnedThread<Int, Never>(name: "other", cpu: nil) { _ in
            _ = try? lines.word(1).wait(for: 1, lines.context(.sharedCPU))
            return 1
        }
        #expect {
            _ = try ForkedWorker<Int, Broken>(name: "child", cpu: nil) { _ throws(Broken) in 1 }
        } throws: { error in
            guard case ForkError.otherThreadsRun(let count)? = error as? ForkError else { return false }
            return count >= 2
        }
        lines.word(1).publish(1)
        _ = try other.join()
    }

    @Test("system errors name the call, the errno and what it means") func systemErrors() {
        #expect(
            SystemError(call: "open x", code: 2).description == "open x: ENOENT (No such file or directory)")
        #expect(SystemError(call: "f", code: 250).description.hasPrefix("f: errno 250"))
    }

    @Test("the clock never goes back") func clock() {
        var last = Clock.now()
        for _ in 0..<1000 {
            let now = Clock.now()
            #expect(now >= last)
            last = now
        }
    }
}

/// Not inlined: the product is made where it is called, not by the compiler.
@inline(never)
private func product(_ a: Float, _ b: Float) -> Float { a * b }

/// Uses at least a megabyte of stack for each level; a debug build keeps several copies of the block.
private func useStack(_ levels: Int) -> Int {
    if levels == 0 { return 0 }
    return unsafe withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 16) { _ in
        var block = Block()
        block.touch()
        return useStack(levels - 1) + 1 + (block.first == 1 ? 0 : 1)
    }
}

private struct Block {
    private var bytes: InlineArray<1_000_000, UInt8> = .init(repeating: 0)
    mutating func touch() { bytes[0] = 1 }
    var first: UInt8 { bytes[0] }
}
