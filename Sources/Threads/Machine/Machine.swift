// SPDX-License-Identifier: Apache-2.0

/// What a program finds where it runs, cut down to what a container and limits leave of it: the one value that placement,
/// the memory check and `doctor` read.
///
/// A snapshot. What the system does not say is nil or missing: a container may have no /proc and no /sys.
public struct Machine: Sendable {
    /// The machine's name.
    public let host: String?
    /// As the kernel calls the first CPU: by a name, or, on arm64, by the numbers of who designed it and of what it is.
    public let cpuModel: String?
    /// The CPUs that the program may run on.
    public let topology: Topology
    /// The tightest limit on CPU time; nil without one.
    public let cpuQuota: CPUQuota?
    /// Whether the system said which control groups there are: otherwise there may be limits that nobody sees.
    public let knowsGroups: Bool
    /// What bounds the program's memory, the tightest first.
    public let memoryBounds: [MemoryBound]
    /// The file system of /dev/shm; nil where there is none.
    public let sharedMemory: FileSystemSpace?
    /// Processes of the program's control group that the kernel has killed for want of memory so far.
    public let memoryKills: Int?
    /// What this process holds; nil where the kernel does not tell.
    public let program: ProcessMemory?
    private let limits: String?

    /// The machine as it is now.
    /// - Throws: when the system does not even say which CPUs there are.
    public static func current() throws(SystemError) -> Machine { Machine(allowed: try CPUSet.allowed()) }

    /// - Parameters:
    ///   - allowed: the CPUs that the program may run on.
    ///   - root: the folder that `/proc`, `/sys` and `/dev` are in, and mount points are below.
    public init(allowed: CPUSet, root: String = "") {
        let groups = ControlGroups(root: root)
        host = TextFile.line("\(root)/proc/sys/kernel/hostname")
        cpuModel = Self.cpuModel(KeyedText(TextFile.text("\(root)/proc/cpuinfo")))
        topology = Topology(allowed: allowed, sysfs: "\(root)/sys/devices/system")
        knowsGroups = groups.areKnown
        cpuQuota = groups.cpuQuota
        memoryKills = groups.memoryKills
        program = ProcessMemory(root: root)
        limits = TextFile.text("\(root)/proc/self/limits")
        sharedMemory = FileSystemSpace(of: "\(root)/dev/shm")
        memoryBounds = (MemoryBound.ofSystem(root, limits: limits) + groups.memoryBounds)
            .sorted { $0.availableBytes < $1.availableBytes }
    }

    /// One of so many CPUs, each a core, that bounds nothing: for runs that are planned and never run.
    public static func imagined(cpus: Int) -> Machine {
        Machine(topology: Topology(cpus: (0..<cpus).map { Topology.CPU(id: $0, core: $0, package: 0, node: 0) }))
    }

    private init(topology: Topology) {
        (host, cpuModel, cpuQuota, sharedMemory, memoryKills, program, limits) = (nil, nil, nil, nil, nil, nil, nil)
        (self.topology, knowsGroups, memoryBounds) = (topology, false, [])
    }

    private static func cpuModel(_ text: KeyedText) -> String? {
        if let name = text["model name"] { return name }
        guard let implementer = text["CPU implementer"], let part = text["CPU part"] else { return nil }
        return "implementer \(implementer), part \(part)"
    }

    /// CPUs' worth of time that threads can use at once: the CPUs, or less with a quota.
    public var cpuTime: Double { min(Double(topology.cpus.count), cpuQuota?.cpus ?? .infinity) }

    /// The soft limit in a line of /proc/self/limits, such as `Max open files`, and its unit; nil where there is none.
    public func limit(_ name: String) -> (soft: String, unit: String)? { Self.limit(name, in: limits) }

    static func limit(_ name: String, in text: String?) -> (soft: String, unit: String)? {
        let line = text?.split(separator: "\n").first { $0.hasPrefix(name) }
        guard let cells = line?.dropFirst(name.count).split(separator: " "), let soft = cells.first else { return nil }
        return (String(soft), cells.count > 2 ? String(cells[2]) : "")
    }
}

