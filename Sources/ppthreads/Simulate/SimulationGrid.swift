// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor
import Threads

/// Orders and sizes, a line each; those that there are no orders of are left out, with the reason.
struct SimulationGrid {
    struct Row: Encodable {
        let schedule: String
        let stages, virtualStages, microbatches: Int
        let tokensPerS: Double?
        let stepS, makespanS, boundS, gap, idleShare, efficiency: Double
        let inFlightMost: Int
        let memoryBytesMost: Int?
    }

    let rows: [Row]
    private let left: [String]
    private let origin: String

    init(_ options: SimulateOptions, _ file: CostsFile?, origin: String) throws(CommandError) {
        var (rows, left): ([Row], [String]) = ([], [])
        for name in options.schedules {
            for stages in options.stages.listed {
                for microbatches in options.microbatches.listed {
                    for virtualStages in options.virtualStages.listed {
                        do throws(CommandError) {
                            let own = try options.options(
                                name, stages: stages, microbatches: microbatches, virtualStages: virtualStages)
                            let row = Row(try options.simulate(own, file))
                            if !rows.contains(where: { $0.isSame(as: row) }) { rows.append(row) }
                        } catch {
                            left.append(error.message)
                        }
                    }
                }
            }
        }
        if rows.isEmpty { throw CommandError(code: .usage, message: left[0]) }
        (self.rows, self.left, self.origin) = (rows, left.unique, origin)
    }

    var text: String {
        let hasModel = rows[0].tokensPerS != nil
        let header =
            ["schedule", "P", "v", "M", "step, ms"] + (hasModel ? ["tokens/s"] : [])
            + ["idle", "above bound", "efficiency", "in flight"] + (hasModel ? ["memory"] : [])
        let lines = rows.map { row in
            [row.schedule, "\(row.stages)", "\(row.virtualStages)", "\(row.microbatches)", (row.stepS * 1000).fixed(2)]
                + [row.tokensPerS.map(\.grouped)].compactMap(\.self)
                + [row.idleShare.percent, row.gap.percent, row.efficiency.percent, "\(row.inFlightMost)"]
                + [row.memoryBytesMost.map { ByteCount($0).description }].compactMap(\.self)
        }
        return
            (["simulated, not run; costs \(origin)", ""] + TextTable([header] + lines, leading: 1).lines
            + left.map { "left out: \($0)" }).joined(separator: "\n")
    }

    var csv: String {
        let header =
            "schedule,stages,virtual_stages,microbatches,tokens_per_s,step_s,makespan_s,bound_s,gap,idle_share,efficiency,in_flight_most,memory_bytes_most"
        let lines = rows.map { row in
            [
                row.schedule, "\(row.stages)", "\(row.virtualStages)", "\(row.microbatches)",
                row.tokensPerS.map { "\($0)" } ?? "", "\(row.stepS)", "\(row.makespanS)", "\(row.boundS)", "\(row.gap)",
                "\(row.idleShare)", "\(row.efficiency)", "\(row.inFlightMost)",
                row.memoryBytesMost.map(String.init) ?? "",
            ].joined(separator: ",")
        }
        return ([header] + lines).joined(separator: "\n") + "\n"
    }
}

extension SimulationGrid.Row {
    fileprivate init(_ run: SimulatedRun) {
        schedule = run.schedule.identifier
        (stages, virtualStages) = (run.schedule.ranks, run.schedule.virtualStages)
        microbatches = run.schedule.microbatches
        stepS = run.breakdown.step
        tokensPerS = run.tokensOfStep.map { Double($0) / run.breakdown.step }
        (makespanS, boundS, gap) = (run.makespan, run.bound.value, run.gap)
        idleShare =
            run.idleOfRank.reduce(0, +) / (Double(run.schedule.ranks) * max(run.makespan, .leastNonzeroMagnitude))
        efficiency = run.efficiency
        inFlightMost = run.facts.inFlightOfRank.max() ?? 0
        memoryBytesMost = run.memoryBytesOfRank?.max()
    }

    /// Orders that have no use for some size come to the same.
    fileprivate func isSame(as other: Self) -> Bool {
        (schedule, stages, virtualStages, microbatches)
            == (other.schedule, other.stages, other.virtualStages, other.microbatches)
    }
}

extension [Int]? {
    /// Its values; of none, one that is none.
    fileprivate var listed: [Int?] {
        guard let list = self else { return [nil] }
        return list.map { $0 }
    }
}
