// SPDX-License-Identifier: Apache-2.0

/// The CPUs a program may use, with the core, package and NUMA node of each, as sysfs tells them.
public struct Topology: Sendable, Equatable {
    /// A CPU as the system counts them: a hyper-thread, where cores have several.
    public struct CPU: Sendable, Equatable {
        /// The system's number of it, from 0.
        public let id: Int
        /// The physical core, unique within its package; hyper-threads of one core share it.
        public let core: Int
        /// The processor chip; 0 where the system does not tell.
        public let package: Int
        /// The NUMA node; 0 where the system does not tell.
        public let node: Int

        /// With these values; nothing is asked of the system.
        public init(id: Int, core: Int, package: Int, node: Int) {
            self.id = id
            self.core = core
            self.package = package
            self.node = node
        }
    }

    /// In ascending order of id.
    public let cpus: [CPU]
    /// Whether the system said which cores there are; otherwise each CPU counts as one.
    public let isKnown: Bool

    /// Of CPUs in ascending order of id, whose cores are known.
    public init(cpus: [CPU]) { (self.cpus, isKnown) = (cpus, true) }

    /// Reads the machine's own topology, cut down to the CPUs the calling thread may run on.
    public static func current() throws(SystemError) -> Topology {
        Topology(allowed: try CPUSet.allowed(), sysfs: "/sys/devices/system")
    }

    /// Reads a sysfs tree. A CPU that it says nothing about counts as a core of its own in package 0, node 0.
    public init(allowed: CPUSet, sysfs: String) {
        let nodes = Self.nodeOfCPU(sysfs)
        isKnown = allowed.cpus.allSatisfy { TextFile.integer("\(sysfs)/cpu/cpu\($0)/topology/core_id") != nil }
        cpus = allowed.cpus.map { id in
            let folder = "\(sysfs)/cpu/cpu\(id)/topology"
            return CPU(
                id: id, core: TextFile.integer("\(folder)/core_id") ?? id,
                package: TextFile.integer("\(folder)/physical_package_id") ?? 0, node: nodes[id] ?? 0)
        }
    }

    private static func nodeOfCPU(_ sysfs: String) -> [Int: Int] {
        guard let online = TextFile.line("\(sysfs)/node/online"), let nodes = CPUSet(list: online) else { return [:] }
        var nodeOfCPU: [Int: Int] = [:]
        for node in nodes.cpus {
            let list = TextFile.line("\(sysfs)/node/node\(node)/cpulist").flatMap { CPUSet(list: $0) }
            for cpu in list?.cpus ?? [] { nodeOfCPU[cpu] = node }
        }
        return nodeOfCPU
    }

    /// Physical cores that have at least one of the CPUs.
    public var coreCount: Int { Set(cpus.map(\.coreKey)).count }
    /// NUMA nodes that have at least one of the CPUs, in ascending order.
    public var nodes: [Int] { Set(cpus.map(\.node)).sorted() }

    /// The order in which ranks take CPUs: one CPU of each physical core before any core's second hyper-thread, and
    /// node by node within each round, so that neighbouring stages sit close together.
    public var fillOrder: [Int] {
        let rounds = roundOfCPU
        return cpus.sorted { (rounds[$0.id]!, $0.node, $0.id) < (rounds[$1.id]!, $1.node, $1.id) }.map(\.id)
    }

    /// For each CPU, how many of its core's CPUs stand before it.
    var roundOfCPU: [Int: Int] {
        var seen: [[Int]: Int] = [:]
        var rounds: [Int: Int] = [:]
        for cpu in cpus {
            rounds[cpu.id] = seen[cpu.coreKey, default: 0]
            seen[cpu.coreKey, default: 0] += 1
        }
        return rounds
    }
}

extension Topology.CPU {
    fileprivate var coreKey: [Int] { [package, core] }
}
