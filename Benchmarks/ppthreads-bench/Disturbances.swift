// SPDX-License-Identifier: Apache-2.0

import Glibc
import Pipeline
import Threads

/// A failure that crosses from a forked process: none.
struct NoFailure: Error, Codable {}

/// When a run is disturbed and when it is left alone, in turns: all processes read it off the common clock.
enum Phase {
    static let nanoseconds: UInt64 = 900_000_000
    /// After a change, until it has taken hold: a quota gives new time in periods of 100 ms.
    private static let settling: UInt64 = 150_000_000

    static func isDisturbed(at now: UInt64) -> Bool { now / nanoseconds % 2 == 1 }

    static func sleepUntilNext() {
        Clock.sleep(nanoseconds: nanoseconds - Clock.now() % nanoseconds + 1000)
    }

    /// Whether a step lies in a disturbed phase, or in a quiet one; nil where it lies in both, or in a change.
    static func isDisturbed(from start: UInt64, to end: UInt64) -> Bool? {
        let isWithin = start / nanoseconds == end / nanoseconds && start % nanoseconds > settling
        return isWithin ? isDisturbed(at: start) : nil
    }
}

/// Something that takes CPU time from a run, in every other phase.
enum RunDisturbance {
    /// Nobody takes any: what phases differ by all the same is the machine's.
    case nothing
    /// CPUs' worth of time for the whole run, in periods of 100 ms; hardly less than it wants in the quiet phases.
    case quota(Double)
    /// Endless loops, one on each of these CPUs, with their niceness.
    case hogs(cpus: [Int], niceness: Int32)
    /// A real-time task that runs half of the time on a CPU.
    case realTime(cpu: Int)
    /// All ranks on one CPU, the whole time.
    case oneCPU(Int)
    case stop(StopMoment)

    var name: String {
        switch self {
        case .nothing: "nothing"
        case .quota(let cpus): "quota of \(cpus)"
        case .hogs(let cpus, let niceness):
            "a loop on \(cpus.count == 1 ? "one CPU" : "\(cpus.count) CPUs")\(niceness > 0 ? ", nice \(niceness)" : "")"
        case .realTime: "real time, half of one CPU"
        case .oneCPU(let cpu): "--pin \(cpu),\(cpu)"
        case .stop(let moment): moment.rawValue
        }
    }

    /// The kinds that this benchmark goes through, or some of them; the CPUs are the ranks'.
    static func all(_ cpus: [Int], isShort: Bool) -> [RunDisturbance] {
        if isShort { return [.hogs(cpus: [cpus[0]], niceness: 0), .stop(.handingOn), .stop(.update)] }
        return [.nothing] + [0.5, 1, 1.4].map { .quota($0) }
            + [
                .hogs(cpus: [cpus[0]], niceness: 0), .hogs(cpus: cpus, niceness: 0),
                .hogs(cpus: [cpus[0]], niceness: 19),
                .realTime(cpu: cpus[0]), .oneCPU(cpus[0]),
            ] + StopMoment.allCases.map { .stop($0) }
    }
}

/// Programs outside of a run, or limits on it, for as long as the value is in use.
final class Surroundings {
    private var workers: [ForkedWorker<Int, NoFailure>] = []
    private var group: CPUGroup?

    /// - Throws: where this user may not do that.
    init(_ disturbance: RunDisturbance) throws(BenchmarkError) {
        switch disturbance {
        case .nothing, .oneCPU, .stop: break
        case .quota(let cpus):
            let group = try CPUGroup(cpus: Self.quietCPUs)
            self.group = group
            try start(nil) {
                while true {
                    _ = group.set(cpus: Phase.isDisturbed(at: Clock.now()) ? cpus : Self.quietCPUs)
                    Phase.sleepUntilNext()
                }
            }
        case .hogs(let cpus, let niceness):
            for cpu in cpus {
                try start(cpu) {
                    setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, niceness)
                    while true { if !Phase.isDisturbed(at: Clock.now()) { Phase.sleepUntilNext() } }
                }
            }
        case .realTime(let cpu):
            var parameter = sched_param(sched_priority: 1)
            guard unsafe sched_setscheduler(0, SCHED_FIFO, &parameter) == 0 else { throw .failed("no real time here") }
            parameter.sched_priority = 0
            unsafe sched_setscheduler(0, SCHED_OTHER, &parameter)
            try start(cpu) {
                var parameter = sched_param(sched_priority: 1)
                unsafe sched_setscheduler(0, SCHED_FIFO, &parameter)
                while true {
                    if !Phase.isDisturbed(at: Clock.now()) { Phase.sleepUntilNext() }
                    let end = Clock.now() + 5_000_000
                    while Clock.now() < end {}
                    usleep(5_000)
                }
            }
        }
    }

    /// Less than all, so that the program knows of a quota, and does not spin.
    private static let quietCPUs = 1.99

    private func start(_ cpu: Int?, _ body: @escaping () -> Void) throws(BenchmarkError) {
        do throws(ForkError) {
            workers.append(
                try ForkedWorker(name: "hog", cpu: cpu) { (_: Pinning) throws(NoFailure) -> Int in
                    body()
                    return 0
                })
        } catch { throw .failed("\(error)") }
    }

    /// Moves the calling process into them, where that takes a move.
    func enter() { group?.enter() }

    /// Ends them. To be called once.
    func end() {
        for worker in workers {
            worker.kill()
            _ = try? worker.join()
        }
        group?.remove()
    }
}

/// A control group with a quota, of version 1 or 2.
private final class CPUGroup {
    private let folder: String
    private let isFirst: Bool

    init(cpus: Double) throws(BenchmarkError) {
        let first = "/sys/fs/cgroup/cpu"
        isFirst = unsafe access("\(first)/cpu.cfs_quota_us", F_OK) == 0 || access("\(first)/tasks", F_OK) == 0
        folder = "\(isFirst ? first : "/sys/fs/cgroup")/ppthreads-bench-\(getpid())"
        guard unsafe mkdir(folder, 0o755) == 0 else { throw .failed("no control group may be made here") }
        if !set(cpus: cpus) {
            unsafe rmdir(folder)
            throw .failed("no quota may be set here")
        }
    }

    func set(cpus: Double) -> Bool {
        let quota = Int(cpus * 100_000)
        return isFirst
            ? Self.write("\(quota)", to: "\(folder)/cpu.cfs_quota_us")
            : Self.write("\(quota) 100000", to: "\(folder)/cpu.max")
    }

    func enter() { _ = Self.write("\(getpid())", to: "\(folder)/cgroup.procs") }

    /// Processes that were in it may take a moment to go.
    func remove() {
        for _ in 0..<100 where unsafe rmdir(folder) != 0 { usleep(10_000) }
    }

    private static func write(_ text: String, to path: String) -> Bool {
        let descriptor = unsafe open(path, O_WRONLY)
        if descriptor < 0 { return false }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        return unsafe Glibc.write(descriptor, bytes, bytes.count) == bytes.count
    }
}
