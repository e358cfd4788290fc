// SPDX-License-Identifier: Apache-2.0

import CThreads

/// A set of CPU numbers, in ascending order.
public struct CPUSet: Equatable, Sendable, CustomStringConvertible {
    /// The largest number of CPUs that Linux's fixed-size masks hold.
    public static let capacity = 1024

    /// In ascending order, each once.
    public let cpus: [Int]

    /// Of numbers in any order; one that is there twice counts once.
    public init(_ cpus: some Sequence<Int>) { self.cpus = Set(cpus).sorted() }

    /// How many CPUs there are in it, which may be none.
    public var count: Int { cpus.count }
    /// Whether a CPU is one of them; it may be any number.
    public func contains(_ cpu: Int) -> Bool { cpus.contains(cpu) }

    /// The CPUs that the calling thread may run on (sched_getaffinity): what a container or taskset left of the machine.
    public static func allowed() throws(SystemError) -> CPUSet {
        var words = [UInt64](repeating: 0, count: capacity / 64)
        try check(unsafe ppt_allowed_cpus(&words, Int32(words.count)), "sched_getaffinity")
        return CPUSet((0..<capacity).filter { words[$0 / 64] >> UInt64($0 % 64) & 1 == 1 })
    }

    /// Parses the kernel's list form, such as `0-3,8`; nil when it is anything else.
    public init?(list: some StringProtocol) {
        var cpus: [Int] = []
        for part in list.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2,
                first >= 0, first <= last, last < Self.capacity
            else { return nil }
            cpus += first...last
        }
        self.init(cpus)
    }

    /// The kernel's list form: runs of three and more as `first-last`.
    public var description: String {
        var parts: [String] = []
        var index = 0
        while index < cpus.count {
            var end = index
            while end + 1 < cpus.count && cpus[end + 1] == cpus[end] + 1 { end += 1 }
            if end - index >= 2 {
                parts.append("\(cpus[index])-\(cpus[end])")
            } else {
                parts += cpus[index...end].map(String.init)
            }
            index = end + 1
        }
        return parts.joined(separator: ",")
    }
}
