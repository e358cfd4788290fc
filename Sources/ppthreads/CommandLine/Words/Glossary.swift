// SPDX-License-Identifier: Apache-2.0

/// A word that heads a column, stands in a legend or names a part of a run. Its raw value is how tables and pages write it.
package enum Term: String, CaseIterable, Sendable {
    // Of the machine, the model and the order.
    case rank
    case ranks = "P"
    case stage, chunk
    case chunks = "v"
    case copy
    case replicas = "R"
    case microbatch
    case microbatches = "M"
    case model, unit, layout, schedule, candidate
    case oneStage = "one stage"
    case edge, frame, stash
    case inFlight = "in flight"

    // What ranks do.
    case forward, backward
    case inputGradient = "input gradient"
    case weightGradient = "weight gradient"
    case packing, update
    case reducing

    // How fast it is.
    case tokensPerSecond = "tokens/s"
    case overThreads = "x threads"
    case overGPipe = "x GPipe"
    case speedup, efficiency
    case referenceEfficiency = "reference efficiency"
    case ideal, runs, trial, interval, disturbed

    // The step, and the terms that add up to it.
    case step, work, imbalance, bubble, oversubscription, transport, reduction, optimizer

    // What the step would be.
    case freeTransport = "free transport"
    case equalStages = "equal stages"
    case both

    // Why ranks idle, in parts of the step.
    case ofTheStep = "of the step"
    case ofEqualStages = "of equal stages"
    case byFormula = "by formula"

    // Where a rank's time goes.
    case busy, displaced
    case noInput = "no input"
    case receiving
    case noRoom = "no room"
    case handingOn = "handing on"
    case outside
    case idleInside = "idle inside"
    case idleInAll = "idle in all"

    // How items are handed on.
    case handOff = "hand-off"
    case asleep
    case there
    case spunFor = "spun for"
    case sleptFor = "slept for"

    // What a rank holds.
    case share, weights, activations

    // Of an order that is drawn.
    case idle, makespan, bound, results

    /// As tables and pages write it.
    package var name: String { rawValue }
}

