// SPDX-License-Identifier: Apache-2.0

/// Costs that were measured, with how much each varied, and what they are of: what `ppthreads profile` writes and `simulate` reads.
public struct CostsFile: Codable, Equatable, Sendable {
    /// Seconds that were measured several times.
    public struct Measured: Codable, Equatable, Sendable {
        /// The median, in seconds.
        public var median: Double
        /// The distance between the quartiles over the median.
        public var spread: Double
        /// How many times it was measured.
        public var samples: Int

        /// With these values.
        public init(median: Double, spread: Double, samples: Int) {
            (self.median, self.spread, self.samples) = (median, spread, samples)
        }
    }

    /// What a unit's tasks take for one microbatch.
    public struct Unit: Codable, Equatable, Sendable {
        /// As the model calls it.
        public var name: String
        /// F, B, I, W, and packing its weights once a step.
        public var forward, backward, inputGradient, weightGradient, packing: Measured
    }

    /// What hand-offs between two ranks cost.
    public struct Link: Codable, Equatable, Sendable {
        /// As `--transport` calls it.
        public var transport: String
        /// Seconds of an item of the profile's size, in a pipeline: its receiver may have to be woken.
        public var handoff: Measured
        /// Bytes of that item.
        public var bytes: Int
        /// Of each further byte, in seconds: between two ranks that do nothing else.
        public var secondsPerByte: Double

        /// As replays have it.
        public var cost: LinkCost {
            LinkCost(
                latency: max(0, handoff.median - Double(bytes) * secondsPerByte),
                bytesPerSecond: secondsPerByte > 0 ? 1 / secondsPerByte : .infinity)
        }
    }

    /// Of the format: files of other versions are refused.
    public static let versionNow = 1
    /// The file's.
    public var version = versionNow
    /// Where they were measured.
    public var machine: MachineName
    /// What they are of.
    public var workload: CostsWorkload
    /// Of each of the model's units, in their order.
    public var units: [Unit]
    /// Of an update, for each parameter.
    public var updateOfParameter: Measured
    /// Of each transport that was measured.
    public var links: [Link]

    /// The medians, with the hand-offs of a transport; nil where the file has none of it.
    public func costs(transport: String) -> Costs? {
        guard let link = links.first(where: { $0.transport == transport }) else { return nil }
        return Costs(
            units: units.map {
                UnitCosts(
                    forward: $0.forward.median, backward: $0.backward.median, inputGradient: $0.inputGradient.median,
                    weightGradient: $0.weightGradient.median, packing: $0.packing.median)
            }, updateOfParameter: updateOfParameter.median, link: link.cost)
    }

    /// What is wrong with its numbers; nil where nothing is.
    var flaw: String? {
        if version != Self.versionNow { return "is of version \(version); \(Self.versionNow) is read" }
        let times =
            units.flatMap { unit in
                [
                    ("forward", unit.forward), ("backward", unit.backward), ("input_gradient", unit.inputGradient),
                    ("weight_gradient", unit.weightGradient), ("packing", unit.packing),
                ].map { ("\($0.0) of unit \(unit.name)", $0.1.median) }
            } + [("update_of_parameter", updateOfParameter.median)]
            + links.flatMap {
                [
                    ("handoff of \($0.transport)", $0.handoff.median),
                    ("seconds_per_byte of \($0.transport)", $0.secondsPerByte),
                ]
            }
        guard let wrong = times.first(where: { !(0...Self.secondsMost).contains($0.1) }) else { return nil }
        return "has \(wrong.1) for \(wrong.0); 0 to \(Self.secondsMost) s is allowed"
    }

    private static let secondsMost = 1e6
}

/// A machine, as far as its speed follows from it.
public struct MachineName: Codable, Equatable, Sendable, CustomStringConvertible {
    /// As the kernel calls its CPU; empty where it does not.
    public var cpu: String
    /// CPUs that the program may use.
    public var cpus: Int
    /// The widest vectors that they compute with.
    public var simd: String

    /// With these values.
    public init(cpu: String, cpus: Int, simd: String) { (self.cpu, self.cpus, self.simd) = (cpu, cpus, simd) }

    /// As in `AMD EPYC, 2 CPUs, avx2`.
    public var description: String { "\(cpu.isEmpty ? "an unnamed CPU" : cpu), \(counted(cpus, "CPU")), \(simd)" }
}

/// What a unit's tasks were measured with: of anything else they take another time.
public struct CostsWorkload: Codable, Equatable, Sendable {
    /// The flags of `run` that decide it, and their values, in the order in which they are told.
    public var settings: [Setting]
    /// On so many ranks at the same time, which share caches and memory.
    public var ranks: Int

    /// A flag and its value.
    public struct Setting: Codable, Equatable, Sendable {
        /// As `--dim`.
        public var flag: String
        /// As a person types it.
        public var value: String
    }

    /// With these values.
    public init(_ settings: [(flag: String, value: String)], ranks: Int) {
        self.settings = settings.map { Setting(flag: $0.flag, value: $0.value) }
        self.ranks = ranks
    }

    /// The first setting in which another workload differs, with its value there; nil where there is none.
    public func difference(from other: CostsWorkload) -> (flag: String, own: String, other: String)? {
        for setting in settings {
            let value = other.settings.first { $0.flag == setting.flag }?.value ?? "nothing"
            if value != setting.value { return (setting.flag, setting.value, value) }
        }
        return other.settings.first { own in !settings.contains { $0.flag == own.flag } }
            .map { ($0.flag, "nothing", $0.value) }
    }
}
