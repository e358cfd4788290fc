// SPDX-License-Identifier: Apache-2.0

/// How ranks are to be kept on CPUs: what `--pin` says.
public enum PinPolicy: Equatable, Sendable, CustomStringConvertible {
    /// Physical cores first, then hyper-threads; round-robin once all are taken.
    case auto
    /// Wherever the system puts them.
    case none
    /// Rank r on the r-th of these, round-robin.
    case list([Int])

    /// Parses `auto`, `none` or a list such as `0,2,4`; nil when it is anything else.
    public init?(_ text: String) {
        switch text {
        case "auto": self = .auto
        case "none": self = .none
        default:
            let cpus = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
            guard !cpus.isEmpty, cpus.allSatisfy({ ($0 ?? -1) >= 0 }) else { return nil }
            self = .list(cpus.compactMap { $0 })
        }
    }

    /// As it is parsed.
    public var description: String {
        switch self {
        case .auto: "auto"
        case .none: "none"
        case .list(let cpus): cpus.map(String.init).joined(separator: ",")
        }
    }
}

/// Which CPUs each rank runs on: one for each of its threads.
public struct Placement: Equatable, Codable, Sendable {
    /// For each rank, the CPU of each of its threads, its own first; nil lets the system choose.
    public let cpusOfRank: [[Int?]]
    /// For each rank, whether another thread of the run may be on one of its CPUs.
    public let isShared: [Bool]
    /// The limit on CPU time, when that is less than the CPUs that the ranks take have.
    public let quota: CPUQuota?
    /// Those that the ranks' threads may be on, in ascending order.
    public let cpus: [Int]
    /// How many CPUs the ranks take, all together.
    public let cpuCount: Int

    /// Whether a rank runs whenever it wants to: nobody else of the run is on its CPUs, and no quota stops it.
    public func ownsItsCPUs(rank: Int) -> Bool {
        require(isShared.indices.contains(rank), "there is no rank \(rank) among \(isShared.count)")
        return !isShared[rank] && quota == nil
    }

    /// Whether all ranks do.
    public var ownsAllCPUs: Bool { cpusOfRank.indices.allSatisfy(ownsItsCPUs) }

    /// How long each rank's threads spin before they sleep. Spinning would use up a quota that the ranks need for work.
    public func patience(ofRank rank: Int) -> Patience { ownsItsCPUs(rank: rank) ? .ownCPU : .sharedCPU }

    /// A sentence when ranks have less than their CPUs; nil when each has its own.
    public var note: String? {
        let reasons = [sharing, shortage].compactMap(\.self)
        let whose = quota == nil && isShared.contains(false) ? "their" : "all"
        return reasons.isEmpty
            ? nil : "\(reasons.joined(separator: "; ")); \(whose) waits sleep instead of spinning"
    }

    private var sharing: String? {
        let sharing = isShared.count { $0 }
        if sharing == 0 { return nil }
        let cpus = Set(zip(cpusOfRank, isShared).flatMap { $1 ? $0.compactMap { $0 } : [] })
        let shared = cpus.isEmpty ? "too few CPUs" : "CPU\(cpus.count == 1 ? "" : "s") \(CPUSet(cpus))"
        let threads = cpusOfRank[0].count
        if cpusOfRank.count == 1 { return "the rank's \(threads) threads share \(shared), round-robin" }
        let who = threads == 1 ? "ranks" : "ranks, of \(threads) threads each,"
        return "\(sharing) of \(cpusOfRank.count) \(who) share\(sharing == 1 ? "s" : "") \(shared), round-robin"
    }

    private var shortage: String? {
        quota.map { "a quota gives the run the time of \($0), and its ranks take \(counted(cpuCount, "CPU"))" }
    }

