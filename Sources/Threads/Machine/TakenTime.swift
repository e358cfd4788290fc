// SPDX-License-Identifier: Apache-2.0

import Glibc

/// CPU time that others took from a program from outside, as the system counts it, over an interval.
public struct TakenTime: Codable, Equatable, Sendable {
    /// For how long quotas stopped threads of the control group, all CPUs together; nil where no quota is set.
    public var throttledSeconds: Double?
    /// For how long the hypervisor had the CPUs that were asked about, all together; nil where the system does not say.
    public var stolenSeconds: Double?

    /// With these values.
    public init(throttledSeconds: Double?, stolenSeconds: Double?) {
        self.throttledSeconds = throttledSeconds
        self.stolenSeconds = stolenSeconds
    }
}

/// Reads what was taken since it was made, or since it was last restarted.
public struct TakenTimeMeter {
    private let groups: ControlGroups
    private let cpus: [Int]
    private let root: String
    private var before = TakenTime(throttledSeconds: nil, stolenSeconds: nil)

    /// - Parameters:
    ///   - cpus: whose stolen time counts.
    ///   - root: where /proc and /sys are.
    public init(cpus: [Int], root: String = "") {
        groups = ControlGroups(root: root)
        (self.cpus, self.root) = (cpus, root)
        restart()
    }

    /// Begins the interval anew.
    public mutating func restart() { before = sinceBoot }

    /// Of the interval until now. A counter that went backwards counts as one that stood still.
    public var taken: TakenTime {
        let now = sinceBoot
        func difference(_ value: (TakenTime) -> Double?) -> Double? {
            guard let start = value(before), let end = value(now) else { return nil }
            return max(0, end - start)
        }
        return TakenTime(
            throttledSeconds: difference(\.throttledSeconds), stolenSeconds: difference(\.stolenSeconds))
    }

    private var sinceBoot: TakenTime {
        TakenTime(throttledSeconds: groups.throttledSeconds, stolenSeconds: stolenSeconds)
    }

    /// Lines such as `cpu3 user nice system idle iowait irq softirq steal ...`, in ticks.
    private var stolenSeconds: Double? {
        guard let text = TextFile.text("\(root)/proc/stat") else { return nil }
        let names = Set(cpus.map { "cpu\($0)" })
        let ticks = text.split(separator: "\n").compactMap { line -> Double? in
            let words = line.split(separator: " ")
            guard words.count > 8, names.contains(String(words[0])) else { return nil }
            return Double(words[8])
        }
        return ticks.isEmpty ? nil : ticks.reduce(0, +) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}
