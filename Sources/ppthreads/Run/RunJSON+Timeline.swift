// SPDX-License-Identifier: Apache-2.0

import Pipeline

// The parts of a run's JSON that come from its timeline. Times are in seconds unless a key says otherwise.
extension RunJSON {
    /// In the mean over the measured steps: the terms, the step that they add up to, and what it would be otherwise.
    struct Terms: Encodable {
        private let values: [(key: String, seconds: Double)]

        init(_ figures: TimedFigures) {
            let (terms, other) = (figures.breakdown, figures.whatIf)
            values =
                Breakdown.Term.allCases.map { ("\($0.rawValue)_s", terms[$0]) } + [
                    ("step_s", terms.step), ("step_if_transport_were_free_s", other.freeTransport),
                    ("step_if_stages_were_equal_s", other.equalStages), ("step_if_both_s", other.both),
                ]
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: TextKey.self)
            for (key, seconds) in values { try container.encode(seconds, forKey: TextKey(stringValue: key)) }
        }
    }

    /// The first nine add up to the step.
    struct RankTerms: Encodable {
        let busyS: Double
        let displacedS: Double
        let waitingForInputS: Double
        let receivingS: Double
        let waitingForRoomS: Double
        let handingOnS: Double
        let reducingS: Double
        let updatingS: Double
        let outsideS: Double
        let idleInsideS: Double
        let idleS: Double

        init(_ rank: RankBreakdown) {
            busyS = rank.busy
            displacedS = rank.displaced
            waitingForInputS = rank.waitingForInput
            receivingS = rank.receiving
            waitingForRoomS = rank.waitingForRoom
            handingOnS = rank.handingOn
            reducingS = rank.reducing
            updatingS = rank.updating
            outsideS = rank.outside
            idleInsideS = rank.idleInside
            idleS = rank.idle
        }
    }

    struct EdgeHandoffs: Encodable {
        let fromStage: Int
        let toStage: Int
        let bytes: Int
        let count: Int
        let usP50: Double
        let usP99: Double
        let usMax: Double
        let ready: Int
        let spun: Int
        let parked: Int

        init(_ handoffs: Handoffs) {
            fromStage = handoffs.from
            toStage = handoffs.to
            bytes = handoffs.bytes
            count = handoffs.seconds.sorted.count
            usP50 = handoffs.seconds.median * 1e6
            usP99 = handoffs.seconds.quantile(0.99) * 1e6
            usMax = handoffs.seconds.max * 1e6
            ready = handoffs.ready
            spun = handoffs.spun
            parked = handoffs.parked
        }
    }
}
