// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A named pthread on one CPU, joined with the value that its body returned or the error that it threw.
// Sound: the task's outcome is written once by the thread before it ends and read by the joiner after pthread_join,
// which orders the two; `isJoined` is the joiner's.
public final class PinnedThread<Value: Sendable, Failure: Error>: Worker, @unchecked Sendable {
    public let name: String

    private let task: ThreadTask<Value, Failure>
    private let handle: pthread_t
    private var isJoined = false

    /// Starts the thread. Memory that the body touches first is placed near its CPU, since it pins itself first.
    /// The process takes note of SIGCONT from then on, unless it handles that itself (`Suspensions`).
    ///
    /// - Parameters:
    ///   - name: for messages; the system shows its first 15 bytes.
    ///   - cpu: the CPU to stay on; nil lets the system choose. A refusal reaches the body, it is not an error.
    ///   - stackBytes: at least the system's minimum; the limit of the process's stack does not apply.
    ///   - body: what the thread does, told how its pinning went; `join` gives what it returns or throws.
    /// - Throws: `SystemError` when the system has no thread left to give or refuses the stack size.
    public init(
        name: String, cpu: Int?, stackBytes: Int = 8 << 20,
        body: @escaping @Sendable (Pinning) throws(Failure) -> Value
    ) throws(SystemError) {
        // The system takes the size without its sign, and a negative one for a huge one.
        if stackBytes < 0 { throw SystemError(call: "pthread_attr_setstacksize \(stackBytes)", code: EINVAL) }
        self.name = name
        Suspensions.note(replaces: false)
        task = ThreadTask(name: name, cpu: cpu, body: body)

        var attributes = pthread_attr_t()
        try check(unsafe pthread_attr_init(&attributes), "pthread_attr_init")
        defer { unsafe pthread_attr_destroy(&attributes) }
        try check(
            unsafe pthread_attr_setstacksize(&attributes, stackBytes), "pthread_attr_setstacksize \(stackBytes)")

        // The retained task is given up by the thread, or here when there is no thread.
        let retained = unsafe Unmanaged<AnyThreadTask>.passRetained(task)
        var handle = pthread_t()
        let code = unsafe pthread_create(
            &handle, &attributes,
            { context in
                unsafe Unmanaged<AnyThreadTask>.fromOpaque(context!).takeRetainedValue().run()
                return nil
            }, retained.toOpaque())
        if code != 0 {
            unsafe retained.release()
            throw TaskBound.naming(SystemError(call: "pthread_create", code: code))
        }
        self.handle = handle
    }

    deinit { require(isJoined, "thread \(name) was never joined") }

    public func hasEnded(within milliseconds: Int) -> Bool { task.hasEnded(within: milliseconds) }

    public func kill() {}

    public var isStopped: Bool { false }

    public func join() throws(WorkerError<Failure>) -> Value {
        require(!isJoined, "thread \(name) was joined before")
        isJoined = true
        let code = pthread_join(handle, nil)
        require(code == 0, "pthread_join of \(name) failed with \(code)")
        do { return try task.outcome!.get() } catch { throw .failed(error) }
    }
}

/// What the new thread runs; the base class lets a C function pointer start it without knowing the types.
private class AnyThreadTask {
    func run() {}
}

@safe
private final class ThreadTask<Value, Failure: Error>: AnyThreadTask {
    private let name: String
    private let cpu: Int?
    private let body: (Pinning) throws(Failure) -> Value
    // Sound: allocated in init, freed in deinit, and seen through atomics only.
    private let ended: UnsafeMutableRawPointer
    var outcome: Result<Value, Failure>?

    init(name: String, cpu: Int?, body: @escaping (Pinning) throws(Failure) -> Value) {
        self.name = name
        self.cpu = cpu
        self.body = body
        unsafe ended = .allocate(byteCount: 2 * SharedWord.lineBytes, alignment: SharedWord.lineBytes)
        unsafe ended.initializeMemory(as: UInt8.self, repeating: 0, count: 2 * SharedWord.lineBytes)
    }

    deinit { unsafe ended.deallocate() }

    private var word: SharedWord { unsafe SharedWord(at: ended) }

    override func run() {
        let pinning = CurrentThread.becomeWorker(name, cpu: cpu)
        do throws(Failure) {
            outcome = .success(try body(pinning))
        } catch {
            outcome = .failure(error)
        }
        word.publish(1)
    }

    func hasEnded(within milliseconds: Int) -> Bool {
        let never = unsafe AbortFlag(SharedCounter(at: ended + SharedWord.lineBytes))
        let nanoseconds = UInt64(max(0, milliseconds)) * 1_000_000
        // One sleep: to wake in between takes a CPU from somebody, and nothing else ends this wait.
        let context = WaitContext(
            patience: Patience(spins: 0, sliceNanoseconds: max(1, nanoseconds)), abort: never,
            timeoutNanoseconds: nanoseconds)
        return (try? word.wait(for: 1, context)) != nil
    }
}
