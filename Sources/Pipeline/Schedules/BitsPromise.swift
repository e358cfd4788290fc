// SPDX-License-Identifier: Apache-2.0

/// How the results of a schedule compare with those of the same model, data, seed and M on one stage.
public enum BitsPromise: Equatable, Sendable {
    /// Losses, gradients and weights are equal to the bit.
    case asOneStage
    /// They are equal as far as rounding allows (`Agreement`): some sums are added up in another order, which the reason names.
    case toRounding(reason: String)

    /// What reports call it.
    public var label: String {
        switch self {
        case .asOneStage: "as one stage"
        case .toRounding: "to rounding"
        }
    }

    /// Of a sound schedule.
    ///
    /// One stage adds up weight gradients in ascending order of microbatches, and a sum of more than one term has other bits
    /// in another order. Nothing else depends on the order: a loss is summed by microbatch when all are there, dropout's masks
    /// and positions follow from the microbatch, and a stage's forwards share no sum. Copies of a stage each add up their own
    /// microbatches' first, which is another order too.
    init(_ schedule: Schedule, _ stages: StageActions) {
        if schedule.copies > 1 && !schedule.isForwardOnly {
            self = .toRounding(
                reason: "weight gradients are added up in each of the \(schedule.copies) copies of the stages first, "
                    + "and then over the copies")
            return
        }
        for (stage, rank) in schedule.rankOfStage.enumerated() {
            var before = -1
            for index in stages.indices(stage) {
                let action = schedule.actions[rank][Int(index)]
                if !action.kind.endsMicrobatch { continue }
                if before > action.microbatch {
                    self = .toRounding(
                        reason: "stage \(stage) adds up the weight gradients of microbatch \(before) before those of "
                            + "\(action.microbatch)")
                    return
                }
                before = action.microbatch
            }
        }
        self = .asOneStage
    }
}
