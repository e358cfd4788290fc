// SPDX-License-Identifier: Apache-2.0

import Foundation
import Pipeline
import Threads

/// The run of `Data/made_up_run.py`, which never was: its tasks' times from `made_up_run.txt`, and what the script works out
/// from them.
enum MadeUpRun {
    private static let data = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Data")

    static func text(_ name: String) throws -> String {
        try String(contentsOf: data.appending(path: name), encoding: .utf8)
    }

    /// A part of what has to be told: `settings`, `figures`, `row` or `typical`.
    static func expected(_ part: String) throws -> [String: Any] {
        let all = try JSONSerialization.jsonObject(with: Data(text("made_up_run.json").utf8)) as? [String: Any]
        return all?[part] as? [String: Any] ?? [:]
    }

    /// A number of JSON, or whether it is true; nil of anything else.
    static func number(_ value: Any?) -> Double? {
        (value as? Double) ?? (value as? Int).map(Double.init) ?? (value as? Bool).map { $0 ? 1 : 0 }
    }

    static func plan(
        on machine: MadeUpMachine? = nil, transport: any Transport = ThreadTransport()
    ) throws -> RunPlan {
        var spec = ModelSpec()
        spec.architecture = .gpt
        (spec.layers, spec.heads, spec.dim, spec.hidden) = (3, 6, 192, 500)
        (spec.vocabulary, spec.sequenceLength) = (1003, 40)
        var configuration = RunConfiguration(model: spec.model(), schedule: .oneFOneB(ranks: 2, microbatches: 3))
        configuration.batchSize = 12
        configuration.dropout = 0.125
        configuration.optimizer = .sgd(rate: 0.0625)
        configuration.seed = 77
        configuration.simd = .portable
        (configuration.warmupSteps, configuration.measuredSteps) = (1, 3)
        configuration.transport = transport
        return try RunPlan(configuration, on: (try machine ?? MadeUpMachine()).machine)
    }

    /// What was measured, by the third of three tries.
    static func figures(transport: any Transport = ThreadTransport()) throws -> RunFigures {
        let plan = try plan(transport: transport)
        let timeline = try Timeline(plan.graph, steps: 4, ThreadTransport())
        var reports = [
            RankReport(rank: 0, pinnings: [.pinned(cpu: 2)], cpu: 2),
            RankReport(
                rank: 1, pinnings: [.refused(cpu: 3, SystemError(call: "sched_setaffinity", code: EPERM))], cpu: 0),
        ]
        for line in try text("made_up_run.txt").split(separator: "\n") {
            let words = line.split(separator: " ")
            let numbers = words.map { UInt64($0) ?? 0 }
            switch words[0] {
            case "start": reports[Int(numbers[2])].stepStart.append(numbers[3])
            case "end": reports[Int(numbers[2])].stepEnd.append(numbers[3])
            default:
                timeline.record(
                    times(numbers, words), Int(numbers[1]), step: Int(numbers[0]), task: Int(numbers[2]))
            }
        }
        reports[0].taken = TakenTime(throttledSeconds: nil, stolenSeconds: 0.0023)
        reports[1].lossBits = [Float(3.5), 3.25, 3.125, 2.75].map(\.bitPattern)
        for (rank, values) in [(777_777, 2, 1001), (12_345, 1, 2002)].enumerated() {
            (reports[rank].activationBytesPeak, reports[rank].inFlightPeak) = (values.0, values.1)
            reports[rank].handoffBytesCopied = values.2
        }
        var figures = RunFigures(
            RunResult(plan: plan, ranks: reports, timeline: timeline, began: 1_000_000_007, ended: 1_100_123_456))
        figures.tries = 3
        return figures
    }

    private static func times(_ numbers: [UInt64], _ words: [Substring]) -> TaskTimes {
        let waits = ["ready": Waited.ready, "spun": .spun, "parked": .parked]
        var times = TaskTimes()
        (times.begin, times.received, times.ready) = (numbers[3], numbers[4], numbers[5])
        (times.end, times.sent) = (numbers[6], numbers[7])
        (times.lostBefore, times.lostWaiting) = (numbers[8], numbers[9])
        (times.lostWorking, times.lostFinishing) = (numbers[10], numbers[11])
        (times.inputWait, times.roomWait) = (waits[String(words[12])]!, waits[String(words[13])]!)
        return times
    }
}

/// A machine of which everything is known, and which has enough of everything: a folder that stands for its root, gone with
/// the value.
final class MadeUpMachine {
    private let folder: Folder
    private let allowed: CPUSet

    /// - Parameter changes: files that are others than those of the machine that lacks nothing; nil for none.
    init(allowed: CPUSet = CPUSet(0..<4), _ changes: [String: String?] = [:]) throws {
        self.allowed = allowed
        folder = try Folder()
        var files: [String: String?] = [
            "proc/self/cgroup": "0::/", "proc/meminfo": "MemAvailable: 1000000000 kB", "dev/shm/file": "",
            "proc/self/mountinfo": "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate",
            "sys/fs/cgroup/memory.max": "max",
        ]
        for cpu in allowed.cpus {
            files["sys/devices/system/cpu/cpu\(cpu)/topology/core_id"] = "\(cpu)"
            files["sys/devices/system/cpu/cpu\(cpu)/topology/physical_package_id"] = "0"
        }
        for case (let path, let text?) in files.merging(changes, uniquingKeysWith: { $1 }) {
            let file = folder.url.appending(path: path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data((text + "\n").utf8).write(to: file)
        }
    }

    var machine: Machine { Machine(allowed: allowed, root: folder.url.path) }
}
