// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor
import Threads

/// What would go wrong on a machine, a sentence each.
package struct DoctorWarnings {
    private let machine: Machine
    private let taskBound: TaskBound?
    /// What a launcher has left to each process; nil where nobody has told.
    private let given: GivenCPUs?
    private let isLaunched: Bool

    /// - Parameters:
    ///   - machine: with the CPUs that this program may use, or that all of a launcher's processes on the host may.
    ///   - taskBound: the tightest on threads and processes; asked of the system unless given.
    ///   - given: the CPUs that a launcher has left to each process; nil where nobody has told.
    ///   - isLaunched: whether a launcher such as mpirun has started this process.
    package init(
        _ machine: Machine, taskBound: TaskBound? = TaskBound.all().first, given: GivenCPUs? = nil,
        isLaunched: Bool = LaunchedProcess.rank != nil
    ) {
        (self.machine, self.taskBound, self.given, self.isLaunched) = (machine, taskBound, given, isLaunched)
    }

    package var all: [String] {
        [proc, groups, oneCPU].compactMap(\.self) + (given?.warnings ?? [])
            + [quota, hyperThreads, memory, sharedMemory, tasks, pinning, kernels].compactMap(\.self)
    }

    private var cpuCount: Int { machine.topology.cpus.count }

    private var oneCPU: String? {
        if cpuCount < 2 && given == nil && isLaunched {
            return
                "a launcher has left this process one CPU, whatever the machine has: ranks take turns on it (--bind-to none)"
        }
        // Of a launcher's processes each may have one, which is what a rank needs.
        return cpuCount < 2 && given == nil
            ? "one CPU to use: ranks take turns on it, and no pipeline can be faster than one stage" : nil
    }

    private var quota: String? {
        guard let quota = machine.cpuQuota, quota.cpus < Double(cpuCount) else { return nil }
        let period = "\((quota.periodSeconds * 1000).fixed(0)) ms"
        let share = "\((quota.cpus / Double(cpuCount) * 100).fixed(0)) %"
        let effect =
            quota.cpus <= 1
            ? "no pipeline can be faster than one stage"
            : "ranks that compute all the time on \(counted(cpuCount, "CPU")) get \(share) of them"
        return
            "a quota of \(quota) for \(cpuCount) to use (docker run --cpus): \(effect), and all stand still for the rest "
            + "of each \(period) in which the time is used up; where ranks take more than the quota, waits sleep instead of "
            + "spinning, and hand-offs take longer"
    }

    private var proc: String? {
        TextFile.line("/proc/self/stat") == nil
            ? "there is no /proc: \(Self.forked) cannot run, and memory and limits are not known" : nil
    }

    private var groups: String? {
        guard proc == nil && !machine.knowsGroups else { return nil }
        return
            "the control groups that this process is in cannot be seen below /sys/fs/cgroup: limits of a container on "
            + "memory, CPU time and tasks are not known, and a run that exceeds one is killed or slowed without a word"
    }

    private var hyperThreads: String? {
        let cores = machine.topology.coreCount
        if let given {
            return given.count > cores && given.count <= cpuCount
                ? "\(given.count) processes on CPUs that are hyper-threads of \(counted(cores, "core")) share a core's arithmetic"
                : nil
        }
        return cores < cpuCount
            ? "\(cpuCount) CPUs are hyper-threads of \(counted(cores, "core")): more ranks than cores share a core's arithmetic"
            : nil
    }

    /// The first model of the reference study's that would be refused.
    private var memory: String? {
        for layers in [4, 8, 12] {
            var options = RunOptions()
            options.model.layers = layers
            let configuration: RunConfiguration
            do throws(CommandError) { configuration = try options.configuration() } catch {
                return "whether run --layers \(layers) fits here is not known: \(error.message)"
            }
            do throws(RunError) { _ = try RunPlan(configuration, on: machine) } catch {
                return "run --layers \(layers) is refused here: \(error)"
            }
        }
        return nil
    }

    private var sharedMemory: String? {
        if machine.sharedMemory == nil { return "there is no /dev/shm: \(Self.forked) cannot run" }
        if let error = SharedMemory.trial() { return "/dev/shm cannot be used: \(error): \(Self.forked) cannot run" }
        guard let space = machine.sharedMemory, let left = space.left else { return nil }
        if let free = space.freeBytes, free < 64 << 20 {
            return "/dev/shm has \(left) left: --transport processes may not fit its rings (docker run --shm-size=1g)"
        }
        guard let files = space.freeFiles, files < FileSystemSpace.filesFew else { return nil }
        return
            "/dev/shm has \(left) left, and a run takes a file for each rank and some more: \(Self.forked) may not run"
    }

    /// What needs /dev/shm: even ranks that exchange tensors by sockets share a control block there.
    private static let forked =
        "--transport processes, sockets and unix (and so compare and verify, unless --transport threads is given)"

    /// What a rank on each CPU, or the fewest of a pipeline, would lack.
    private var tasks: String? {
        let ranks = max(2, cpuCount)
        guard let bound = taskBound, bound.left < ranks else { return nil }
        return "\(ranks) ranks are as many threads or processes, and \(bound.left) can be started under \(bound)"
    }

    private var pinning: String? {
        do throws(SystemError) {
            guard case .refused(_, let error) = try Pinning.probe(cpu: given?.first ?? machine.topology.cpus[0].id)
            else { return nil }
            return "pinning is refused here (\(error)): ranks run wherever the system puts them"
        } catch {
            return "no thread can be started, and whether pinning works is not known: \(error)"
        }
    }

    private var kernels: String? {
        #if arch(x86_64)
            SIMDLevel.best == .portable ? "no AVX2 or AVX-512: the portable kernels run, several times slower" : nil
        #else
            nil  // elsewhere the portable kernels are all there are: on arm64 they use NEON
        #endif
    }
}

extension Pinning {
    /// Tries pinning on a thread of its own.
    /// - Throws: when there is no thread to be had.
    fileprivate static func probe(cpu: Int) throws(SystemError) -> Pinning {
        let thread = try PinnedThread<Pinning, Never>(name: "doctor", cpu: cpu) { $0 }
        do throws(WorkerError<Never>) { return try thread.join() } catch {
            trap("a thread that cannot fail has failed")
        }
    }
}
