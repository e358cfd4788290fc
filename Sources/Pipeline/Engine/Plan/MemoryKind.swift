// SPDX-License-Identifier: Apache-2.0

/// What memory is for. Every byte that a run holds is of one kind.
public enum MemoryKind: String, CaseIterable, Sendable {
    case weights, gradients, optimizer, packed, frames
    case keptGradients = "kept_gradients"
    case slots, scratch, batch, results, program, code
}

// The one definition of each kind: table, JSON and docs have it from here.
extension MemoryKind {
    /// What tables call it.
    public var label: String { rawValue.replacing("_", with: " ") }

    /// In full, without the end of the sentence.
    public var meaning: String {
        switch self {
        case .weights: "the parameters of the rank's stages, as the kernels read them, padding included"
        case .gradients: "their gradients, added up over a step's microbatches"
        case .optimizer: "what the optimizer keeps from step to step: twice the weights for `adam`, nothing for `sgd`"
        case .packed: "the weights once more, as the backwards' products read them"
        case .frames:
            "what forwards keep for backwards: as many stash frames as the schedule has in flight; with `--recompute` as many as are worked in"
        case .keptGradients:
            "what backwards keep for the gradients of the weights: gradient frames, from I to W or within one B"
        case .slots:
            "items on their way between stages. A ring that two ranks share counts half with each; over sockets the receiver has the slots, and the sender a buffer for one item; between stages of one rank they are that rank's. Those between copies that sum their gradients count too"
        case .scratch: "what a layer works in for the length of a call, and a buffer for each thread's matrix products"
        case .batch: "the step's tokens, targets and losses"
        case .results:
            "what the run leaves to its caller: the timeline, the times of the steps, and copies of weights and gradients for `--save` and `--save-grads`"
        case .program:
            "heap, stacks and data: what the process held when the run was planned, and what a rank adds to that"
        case .code:
            "pages of the program's file and its libraries', in equal parts with every process on the machine that maps them; the system takes them back where memory is short"
        }
    }
}

/// What somebody holds of each kind of memory, in bytes.
public struct MemoryAccount: Equatable, Sendable {
    private var bytes = MemoryKind.allCases.map { _ in 0 }

    /// Nothing.
    public init() {}

    /// Of one kind.
    public subscript(kind: MemoryKind) -> Int {
        get { bytes[Self.index[kind]!] }
        set { bytes[Self.index[kind]!] = newValue }
    }

    /// Of all kinds.
    public var total: Int { bytes.reduce(0, +) }

    private static let index = Dictionary(
        uniqueKeysWithValues: MemoryKind.allCases.enumerated().map { ($0.element, $0.offset) })
}
