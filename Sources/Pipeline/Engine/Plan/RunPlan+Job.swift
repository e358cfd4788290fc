// SPDX-License-Identifier: Apache-2.0

import Threads

// What it takes to plan a run, and to go on with it, in several processes that have to come to the same.
extension RunPlan {
    /// The processes that run the ranks, of which there are enough.
    static func job(_ configuration: RunConfiguration) throws(RunError) -> (any Job)? {
        let job: (any Job)?
        do throws(JobError) { job = try configuration.transport.job() } catch {
            throw .configuration(setting: "--transport", "\(configuration.transport.name): \(error)")
        }
        guard let job else {
            if configuration.transport.forksRanks, JobOfProgram.library != nil {
                throw .configuration(
                    setting: "--transport",
                    "\(configuration.transport.name): forks its ranks, which a program that MPI runs in cannot: give it in a command of "
                        + "its own, without mpirun")
            }
            return nil
        }
        let ranks = configuration.schedule.ranks
        if ranks > job.size {
            let replicas = configuration.schedule.replicas
            let product = replicas > 1 ? " (\(ranks / replicas) for each of \(replicas) replicas)" : ""
            throw .configuration(
                setting: "--transport",
                "\(configuration.transport.name): \(counted(ranks, "rank"))\(product) take as many processes, and "
                    + (job.size == 1
                        ? "this is one: start the command with mpirun -n \(ranks)"
                        : "there are \(job.size): mpirun -n \(ranks) starts enough"))
        }
        return job
    }

    /// The ranks that this process runs.
    var ranksHere: [Int] {
        guard let job else { return Array(0..<schedule.ranks) }
        return job.rank < schedule.ranks ? [job.rank] : []
    }

    /// Puts the ranks on CPUs. Those of a job that may use the same CPUs of the same host share them out; where a launcher has
    /// given each its own, each keeps to these.
    static func placement(
        _ configuration: RunConfiguration, _ machine: Machine, _ job: (any Job)?
    ) throws(RunError) -> Placement {
        func alone(_ ranks: Int) throws(RunError) -> Placement {
            do throws(PlacementError) {
                return try Placement(
                    ranks: ranks, threads: configuration.threadsPerRank, policy: configuration.pin,
                    topology: machine.topology, quota: machine.cpuQuota)
            } catch {
                throw .configuration(setting: "--pin", error.description)
            }
        }
        let ranks = configuration.schedule.ranks
        guard let job else { return try alone(ranks) }
        let groups = Self.groups(job.hosts.prefix(ranks))
        let own = groups.firstIndex { $0.contains(job.rank) }
        let told = try agreed(job) { () throws(RunError) -> [Placement] in
            if let own { [try alone(groups[own].count)] } else { [] }
        }
        return Placement(joining: groups.map { ($0, told[$0[0]][0]) }, own: own ?? 0)
    }

    /// The ranks of each set of CPUs on each host.
    private static func groups(_ hosts: ArraySlice<JobHost>) -> [[Int]] {
        var groups: [[Int]] = []
        for (rank, host) in hosts.enumerated() {
            let index = groups.firstIndex { hosts[$0[0]].first == host.first && hosts[$0[0]].cpus == host.cpus }
            if let index { groups[index].append(rank) } else { groups.append([rank]) }
        }
        return groups
    }

    // MARK: Agreeing

    /// Does something that may fail in one process and not in another: then it has failed in all.
    /// - Parameter needed: how many of the first processes have to answer; all unless given.
    func agreed<Value>(needing needed: Int? = nil, _ body: () throws(RunError) -> Value) throws(RunError) -> Value {
        try Self.agreed(job, needing: needed, body)
    }

    /// The same; with no job it just does it.
    static func agreed<Value>(
        _ job: (any Job)?, needing needed: Int? = nil, _ body: () throws(RunError) -> Value
    ) throws(RunError) -> Value {
        guard let job else { return try body() }
        var value: Value?
        _ = try agreed(job, needing: needed) { () throws(RunError) -> Bool in
            value = try body()
            return true
        }
        return value!
    }

    /// The same for a value that all are told: each needed process's.
    static func agreed<Value: Codable & SendableMetatype>(
        _ job: any Job, within seconds: Double = JobOfProgram.agreementSeconds, needing needed: Int? = nil,
        _ body: () throws(RunError) -> Value
    ) throws(RunError) -> [Value] {
        let own = Result { () throws(RunError) in try body() }
        let needed = needed ?? job.size
        let answers: [[UInt8]?]
        do throws(JobError) {
            answers = try job.exchange(JobWords.bytes(Told(own)), within: seconds, needing: needed)
        } catch {
            throw .failed(error.description)
        }
        let told: [Told<Value>?] = answers.map { $0.flatMap(JobWords.value) }
        unsafe JobOfProgram.knowsEnd = told.prefix(needed).contains { $0 == nil } || told.contains { $0?.kind != nil }
        // Who has an error of its own tells that one.
        if case .failure(let error) = own { throw error }
        for (rank, answer) in told.enumerated() {
            guard let answer else { continue }
            if let error = answer.error(rank, on: job.hosts[rank].name) { throw error }
        }
        let silent = told.indices.filter { $0 < needed && told[$0] == nil }
        if !silent.isEmpty {
            unsafe JobOfProgram.isWhole = false
            throw .failed(JobError.silent(ranks: silent).description)
        }
        return told.prefix(needed).map { $0!.value }
    }

    /// What a process tells that has failed, whatever the others have to agree on.
    static func words(ofFailure sentence: String) -> [UInt8] {
        JobWords.bytes(Told<Bool>(.failure(.failed(sentence))))
    }

    /// A value, or why there is none, as processes tell each other.
    private struct Told<Value: Codable>: Codable {
        enum Kind: Codable {
            case configuration(setting: String)
            case data(DataError)
            case failed
        }

        /// One, or none.
        let values: [Value]
        let kind: Kind?
        let sentence: String

        var value: Value { values[0] }

        init(_ result: Result<Value, RunError>) {
            switch result {
            case .success(let value): (values, kind, sentence) = ([value], nil, "")
            case .failure(.configuration(let setting, let reason)):
                (values, kind, sentence) = ([], .configuration(setting: setting), reason)
            case .failure(.data(let error)): (values, kind, sentence) = ([], .data(error), error.reason)
            case .failure(let error): (values, kind, sentence) = ([], .failed, error.description)
            }
        }

        func error(_ rank: Int, on host: String) -> RunError? {
            switch kind {
            case nil: nil
            case .configuration(let setting): .configuration(setting: setting, "rank \(rank), on \(host): \(sentence)")
            case .data(let error): .data(DataError(path: error.path, reason: "\(sentence) (rank \(rank), on \(host))"))
            case .failed: .failed("rank \(rank), on \(host): \(sentence)")
            }
        }
    }
}
