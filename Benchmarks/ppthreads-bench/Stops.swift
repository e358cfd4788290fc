// SPDX-License-Identifier: Apache-2.0

import Glibc
import Pipeline
import SharedTensor
import Synchronization
import Threads

/// Stops the process that asks for it (SIGSTOP), and has it go on (SIGCONT) after a while: a forked process that listens to a
/// pipe.
final class StopNurse {
    /// How long a stop lasts.
    static let stopMicroseconds: Int32 = 50_000

    /// What a process writes to ask for a stop.
    private struct Request: BitwiseCopyable {
        let process: Int32
        /// Before the stop; below 0 the process stops itself.
        let delayMicroseconds: Int32
    }

    private let readEnd, writeEnd: Int32
    private let worker: ForkedWorker<Int, NoFailure>

    init() throws(BenchmarkError) {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { throw .failed("no pipe: errno \(errno)") }
        let (readEnd, writeEnd) = (ends[0], ends[1])
        do throws(ForkError) {
            worker = try ForkedWorker(name: "nurse", cpu: nil) { (_: Pinning) throws(NoFailure) -> Int in
                close(writeEnd)
                return Self.serve(readEnd)
            }
        } catch { throw .failed("\(error)") }
        (self.readEnd, self.writeEnd) = (readEnd, writeEnd)
    }

    /// Ends the nurse. To be called once, when nobody asks any more.
    func end() {
        close(writeEnd)
        close(readEnd)
        _ = try? worker.join()
    }

    private static func serve(_ descriptor: Int32) -> Int {
        var served = 0
        var request = Request(process: 0, delayMicroseconds: 0)
        while unsafe read(descriptor, &request, MemoryLayout<Request>.size) == MemoryLayout<Request>.size {
            if request.delayMicroseconds >= 0 {
                usleep(UInt32(request.delayMicroseconds))
                kill(request.process, SIGSTOP)
            }
            usleep(UInt32(stopMicroseconds))
            kill(request.process, SIGCONT)
            served += 1
        }
        return served
    }

    /// By any process that was forked after the nurse was made.
    /// - Parameter delay: in microseconds; nil stops the caller here and now.
    fileprivate static func ask(_ writeEnd: Int32, after delay: Int32?) {
        var request = Request(process: getpid(), delayMicroseconds: delay ?? -1)
        _ = unsafe write(writeEnd, &request, MemoryLayout<Request>.size)
        if delay == nil { kill(getpid(), SIGSTOP) }
    }

    func stop(at moment: StopMoment, microbatches: Int) -> Stop {
        Stop(moment: moment, microbatches: microbatches, descriptor: writeEnd)
    }
}

/// Where in a step rank 1 is stopped, once in each of a disturbed phase.
enum StopMoment: String, CaseIterable {
    case work = "stopped while it works"
    case finishing = "stopped between end and hand-off"
    case handingOn = "stopped while it hands on"
    case waiting = "stopped before a wait"
    case asleep = "stopped while it sleeps"
    case update = "stopped in the update"
}

/// One stop a step, at a moment of it.
final class Stop: Sendable {
    let moment: StopMoment
    private let microbatches: Int
    private let descriptor: Int32
    private let count = Atomic<Int>(0)

    init(moment: StopMoment, microbatches: Int, descriptor: Int32) {
        (self.moment, self.microbatches, self.descriptor) = (moment, microbatches, descriptor)
    }

    /// Called once for each microbatch where `moment` may be.
    func pass(_ moment: StopMoment) {
        if moment != self.moment { return }
        let index = count.wrappingAdd(1, ordering: .relaxed).oldValue % microbatches
        if !Phase.isDisturbed(at: Clock.now()) { return }
        switch moment {
        case .work, .finishing, .handingOn:
            if index == min(1, microbatches - 1) { StopNurse.ask(descriptor, after: nil) }
        case .waiting: if index == 0 { StopNurse.ask(descriptor, after: nil) }
        // Long enough to be asleep by then, and soon enough to be before the input.
        case .asleep: if index == 0 { StopNurse.ask(descriptor, after: 3_000) }
        // Its last microbatch's backward is over: the update is next.
        case .update: if index == microbatches - 1 { StopNurse.ask(descriptor, after: 1_000) }
        }
    }
}

/// A layer in whose forward its rank is stopped.
struct StoppedLayer: Layer {
    let inner: any Layer
    let stop: Stop

    func forward(_ x: Tensor, into y: Tensor, _ frame: Frame) {
        stop.pass(.work)
        inner.forward(x, into: y, frame)
    }

    func backwardInput(_ dy: Tensor, input x: Tensor, into dx: Tensor, _ frame: Frame) {
        inner.backwardInput(dy, input: x, into: dx, frame)
    }

    func backwardWeights(_ dy: Tensor, input x: Tensor, _ frame: Frame) {
        inner.backwardWeights(dy, input: x, frame)
    }
}

/// A transport at whose ends on stage 1 the rank is stopped.
struct StoppedTransport<Base: Transport>: RelinkedTransport {
    let base: Base
    let stop: Stop
    var name: String { base.name }

    func slotMemory(_ edge: Edge) -> SlotMemory { base.slotMemory(edge) }
    func connect(_ edges: [Edge]) throws(LinkError) -> any Links {
        StoppedLinks(inner: try base.connect(edges), stop: stop)
    }
}

private struct StoppedLinks: Links {
    let inner: any Links
    let stop: Stop

    func sender(_ edge: Edge) -> any SendChannel {
        edge.from == 1 && edge.to == 0 ? StoppedSender(inner.sender(edge), stop) : inner.sender(edge)
    }

    func receiver(_ edge: Edge) -> any ReceiveChannel {
        edge.from == 0 && edge.to == 1 ? StoppedReceiver(inner.receiver(edge), stop) : inner.receiver(edge)
    }
}

private final class StoppedSender: SendChannel {
    private let inner: any SendChannel
    private let stop: Stop

    init(_ inner: any SendChannel, _ stop: Stop) { (self.inner, self.stop) = (inner, stop) }

    var lastWait: Waited { inner.lastWait }
    var bytesCopied: Int { inner.bytesCopied }
    func reserve(_ context: WaitContext) throws(WaitError) -> Tensor { try inner.reserve(context) }

    func commit(_ context: WaitContext) throws(WaitError) -> Waited {
        stop.pass(.handingOn)
        return try inner.commit(context)
    }
}

private final class StoppedReceiver: ReceiveChannel {
    private let inner: any ReceiveChannel
    private let stop: Stop

    init(_ inner: any ReceiveChannel, _ stop: Stop) { (self.inner, self.stop) = (inner, stop) }

    var lastWait: Waited { inner.lastWait }
    var bytesCopied: Int { inner.bytesCopied }

    func receive(_ context: WaitContext) throws(WaitError) -> Delivery {
        stop.pass(.waiting)
        stop.pass(.asleep)
        return try inner.receive(context)
    }

    func release(_ delivery: Delivery) {
        stop.pass(.finishing)
        stop.pass(.update)
        inner.release(delivery)
    }
}
