// SPDX-License-Identifier: Apache-2.0

/// For each stage, the least that its steps take, whichever of the allowed backwards an order has.
///
/// Where both are allowed: the gradient that is handed on takes at least i = min(I, B), all of a backward at least min(I + W, B),
/// and what is left of that after i can be done later, as W can. So these are an order's own times, or its times with some cut
/// out and some of B handed on early, which makes no order longer.
struct BoundLengths {
    let forward, gradient, end: [Double]
    /// Whether a stage's backwards may be whole, and whether they may come apart.
    let mayBeWhole, mayBeSplit: [Bool]

    init(_ costs: OrderCosts, _ backwards: ExactOrder.Backwards) {
        let forms = costs.stages.map { backwards.forms($0) }
        forward = costs.stages.map(\.forward)
        mayBeWhole = forms.map(\.whole)
        mayBeSplit = forms.map(\.split)
        let parts = zip(costs.stages, forms).map { stage, forms -> (gradient: Double, end: Double) in
            let (whole, input) = (stage.duration(.backward), stage.inputGradient)
            if !forms.split { return (whole, 0) }
            if !forms.whole { return (input, stage.weightGradient) }
            return (min(input, whole), max(0, min(input + stage.weightGradient, whole) - min(input, whole)))
        }
        gradient = parts.map(\.gradient)
        end = parts.map(\.end)
    }

    /// Of a step of a stage.
    subscript(step: Int, stage: Int) -> Double {
        switch step {
        case BoundGraph.Step.forward: forward[stage]
        case BoundGraph.Step.gradient: gradient[stage]
        default: end[stage]
        }
    }

    /// Of all that a stage does with a microbatch.
    func work(_ stage: Int) -> Double { forward[stage] + gradient[stage] + end[stage] }
}