// One line each, without the end of the sentence; docs/architecture.md and docs/measuring.md say more.
extension Term {
    /// What it means, in a line of its own.
    package var meaning: String {
        switch self {
        case .rank: "what runs stages, one thing after the other: a thread or a process"
        case .ranks: "the number of ranks"
        case .stage: "a run of the model's units, which one rank runs"
        case .chunk: "one of the stages of a rank that has several"
        case .chunks: "stages a rank; where there are several they are its chunks"
        case .copy:
            "a chain of all stages with weights of its own, which hold the same; each microbatch goes through one"
        case .replicas:
            "the number of times that the whole pipeline stands side by side, each with microbatches of its own"
        case .microbatch: "one of M equal pieces of a step's batch"
        case .microbatches: "the number of microbatches of a step"
        case .model: "the model's layers (L) and attention heads (H)"
        case .unit: "the smallest part of a model that a stage can hold: embedding, attention, feed-forward, head"
        case .layout: "a cut, a letter for each unit (E, a, f, H; t is a whole layer) and a bar between two stages"
        case .schedule: "an order of each rank's actions, and which rank runs each stage"
        case .candidate: "what is compared: a schedule on a transport"
        case .oneStage: "the same model on one rank: no pipeline, so no schedule makes a difference"
        case .edge: "two neighbouring stages, in one direction: activations go up, gradients down"
        case .frame: "the memory that a stage works in for one microbatch"
        case .stash: "a rank's frames: what it keeps of microbatches for their backwards"
        case .inFlight: "microbatches at a stage from their forward to what ends them there, B or W"
        case .forward: "F: one microbatch through a stage, which hands its activations on"
        case .backward: "B: the gradients of a microbatch's input and of the weights in one piece, I and W"
        case .inputGradient: "I: the part of a backward that the stage before waits for"
        case .weightGradient: "W: the rest of a backward, the gradients of the weights, which nobody waits for"
        case .packing: "putting weights in the form that the backwards' products read"
        case .reducing: "CPU time of a rank in tasks that sum gradients over copies of the stages"
        case .update: "the optimizer's, of all stages of a rank, at the end of a step"
        case .tokensPerSecond: "tokens of a step (batch x sequence length) over the time that it takes"
        case .overThreads: "tokens/s over those of the same schedule on threads"
        case .overGPipe: "tokens/s over GPipe's, all else the same; compare without GPipe: over the first schedule's"
        case .speedup: "tokens/s over GPipe's, all else the same"
        case .efficiency: "tokens/s over P times those of the same model on one stage"
        case .referenceEfficiency: "speedup over P, the reference study's scaling efficiency; GPipe has 100/P % of it"
        case .ideal: "what there would be with equal stages and free hand-offs, by the order's formula"
        case .runs: "how many runs of equal settings the medians of a row are over"
        case .trial: "a whole run; in each round every candidate has one, in an order drawn anew"
        case .interval: "where the true median is, with 95 % confidence"
        case .disturbed: "of a run: others had CPUs of its ranks for more than 2 % of its step"
        case .step: "from the release of all ranks into it to the end of the last one's update"
        case .work:
            "CPU time inside tasks, updates and reduction aside, in the mean over ranks; drawn, each rank's own time"
        case .imbalance: "the most CPU time that a rank needed, less the mean: stages that are not equally long"
        case .bubble: "for how long even the busiest rank waits; of an order that is drawn, all idle time"
        case .oversubscription: "what ranks lose by being without their CPU"
        case .transport: "who runs ranks and how stages hand on; of a step, what hand-offs add to it"
        case .reduction: "summing the gradients of a stage over its copies; of a step, what that adds to it"
        case .optimizer: "what updates weights; of a step, what updates add to it"
        case .freeTransport: "what the step would be if hand-offs cost nothing"
        case .equalStages: "what the step would be if each kind of task took its mean over all stages"
        case .both: "what the step would be with free hand-offs and equal stages"
        case .ofTheStep: "the part of the step for which ranks idle, in the mean over them"
        case .ofEqualStages: "what ranks would idle if stages were equal: a part of a step without updates"
        case .byFormula: "what ranks idle by the order's formula, with equal stages and free hand-offs"
        case .busy: "CPU time of a rank inside tasks, update and reduction aside"
        case .displaced: "of a rank: without its CPU, because another has it, while it worked or could have"
        case .noInput: "a rank waits for an input that was not handed on yet"
        case .receiving: "a rank waits for an input that was handed on already"
        case .noRoom: "a rank waits for room for its output"
        case .handingOn: "a rank's time between tasks"
        case .outside: "a rank's time before its first task, and from its update to the last rank's"
        case .idleInside: "time in which a rank waits, between its first action and its last"
        case .idleInAll: "time in which a rank waits, over the whole step"
        case .handOff: "from an item's being handed on, or its receiver's turning to it, until the receiver has it"
        case .asleep: "the share of receivers that slept, rather than found their item there or spun for it"
        case .there: "the share of receivers that found their item there"
        case .spunFor: "the share of receivers whose item came while they were spinning"
        case .sleptFor: "the share of receivers whose item came later, most likely while they slept"
        case .share: "a rank's part of the step's matrix products"
        case .weights: "bytes of a rank's parameters, without gradients and optimizer state"
        case .activations: "the most memory of a rank that waited for a backward, measured"
        case .idle: "time in which a rank does nothing, from the first action's start to the makespan"
        case .makespan: "from the first action's start to the last one's end: the step, but for the optimizer"
        case .bound: "a makespan that no order of the same actions on the same ranks can beat"
        case .results: "to the bit: as one stage's, bit for bit; to rounding: sums are in another order"
        }
    }
}

extension Term {
    /// The one that a column's heading names, with a unit or more words behind it: `bubble, %`, `in flight at most`,
    /// `I: input gradient`; nil for none.
    package init?(heading: String) {
        let name = String(heading.prefix { !",:(".contains($0) }).replacing(" at most", with: "").trimmedRight
        if let term = Term(rawValue: name) ?? Self.otherNames[name] {
            self = term
        } else if name.hasPrefix("x ") {
            self = .overGPipe
        } else {
            return nil
        }
    }

    /// What legends call some of them.
    private static let otherNames: [String: Term] = [
        "F": .forward, "B": .backward, "I": .inputGradient, "W": .weightGradient, "waits for input": .noInput,
        "waits for another rank": .noInput, "waits for room": .noRoom,
    ]
}
