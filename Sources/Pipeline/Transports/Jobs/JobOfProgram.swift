// SPDX-License-Identifier: Apache-2.0

/// The job that this program takes part in, whatever transport a run takes.
public enum JobOfProgram {
    /// How long a process waits for the others where all have the same to do.
    static let agreementSeconds = 120.0

    /// Nil until a run over MPI was planned, or `start` was called, in a process that a launcher has started with others.
    nonisolated(unsafe) static var current: (any Job)?

    /// Whether the first process, which speaks for all, did not answer: then another has to.
    nonisolated(unsafe) public internal(set) static var firstIsSilent = false

    /// Whether all processes have answered so far. Once one has not, nothing more can be done together.
    nonisolated(unsafe) public internal(set) static var isWhole = true

    /// Which processes looked on and did not answer any more, a sentence without its end: no run's figures depend on them, but the
    /// others can do nothing more together with them. Nil where there are none.
    nonisolated(unsafe) public internal(set) static var lostLookers: String?

    /// Finds the other processes now, so that runs of other transports too are done once, by the first of them. Where that fails,
    /// planning a run over MPI tells why.
    public static func start() { _ = MPIJob.started }

    /// Whether this program can take part in one at all: whether it was built with MPI.
    public static var isPossible: Bool { MPIJob.isPossible }

    /// Whether another process prints and writes what this one comes to as well.
    public static var isFollower: Bool { unsafe (current?.rank ?? 0) > 0 }

    /// Which process of the job this one is; nil without a job.
    public static var rank: Int? { unsafe current?.rank }

    /// The processes that are on this one's host, itself included, with their ranks in ascending order; none without a job.
    public static var neighbours: [(rank: Int, host: JobHost)] {
        guard let job = unsafe current else { return [] }
        let hosts = job.hosts
        return hosts.indices.filter { hosts[$0].first == hosts[job.rank].first }.map { ($0, hosts[$0]) }
    }

    /// What carries the job's messages; nil without a job.
    public static var library: String? { unsafe current?.library }

    /// Whether all processes know why this one ends, or end in the same way.
    nonisolated(unsafe) static var knowsEnd = false

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
        let answers = try job.exchange(JobWords.bytes([value]), within: JobOfProgram.agreementSeconds)
        var all: [(host: JobHost?, value: Value)] = []
        for (rank, answer) in answers.enumerated() {
            guard let values: [Value] = answer.flatMap(JobWords.value) else {
                guard let failure: Failure = answer.flatMap(JobWords.value) else { throw .silent(ranks: [rank]) }
                unsafe knowsEnd = true
                throw .failed("rank \(rank), on \(job.hosts[rank].name): \(failure.sentence)")
            }
            all.append((job.hosts[rank], values[0]))
        }
        return all
    }

    /// What a process tells that has failed where others have something to tell (`tellEnd`), as far as these need it.
    private struct Failure: Decodable {
        let sentence: String
    }
}
