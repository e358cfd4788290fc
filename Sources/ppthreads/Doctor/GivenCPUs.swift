// SPDX-License-Identifier: Apache-2.0

import Threads

/// The CPUs that a launcher has left to each of its processes on one host.
package struct GivenCPUs {
    private let processes: [(rank: Int, cpus: CPUSet)]

    /// - Parameter processes: of one host, at least one, by their ranks.
    package init(_ processes: [(rank: Int, cpus: CPUSet)]) {
        require(!processes.isEmpty, "a host without a process")
        self.processes = processes
    }

    /// Those that any of them may use.
    package var all: CPUSet { CPUSet(processes.flatMap(\.cpus.cpus)) }
    /// One that the first process may use; nil where nobody knows.
    var first: Int? { processes[0].cpus.cpus.first }
    /// How many processes there are.
    var count: Int { processes.count }
    /// Whether all may use the same.
    var areShared: Bool { sets.count == 1 }

    /// Each set of CPUs that a process was given, once, in the order of ranks.
    private var sets: [CPUSet] { processes.map(\.cpus).unique }

    /// Who has what: `rank 0 has CPU 0, rank 1 has CPU 1`.
    package var text: String {
        sets.map { set in
            let ranks = processes.filter { $0.cpus == set }.map(\.rank)
            return "\(Self.name(ranks)) \(ranks.count == 1 ? "has" : "share") \(Self.name(set))"
        }.joined(separator: ", ")
    }

    /// Processes that have fewer CPUs than they are, a sentence each: those of one set that was given, or of all.
    package var warnings: [String] {
        var told: [CPUSet] = []
        for set in sets.sorted(by: { $0.count < $1.count }) + [all] {
            // A larger set that holds one which is told of already would say the same again.
            if !told.contains(where: { Self.holds(set, $0) }) && ranks(within: set).count > set.count {
                told.append(set)
            }
        }
        return told.map { set in
            "\(Self.name(ranks(within: set))) have no more than \(Self.name(set)): they take turns, and waits sleep instead of "
                + "spinning; start fewer processes here, or let the launcher give other CPUs (--bind-to none)"
        }
    }

    /// Who may use these alone.
    private func ranks(within set: CPUSet) -> [Int] {
        processes.filter { Self.holds(set, $0.cpus) }.map(\.rank)
    }

    private static func holds(_ set: CPUSet, _ other: CPUSet) -> Bool { other.cpus.allSatisfy(set.contains) }
    private static func name(_ ranks: [Int]) -> String {
        "rank\(ranks.count == 1 ? "" : "s") \(ranks.map(String.init).joined(separator: ", "))"
    }
    private static func name(_ set: CPUSet) -> String { "CPU\(set.count == 1 ? "" : "s") \(set)" }
}
