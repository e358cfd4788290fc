// SPDX-License-Identifier: Apache-2.0

import Threads

/// How far a run is, for whoever watches it.
public struct RunProgress: Sendable {
    /// The step that is being run; counts from 0, warm-up included.
    public let step: Int
    /// The step that the call is for; nil when it is only a look.
    public let finished: FinishedStep?
    /// Ranks that somebody has stopped (SIGSTOP): the others wait for them, and no deadline comes nearer.
    public let stoppedRanks: [Int]

    /// What whoever watches a run wants of it.
    public enum Decision: Sendable {
        case goOn
        /// The step at hand is the last (or the next, when gradients are kept). That is some steps behind the one that was told where steps
        /// take less than a tenth of a second; `RunConfiguration.stopsAfter` ends every run after the same step.
        case stop
    }
}

/// What is known of a step once it has ended.
public struct FinishedStep: Sendable, Equatable {
    /// Counts from 0, warm-up included.
    public let step: Int
    /// The mean over microbatches of the mean loss over their tokens.
    public let loss: Float
    /// From the start of the run, set-up included, to the end of the step at the last stage's rank, the first copy's.
    public let secondsSinceStart: Double
}

/// Finds the steps that have ended since it was asked last, in ascending order.
package struct FinishedSteps {
    let losses: StepLosses
    /// When the run began, on the common clock.
    let began: UInt64
    private var next = 0

    package init(_ losses: StepLosses, began: UInt64) { (self.losses, self.began) = (losses, began) }

    /// Those that were overwritten meanwhile are left out.
    /// - Parameter step: the one that some rank is at.
    package mutating func take(at step: Int) -> [FinishedStep] {
        next = max(next, losses.oldest(at: step))
        var steps: [FinishedStep] = []
        while let (loss, moment) = losses[next] {
            steps.append(FinishedStep(step: next, loss: loss, secondsSinceStart: seconds(from: began, to: moment)))
            next += 1
        }
        return steps
    }
}

extension RunResult {
    /// Every step, with what a call of `progress` told of it.
    public var finishedSteps: [FinishedStep] {
        guard let rank = ranks.first(where: { !$0.lossBits.isEmpty }) else { return [] }
        return zip(losses, rank.stepEnd).enumerated().map { step, pair in
            FinishedStep(step: step, loss: pair.0, secondsSinceStart: Pipeline.seconds(from: began, to: pair.1))
        }
    }
}
