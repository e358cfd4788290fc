// SPDX-License-Identifier: Apache-2.0

import SharedTensor

/// How the copies of a stage sum their gradients: cut into as many shares as there are copies, whole cache lines each, of which
/// every copy adds up one and tells the others the sum (a reduce-scatter and an all-gather, both direct).
///
/// Each element is added up once, by one copy, in the order of the copies: ((g0 + g1) + g2) + ... So its bits depend neither on
/// who does it nor on how it travels, and all copies have the same.
///
///     item:  a share of the gradients, padded to the largest | losses
///
/// Copies of the last stage tell each other the losses of their microbatches along with the shares: so one rank knows all.
struct GradientShares: Equatable, Sendable {
    /// Floats of a stage's gradients; 0 where nothing goes backwards.
    let floats: Int
    /// M over all copies for a last stage, else 0.
    let losses: Int
    /// How many hold the stage's weights.
    let copies: Int

    private static let floatsOfLine = SegmentLayout.lineBytes / 4

    /// Floats of the largest share.
    private var shareFloats: Int {
        let lines = (floats + Self.floatsOfLine - 1) / Self.floatsOfLine
        return (lines + copies - 1) / copies * Self.floatsOfLine
    }

    /// What goes over an edge between two copies.
    var item: Shape { Shape(max(shareFloats + losses, Self.floatsOfLine)) }

    /// Items of a step on each edge: a part of a sum, and then, where there are gradients, a sum.
    var slots: Int { floats > 0 ? 2 : 1 }

    /// The gradients that a copy adds up; none for the last ones where copies are more than lines.
    func range(ofCopy copy: Int) -> Range<Int> {
        min(copy * shareFloats, floats)..<min((copy + 1) * shareFloats, floats)
    }

    /// Where losses lie in an item.
    var lossRange: Range<Int> { shareFloats..<shareFloats + losses }
}

extension RunPlan {
    /// Those of a stage.
    func shares(of stage: Stage) -> GradientShares { Self.shares(of: stage, schedule) }

    private static func shares(of stage: Stage, _ schedule: Schedule) -> GradientShares {
        GradientShares(
            floats: schedule.isForwardOnly ? 0 : stage.plan.gradients.bytes / 4,
            losses: stage.isLast ? schedule.microbatches : 0, copies: schedule.copies)
    }

    /// Between all stages that hold the same weights, in both directions: neighbours never do, so that no edge is one of `edges` too.
    static func edgesBetweenCopies(_ stages: [Stage], _ schedule: Schedule) -> [Edge] {
        if schedule.copies == 1 { return [] }
        return stages.filter { !schedule.isForwardOnly || $0.isLast }.flatMap { stage in
            let shares = shares(of: stage, schedule)
            return schedule.otherCopies(ofStage: stage.index).map { other in
                Edge(
                    from: stage.index, to: other, shape: shares.item, slots: shares.slots,
                    senderRank: schedule.rankOfStage[stage.index], receiverRank: schedule.rankOfStage[other])
            }
        }
    }
}
