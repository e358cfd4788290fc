// SPDX-License-Identifier: Apache-2.0

/// The job that this program takes part in, whatever transport a run takes.
public enum JobOfProgram {
    /// Nil until a run over MPI was planned, or `start` was called, in a process that a launcher has started with others.
    nonisolated(unsafe) static var current: (any Job)?

    /// Whether the first process, which speaks for all, did not answer: then another has to.
    nonisolated(unsafe) public internal(set) static var firstIsSilent = false

    /// Finds the other processes now, so that runs of other transports too are done once, by the first of them. Where that fails,
    /// planning a run over MPI tells why.
    public static func start() { _ = MPIJob.started }
}
