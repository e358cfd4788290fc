/// How ranks are to be kept on CPUs: what `--pin` says.
public enum PinPolicy: Equatable, Sendable {
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
}

/// Which CPU each rank runs on.
public struct Placement: Equatable, Sendable {
    /// The CPU of each rank; nil lets the system choose.
    public let cpuOfRank: [Int?]
    /// For each rank, whether another rank may run on the same CPU.
    public let isShared: [Bool]

    /// How long each rank spins before it sleeps.
    public func patience(ofRank rank: Int) -> Patience { isShared[rank] ? .sharedCPU : .ownCPU }

    /// One sentence when ranks share CPUs, nil when each has its own.
    public var note: String? {
        let sharing = isShared.filter { $0 }.count
        if sharing == 0 { return nil }
        let cpus = Set(zip(cpuOfRank, isShared).compactMap { $1 ? $0 : nil })
        let place = cpus.isEmpty ? "too few CPUs" : "CPU\(cpus.count == 1 ? "" : "s") \(CPUSet(cpus))"
        return
            "\(sharing) of \(cpuOfRank.count) ranks share \(place), round-robin; their waits sleep instead of spinning"
    }

    /// Places ranks on a machine.
    /// - Throws: `PlacementError` when a listed CPU is not one the program may use.
    public init(ranks: Int, policy: PinPolicy, topology: Topology) throws(PlacementError) {
        let allowed = topology.cpus.map(\.id)
        switch policy {
        case .none:
            cpuOfRank = Array(repeating: nil, count: ranks)
            isShared = Array(repeating: ranks > allowed.count, count: ranks)
            return
        case .auto:
            let order = topology.fillOrder
            cpuOfRank = (0..<ranks).map { order[$0 % order.count] }
        case .list(let cpus):
            if let stranger = cpus.first(where: { !allowed.contains($0) }) {
                throw PlacementError(cpu: stranger, allowed: CPUSet(allowed))
            }
            cpuOfRank = (0..<ranks).map { cpus[$0 % cpus.count] }
        }
        let taken = cpuOfRank
        isShared = taken.map { cpu in taken.filter { $0 == cpu }.count > 1 }
    }
}

/// A CPU that the program may not use.
public struct PlacementError: Error, Equatable, CustomStringConvertible {
    public let cpu: Int
    public let allowed: CPUSet

    public init(cpu: Int, allowed: CPUSet) {
        self.cpu = cpu
        self.allowed = allowed
    }

    public var description: String { "CPU \(cpu) is not one this program may use; allowed: \(allowed)" }
}