    /// Puts ranks on a machine with CPUs.
    ///
    /// - Parameters:
    ///   - ranks: how many, at least 1.
    ///   - threads: of each rank, at least 1.
    ///   - policy: which CPUs they take; a list holds at least one.
    ///   - topology: the CPUs that the program may use, at least one.
    ///   - quota: the limit on CPU time, if there is one.
    /// - Throws: `PlacementError` when a listed CPU is not one the program may use.
    public init(
        ranks: Int, threads: Int = 1, policy: PinPolicy, topology: Topology, quota: CPUQuota? = nil
    ) throws(PlacementError) {
        require(ranks >= 1 && threads >= 1, "\(ranks) ranks of \(threads) threads: at least 1 of each is placed")
        let allowed = topology.cpus.map(\.id)
        require(!allowed.isEmpty, "a machine without a CPU")
        /// The quota, when it gives less than this many CPUs.
        func tooSmall(for cpus: Int) -> CPUQuota? { quota.flatMap { $0.cpus < Double(cpus) ? $0 : nil } }
        switch policy {
        case .none:
            cpusOfRank = Array(repeating: Array(repeating: nil, count: threads), count: ranks)
            isShared = Array(repeating: ranks * threads > allowed.count, count: ranks)
            cpus = allowed.sorted()
            cpuCount = min(ranks * threads, allowed.count)
            self.quota = tooSmall(for: cpuCount)
            return
        case .auto: cpusOfRank = Self.fill(topology, ranks: ranks, threads: threads)
        case .list(let listed):
            require(!listed.isEmpty, "a list of no CPUs to place ranks on")
            if let stranger = listed.first(where: { !allowed.contains($0) }) {
                throw PlacementError(cpu: stranger, allowed: CPUSet(allowed))
            }
            cpusOfRank = (0..<ranks).map { rank in
                (0..<threads).map { listed[(rank * threads + $0) % listed.count] }
            }
        }
        var users: [Int?: Int] = [:]
        for cpu in cpusOfRank.joined() { users[cpu, default: 0] += 1 }
        isShared = cpusOfRank.map { $0.contains { users[$0]! > 1 } }
        cpus = users.keys.compactMap(\.self).sorted()
        cpuCount = users.count
        self.quota = tooSmall(for: cpuCount)
    }

    /// The placement of ranks that others have put on CPUs, on several machines or on parts of one.
    /// - Parameters:
    ///   - parts: at least one, with the numbers of the ranks that each is of; every rank in just one.
    ///   - own: the index of the part whose machine this is: `cpus` are its own, since CPUs of others have the same numbers.
    public init(joining parts: [(ranks: [Int], placement: Placement)], own: Int) {
        let ranks = parts.flatMap(\.ranks).count
        var (cpus, shared) = ([[Int?]](repeating: [], count: ranks), [Bool](repeating: false, count: ranks))
        for (numbers, part) in parts {
            for (index, rank) in numbers.enumerated() {
                (cpus[rank], shared[rank]) = (part.cpusOfRank[index], part.isShared[index])
            }
        }
        (cpusOfRank, isShared) = (cpus, shared)
        quota = parts.compactMap(\.placement.quota).min { $0.cpus < $1.cpus }
        self.cpus = parts[own].placement.cpus
        cpuCount = parts.reduce(0) { $0 + $1.placement.cpuCount }
    }

    /// Each rank's threads on CPUs of one NUMA node where there are enough, cores before hyper-threads. Starts over when
    /// too few are left.
    private static func fill(_ topology: Topology, ranks: Int, threads: Int) -> [[Int?]] {
        var free = topology.fillOrder
        return (0..<ranks).map { _ in
            if free.count < threads { free = topology.fillOrder }
            let taken = group(of: threads, in: free, topology)
            free.removeAll { taken.contains($0) }
            return (0..<threads).map { taken[$0 % taken.count] }
        }
    }

    /// The first `count` of `free`, which is in fill order, that are on one node and come from as few hyper-thread rounds
    /// as can be; without such a node the first of all, and where they do not suffice, all.
    private static func group(of count: Int, in free: [Int], _ topology: Topology) -> [Int] {
        let rounds = topology.roundOfCPU
        for round in 0...(rounds.values.max() ?? 0) {
            for node in topology.nodes {
                let near = topology.cpus.filter { $0.node == node && rounds[$0.id]! <= round }.map(\.id)
                let candidates = free.filter { near.contains($0) }
                if candidates.count >= count { return Array(candidates.prefix(count)) }
            }
        }
        return Array(free.prefix(count))
    }
}

/// A CPU that the program may not use.
public struct PlacementError: Error, Equatable, CustomStringConvertible {
    /// As it was listed.
    public let cpu: Int
    /// Those that the program may use.
    public let allowed: CPUSet

    /// With these values.
    public init(cpu: Int, allowed: CPUSet) {
        self.cpu = cpu
        self.allowed = allowed
    }

    public var description: String { "CPU \(cpu) is not one this program may use; allowed: \(allowed)" }
}
