// SPDX-License-Identifier: Apache-2.0

import Pipeline

// The parts of a run's JSON that tell of its memory, in bytes.
extension RunJSON {
    /// Planned, by what it is for.
    struct MemoryKinds: Encodable {
        let account: MemoryAccount

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: TextKey.self)
            for kind in MemoryKind.allCases {
                try container.encode(account[kind], forKey: TextKey(stringValue: kind.rawValue))
            }
        }
    }

    /// Of the process that has forked the ranks.
    struct SupervisorMemory: Encodable {
        let plannedBytes: Int
        let measuredBytes: Int?
        let codeBytes: Int?

        /// nil where that process is the ranks' own.
        init?(_ figures: MemoryFigures) {
            guard let planned = figures.plan.supervisor else { return nil }
            plannedBytes = planned.total
            (measuredBytes, codeBytes) = (figures.measuredBytesOfSupervisor, figures.codeBytesOfSupervisor)
        }
    }
}
