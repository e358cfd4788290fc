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

    /// Whether this program can take part in one at all: whether it was built with MPI.
    public static var isPossible: Bool { MPIJob.isPossible }

    /// Whether another process prints and writes what this one comes to as well.
    public static var isFollower: Bool { unsafe (current?.rank ?? 0) > 0 }

    /// What carries the job's messages; nil without a job.
    public static var library: String? { unsafe current?.library }

    /// Whether all processes know why this one ends, or end in the same way.
    nonisolated(unsafe) static var knowsEnd = false

    /// Tells the other processes why this one ends, unless they know: whoever goes on finds it out at the next thing that they do
    /// together.
    public static func tellEnd(_ sentence: String) {
        guard let job = unsafe current, !(unsafe knowsEnd), job.isSound else { return }
        unsafe knowsEnd = true
        let answers = try? job.exchange(RunPlan.words(ofFailure: sentence), within: RunPlan.agreementSeconds)
        // Others that are about to end are not asked a second time.
        if answers?.contains([]) ?? true { job.giveUp() }
    }

    /// What the first process has found out; the others are told.
    /// - Parameter value: of the first process; the others' is not looked at.
    /// - Throws: `JobError` when it does not answer. Without a job nothing is thrown.
    public static func ofFirst<Value: Codable & SendableMetatype>(_ value: Value) throws(JobError) -> Value {
        guard let told = try ofAll(value).first else { throw .silent(ranks: [0]) }
        return told.value
    }

    /// What each process has found out, and where; without a job, this one's alone.
    /// - Parameter value: this process's.
    /// - Throws: `JobError` when one does not answer.
    public static func ofAll<Value: Codable & SendableMetatype>(
        _ value: Value
    ) throws(JobError) -> [(host: JobHost?, value: Value)] {
        guard let job = unsafe current else { return [(nil, value)] }
        let answers = try job.exchange(JobWords.bytes([value]), within: RunPlan.agreementSeconds)
        var all: [(host: JobHost?, value: Value)] = []
        for (rank, answer) in answers.enumerated() {
            guard let values: [Value] = answer.flatMap(JobWords.value) else { throw .silent(ranks: [rank]) }
            all.append((job.hosts[rank], values[0]))
        }
        return all
    }
}