/// CPU time that a control group gives its processes, all together.
public struct CPUQuota: Sendable, Equatable, Codable, CustomStringConvertible {
    /// CPUs' worth of it: 1.5 is one CPU and half of another.
    public let cpus: Double
    /// Who has used up the quota stands still for the rest of a period.
    public let periodSeconds: Double

    /// Unless given, the period is the kernel's own, 0.1 s.
    public init(cpus: Double, periodSeconds: Double = 0.1) {
        self.cpus = cpus
        self.periodSeconds = periodSeconds
    }

    /// `1.5 CPUs`.
    public var description: String {
        let text = "\((cpus * 100).rounded() / 100)"
        return text == "1.0" ? "1 CPU" : "\(text.hasSuffix(".0") ? text.dropLast(2) : text[...]) CPUs"
    }

    /// Of microseconds; nil unless both are positive.
    init?(microseconds: Int?, ofPeriod period: Int?) {
        guard let microseconds, let period, microseconds > 0, period > 0 else { return nil }
        self.init(cpus: Double(microseconds) / Double(period), periodSeconds: Double(period) / 1e6)
    }
}

/// Something that bounds how much memory the program can have.
public struct MemoryBound: Sendable, Equatable {
    /// Who sets a bound, and the bound itself where it is somebody's limit.
    public enum Source: Sendable, Equatable {
        /// What the kernel expects to give without swapping.
        case machine
        /// A control group's limit, on all its processes together: a container's.
        case group(limitBytes: Int)
        /// Of each process: all that it maps (`ulimit -v`).
        case addressSpace(limitBytes: Int)
        /// Of each process: what it maps for itself alone (`ulimit -d`).
        case privateData(limitBytes: Int)
    }

    /// Where the bound comes from.
    public let source: Source
    /// What is left.
    public let availableBytes: Int

    /// With these values; nothing is asked of the system.
    public init(_ source: Source, availableBytes: Int) {
        self.source = source
        self.availableBytes = availableBytes
    }

    /// The machine's, and those of the process.
    static func ofSystem(_ root: String, limits: String?) -> [MemoryBound] {
        let machine = KeyedText(TextFile.text("\(root)/proc/meminfo")).bytes("MemAvailable")
            .map { MemoryBound(.machine, availableBytes: $0) }
        let status = KeyedText(TextFile.text("\(root)/proc/self/status"))
        func ofProcess(_ limit: String, used: String, _ source: (Int) -> Source) -> MemoryBound? {
            guard let limit = Machine.limit(limit, in: limits).flatMap({ Int($0.soft) }), limit >= 0 else { return nil }
            return MemoryBound(source(limit), availableBytes: max(0, limit - (status.bytes(used) ?? 0)))
        }
        return [
            machine, ofProcess("Max address space", used: "VmSize") { .addressSpace(limitBytes: $0) },
            ofProcess("Max data size", used: "VmData") { .privateData(limitBytes: $0) },
        ].compactMap(\.self)
    }
}

/// The lines of a file of /proc or of a control group: `name: value`, or `name value`.
struct KeyedText {
    private let lines: [Substring]

    init(_ text: String?) { lines = text?.split(separator: "\n") ?? [] }

    /// The value of the first line with this name.
    subscript(_ name: String) -> String? {
        for line in lines where line.hasPrefix(name) {
            let rest = line.dropFirst(name.count).drop { $0 == " " || $0 == "\t" }
            if rest.hasPrefix(":") { return String(rest.dropFirst().drop { $0 == " " || $0 == "\t" }) }
            if rest.startIndex > line.index(line.startIndex, offsetBy: name.count) { return String(rest) }
        }
        return nil
    }

    /// A number of bytes; nil when it is none, or more than any machine has.
    func bytes(_ name: String) -> Int? {
        guard let words = self[name]?.split(separator: " "), let number = words.first.flatMap({ Int($0) }),
            number >= 0, number < Self.bytesMax / 1024
        else { return nil }
        return words.count > 1 && words[1] == "kB" ? number * 1024 : number
    }

    static let bytesMax = 1 << 60
}
