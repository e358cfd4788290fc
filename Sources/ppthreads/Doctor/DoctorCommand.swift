// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor
import Threads

/// `ppthreads doctor`: what this machine has, and what would go wrong on it.
enum DoctorCommand {
    static var command: Command {
        Command(
            name: "doctor", summary: "shows CPUs, caches, memory and limits, and what would go wrong",
            synopsis: """
                Usage: ppthreads doctor

                Shows ppthreads' version and commit, the CPUs that it may use, cores, NUMA nodes, caches, memory, /dev/shm,
                limits and the vector level of the kernels, and warns of what would go wrong. Takes no flags. Exits with 0
                even when it warns. Started by mpirun, with a ppthreads that was built with MPI, it shows each host.
                """, flags: [], run: run)
    }

    private static func run(_ arguments: [String]) throws(CommandError) {
        if let argument = arguments.first {
            throw CommandError(code: .usage, message: "unknown flag \(argument): doctor takes none")
        }
        let text = try ownText()
        let texts: [(host: JobHost?, value: String)]
        do throws(JobError) { texts = try JobOfProgram.ofAll(text) } catch {
            throw CommandError(code: .failed, message: error.description)
        }
        try Terminal.output(DoctorHosts(texts, library: JobOfProgram.library).text)
    }

    /// What this process has to say: of its host, where it is the first one there, otherwise nothing.
    private static func ownText() throws(CommandError) -> String {
        let neighbours = JobOfProgram.neighbours
        do throws(SystemError) {
            if neighbours.isEmpty { return text(try Machine.current(), nil) }
            if neighbours[0].rank != JobOfProgram.rank { return "" }
            let given = GivenCPUs(neighbours.map { ($0.rank, CPUSet($0.host.cpus)) })
            return text(given.all.count > 0 ? Machine(allowed: given.all) : try Machine.current(), given)
        } catch {
            throw CommandError(code: .failed, message: error.description)
        }
    }

    /// - Parameter given: the CPUs that a launcher has left to each process of the host; nil without one.
    private static func text(_ machine: Machine, _ given: GivenCPUs?) -> String {
        let facts = facts(machine, given)
        let width = facts.map(\.name.count).max()!
        let lines = facts.map { "\($0.name.padded(to: width))  \($0.value)" }
        let warnings = DoctorWarnings(machine, given: given).all
        let verdict = warnings.isEmpty ? ["nothing to warn of"] : warnings.map { "warning: \($0)" }
        return (lines + [""] + verdict).joined(separator: "\n")
    }

    private static func facts(_ machine: Machine, _ given: GivenCPUs?) -> [(name: String, value: String)] {
        let topology = machine.topology
        let cpus = topology.cpus.map(\.id)
        let order = topology.fillOrder.map(String.init).joined(separator: ",")
        // Who was given CPUs of its own keeps to these.
        let filling = given?.areShared ?? true ? "; ranks take CPUs in the order \(order)" : ""
        let cores = topology.isKnown ? String(topology.coreCount) : "unknown"
        let nodes = topology.isKnown ? topology.nodes.map(String.init).joined(separator: ", ") : "unknown"
        let levels = SIMDLevel.allCases.filter(\.isSupported).map(\.rawValue).joined(separator: ", ")
        return [
            ("ppthreads", "\(Version.number), commit \(Version.commit)"),
            ("CPU model", machine.cpuModel ?? "unknown"),
            ("CPUs to use", "\(CPUSet(cpus)) (\(cpus.count))"),
        ] + (given.map { [("of the launcher", $0.text)] } ?? []) + [
            ("CPU quota", quota(machine)),
            ("cores", "\(cores)\(filling)"),
            ("NUMA nodes", nodes),
            ("caches", caches(ofCPU: cpus[0])),
            ("kernels", "\(SIMDLevel.best.rawValue) (can run: \(levels))"),
            ("memory", memory(machine)),
            ("/dev/shm", sharedMemory(machine)),
            ("tasks", tasks(machine)),
            ("locked memory", limit("Max locked memory", machine)),
            ("stack of a process", limit("Max stack size", machine)),
            ("open files", limit("Max open files", machine)),
            ("huge pages", TextFile.line("/sys/kernel/mm/transparent_hugepage/enabled") ?? "unknown"),
        ]
    }

    private static func quota(_ machine: Machine) -> String {
        guard machine.knowsGroups else { return "unknown" }
        return machine.cpuQuota.map { "\($0), in periods of \(($0.periodSeconds * 1000).fixed(0)) ms" } ?? "none"
    }

    /// The tightest bound, and the machine's.
    private static func memory(_ machine: Machine) -> String {
        guard let bound = machine.memoryBounds.first else { return "unknown" }
        let all = machine.memoryBounds.first { $0.source == .machine }
        let whole = bound == all ? nil : all.map { "; the machine has \(ByteCount($0.availableBytes))" }
        return "\(ByteCount(bound.availableBytes)) available\(bound.name.map { " under \($0)" } ?? "")\(whole ?? "")"
    }

    private static func sharedMemory(_ machine: Machine) -> String {
        guard let space = machine.sharedMemory else { return "none" }
        guard let free = space.freeBytes, let total = space.totalBytes else { return "no bound but the memory's" }
        return "\(ByteCount(free)) free of \(ByteCount(total))"
    }

    /// The tightest bound on threads and processes.
    private static func tasks(_ machine: Machine) -> String {
        guard machine.knowsGroups else { return "unknown" }
        return TaskBound.all().first.map { "\($0.left) left under \($0)" } ?? "no limit"
    }

    /// A soft limit with its unit.
    private static func limit(_ name: String, _ machine: Machine) -> String {
        guard let limit = machine.limit(name) else { return "unknown" }
        return limit.unit == "bytes" ? Int(limit.soft).map { ByteCount($0).description } ?? limit.soft : limit.soft
    }

    private static func caches(ofCPU cpu: Int) -> String {
        let folder = "/sys/devices/system/cpu/cpu\(cpu)/cache"
        let caches = (0..<8).compactMap { index -> String? in
            let cache = "\(folder)/index\(index)"
            guard let level = TextFile.line("\(cache)/level"), let size = TextFile.line("\(cache)/size"),
                let kind = TextFile.line("\(cache)/type"), kind != "Instruction"
            else { return nil }
            let sharers = TextFile.line("\(cache)/shared_cpu_list").flatMap { CPUSet(list: $0) }
            let shared = (sharers?.count ?? 1) > 1 ? " (CPUs \(sharers!))" : ""
            return "L\(level) \(size)\(shared)"
        }
        return caches.isEmpty ? "unknown" : caches.joined(separator: ", ")
    }
}
