import Pipeline
import SharedTensor
import Threads

/// `ppthreads doctor`: what this machine has, and what would go wrong on it.
enum DoctorCommand {
    static var command: Command {
        Command(
            name: "doctor", summary: "shows CPUs, caches, memory and limits, and what would go wrong",
            help: """
                Usage: ppthreads doctor

                Shows ppthreads' version and commit, the CPUs that it may use, cores, NUMA nodes, caches, memory, /dev/shm,
                limits and the vector level of the kernels, and warns of what would go wrong. Takes no flags. Exits with 0
                even when it warns.
                """, run: run)
    }

    private static func run(_ arguments: [String]) throws(CommandError) {
        if let argument = arguments.first {
            throw CommandError(code: .usage, message: "unknown flag \(argument): doctor takes none")
        }
        let topology: Topology
        do throws(SystemError) { topology = try Topology.current() } catch {
            throw CommandError(code: .failed, message: error.description)
        }
        let facts = facts(topology)
        let width = facts.map(\.name.count).max()!
        let lines = facts.map { "\($0.name.padded(to: width))  \($0.value)" }
        let warnings = warnings(topology)
        let verdict = warnings.isEmpty ? ["nothing to warn of"] : warnings.map { "warning: \($0)" }
        try Terminal.output((lines + [""] + verdict).joined(separator: "\n"))
    }

    private static func facts(_ topology: Topology) -> [(name: String, value: String)] {
        let cpus = topology.cpus.map(\.id)
        let order = topology.fillOrder.map(String.init).joined(separator: ",")
        let levels = SIMDLevel.allCases.filter(\.isSupported).map(\.rawValue).joined(separator: ", ")
        return [
            ("ppthreads", "\(Main.version), commit \(Main.commit)"),
            ("CPU model", Machine.cpuModel ?? "unknown"),
            ("CPUs to use", "\(CPUSet(cpus)) (\(cpus.count))"),
            ("cores", "\(topology.coreCount); ranks take CPUs in the order \(order)"),
            ("NUMA nodes", topology.nodes.map(String.init).joined(separator: ", ")),
            ("caches", caches(ofCPU: cpus[0])),
            ("kernels", "\(SIMDLevel.best.rawValue) (can run: \(levels))"),
            ("memory", MachineMemory.availableBytes.map { "\(ByteCount($0)) available" } ?? "unknown"),
            ("/dev/shm", sharedMemory),
            ("locked memory", limit("Max locked memory")),
            ("stack of a process", limit("Max stack size")),
            ("open files", limit("Max open files")),
            ("huge pages", TextFile.line("/sys/kernel/mm/transparent_hugepage/enabled") ?? "unknown"),
        ]
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

    private static var sharedMemory: String {
        guard let total = SharedMemory.totalBytes, let free = SharedMemory.freeBytes else { return "none" }
        return "\(ByteCount(free)) free of \(ByteCount(total))"
    }

    /// The soft limit of a line of /proc/self/limits, with its unit.
    private static func limit(_ name: String) -> String {
        let lines = TextFile.text("/proc/self/limits")?.split(separator: "\n") ?? []
        guard let line = lines.first(where: { $0.hasPrefix(name) }) else { return "unknown" }
        let cells = line.dropFirst(name.count).split(separator: " ")
        guard let soft = cells.first else { return "unknown" }
        return cells.last == "bytes" ? Int(soft).map { ByteCount($0).description } ?? String(soft) : String(soft)
    }

    private static func warnings(_ topology: Topology) -> [String] {
        var warnings: [String] = []
        if topology.cpus.count < 2 {
            warnings.append("one CPU to use: ranks take turns on it, and no pipeline can be faster than one stage")
        }
        if topology.coreCount < topology.cpus.count {
            warnings.append(
                "\(topology.cpus.count) CPUs are hyper-threads of \(topology.coreCount) cores: more ranks than cores share "
                    + "a core's arithmetic")
        }
        if let free = SharedMemory.freeBytes {
            if free < 64 << 20 {
                warnings.append(
                    "/dev/shm has \(ByteCount(free)) left: --transport processes may not fit its rings "
                        + "(docker run --shm-size=1g)")
            }
        } else {
            warnings.append("there is no /dev/shm: --transport processes cannot run")
        }
        let pinning = PinnedThread<Pinning, Never>.probe(cpu: topology.cpus[0].id)
        if case .refused(_, let error) = pinning {
            warnings.append("pinning is refused here (\(error)): ranks run wherever the system puts them")
        }
        if SIMDLevel.best == .portable {
            warnings.append("no AVX2 or AVX-512: the portable kernels run, several times slower")
        }
        return warnings
    }
}

extension PinnedThread where Value == Pinning, Failure == Never {
    /// Tries pinning on a thread of its own.
    fileprivate static func probe(cpu: Int) -> Pinning? {
        guard let thread = try? PinnedThread(name: "doctor", cpu: cpu, body: { $0 }) else { return nil }
        return try? thread.join()
    }
}
