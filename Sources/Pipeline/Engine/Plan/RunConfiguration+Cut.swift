// SPDX-License-Identifier: Apache-2.0

import Threads

extension RunConfiguration {
    /// Cuts the model into the schedule's stages.
    /// - Parameter loads: the work of each unit.
    func cut(_ graph: TaskGraph, loads: [Double]) throws(RunError) -> Partition {
        switch partition {
        case .layout(let layout): return try cut(as: layout)
        case .given(let partition): return try checked(partition, "the partition")
        case .kind(let kind):
            if kind == .uniform && schedule.stagesOfCopy > 1 {
                do throws(ModelError) { try model.checkLayers() } catch { throw .model(error) }
            }
            do throws(PartitionError) {
                switch kind {
                case .uniform: return try .uniform(model, stages: schedule.stagesOfCopy)
                case .balanced: return try .balanced(loads: loads, stages: schedule.stagesOfCopy, graph)
                }
            } catch {
                throw tooMany(error)
            }
        }
    }

    private func tooMany(_ error: PartitionError) -> RunError {
        guard let kind = schedule.kind else {
            return .configuration(setting: "--schedule", "\(error), which \(schedule.name) has")
        }
        if case .exactly(let count) = kind.stagesOfRank, count > 1 {
            return .configuration(
                setting: "--stages", "\(error), which \(kind.rawValue) has on \(counted(schedule.ranks, "rank"))")
        }
        // As many ranks with a stage each would fit: then it is the stages a rank that are too many.
        let ranks = schedule.ranks / schedule.replicas
        if schedule.stagesOfCopy > ranks && ranks <= error.stagesMax {
            let most = error.stagesMax / ranks
            return .configuration(
                setting: "--virtual-stages", "\(error) on \(counted(ranks, "rank")); at most \(most) a rank")
        }
        return .configuration(setting: "--stages", "\(error)")
    }

    /// The longest that a results CSV can tell and have read again, in bytes.
    private static let layoutBytesMost = 4096

    private func cut(as layout: PartitionLayout) throws(RunError) -> Partition {
        let partition: Partition
        do throws(LayoutError) { partition = try Partition(layout, of: model) } catch {
            throw .configuration(setting: "--partition", "\(error)")
        }
        return try checked(partition, "the layout")
    }

    /// A cut that somebody made, if it is one of this model and this schedule.
    private func checked(_ partition: Partition, _ what: String) throws(RunError) -> Partition {
        if let reason = partition.refusal(units: model.units.count) {
            throw .configuration(setting: "--partition", reason)
        }
        if partition.ranges.count != schedule.stagesOfCopy {
            let stages = schedule.virtualStages > 1 ? ", v=\(schedule.virtualStages)" : ""
            let sizes = schedule.kind == nil ? schedule.name : "\(schedule.name) with P=\(schedule.ranks)\(stages)"
            throw .configuration(
                setting: "--partition",
                "\(what) has \(counted(partition.ranges.count, "stage")), and \(schedule.stagesOfCopy) are needed for \(sizes)"
            )
        }
        if partition.layout(of: model).utf8.count > Self.layoutBytesMost {
            throw .configuration(
                setting: "--partition", "\(what) takes more than \(Self.layoutBytesMost) bytes to be told")
        }
        return partition
    }
}
