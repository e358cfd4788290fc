// SPDX-License-Identifier: Apache-2.0

extension Breakdown {
    /// The terms, in the order in which they add up.
    public enum Term: String, CaseIterable, Sendable {
        case work, imbalance, bubble, oversubscription, transport, reduction, optimizer

        /// Those that a step can have: of one copy of the stages there is nothing to reduce.
        public static func all(withCopies: Bool) -> [Term] { allCases.filter { withCopies || $0 != .reduction } }
    }
}

// The definition of each term: tables, the results' columns and the docs have it from here. The command's glossary (`Term`) says it in a
// line, for whoever meets the word.
extension Breakdown.Term {
    /// In a few words, for a line of a table.
    public var brief: String {
        switch self {
        case .work: "mean over ranks of the CPU time inside tasks"
        case .imbalance: "work of the busiest rank beyond the mean"
        case .bubble: "waits that the order makes, hand-offs aside"
        case .oversubscription: "time that ranks were without their CPU"
        case .transport: "what hand-offs add"
        case .reduction: "what summing gradients over copies adds"
        case .optimizer: "what updates add"
        }
    }

    /// In full, without the end of the sentence. No term is negative, but for rounding: a replay starts each task no later than
    /// it really started.
    public var meaning: String {
        switch self {
        case .work: "mean over ranks of the CPU time inside tasks, updates and sums over copies aside"
        case .imbalance: "the most CPU time that a rank needed, less that mean: stages that are not equally long"
        case .bubble:
            "what the order costs if hand-offs cost nothing and each rank has its CPU: the length of a replay of the CPU times without updates and sums over copies, less the most that a rank needed"
        case .oversubscription:
            "what ranks lose by being without their CPU, in tasks, between them and while their input was there: the length of a replay with all lost time, less that of the replay of the CPU times; 0 when nobody else takes a rank's CPU"
        case .transport:
            "what hand-offs between stages add to all that: the measured step, less the length of the replay with all lost time, and with what hand-offs between copies took"
        case .reduction:
            "what summing gradients over copies of the stages adds: of the length of the replay of the CPU times what these sums make of it, and what their hand-offs add to that of the replay with all lost time; 0 where there is one copy"
        case .optimizer: "what updates add: the length of the replay of the CPU times with them, less that without them"
        }
    }
}
