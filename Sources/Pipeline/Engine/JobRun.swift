// SPDX-License-Identifier: Apache-2.0

import Glibc
import SharedTensor
import Threads

/// A run whose ranks are processes without common memory: makes sure that at its end each of them knows what every rank has told.
struct JobRun {
    private let plan: RunPlan
    private let job: any Job
    private let memory: RunMemory
    private let begin: [ClockReading]
    /// For each rank, how its moments were turned into the first one's; empty where all read one clock.
    private(set) var clocks: [ClockCorrection] = []

    /// How long a process that has given up waits for what others have to say.
    private static let lastWordsSeconds = 1.0

    init(_ plan: RunPlan, _ job: any Job, _ memory: RunMemory) throws(RunError) {
        (self.plan, self.job, self.memory) = (plan, job, memory)
        do throws(JobError) {
            try job.beginRun(ranks: plan.schedule.ranks)
            begin = try job.readClocks()
        } catch {
            throw .failed(error.description)
        }
    }

    // MARK: Ends

    /// What a process tells of its rank's end.
    private struct LastWords: Codable {
        let end: RanksEnd
        let position: RankPosition
    }

    /// Adds the ends of the other processes' ranks to those of this one's.
    func gatherEnds(_ end: inout RanksEnd) throws(RunError) {
        let hasFailed = !end.failures.isEmpty
        if hasFailed { job.giveUp() }
        end.signal = Signals.noted?.rawValue
        let own = LastWords(end: end, position: memory.control.position(ofRank: plan.ranksHere.first ?? 0))
        let seconds = (hasFailed ? 0 : plan.configuration.timeoutSeconds) + Self.lastWordsSeconds
        let answers: [LastWords?]
        let ranks = plan.schedule.ranks
        do throws(JobError) { answers = try job.tell(own, within: seconds, needing: ranks) } catch {
            throw .failed(error.description)
        }
        // What others asked when nobody listened any more: UCX tells of messages that are left at the program's end.
        _ = job.notices()
        // The first process does not answer: what this one has seen is all that there is to tell.
        if answers.allSatisfy({ $0 == nil }) {
            unsafe JobOfProgram.firstIsSilent = true
            return end.failures.append(silent(0))
        }
        // As if it had come to each: then all end in the same way, and the first one says why.
        if Signals.noted == nil, let signal = answers.compactMap({ $0?.end.signal }).first { raise(signal) }
        noteLookers(answers.indices.filter { $0 >= ranks && answers[$0] == nil })
        let words = answers.prefix(ranks)
        end = RanksEnd()
        for (rank, answer) in words.enumerated() {
            guard let answer else {
                end.failures.append(silent(rank))
                continue
            }
            end.reports += answer.end.reports
            end.failures += answer.end.failures.map { seen($0, rank) }
        }
        addPositions(Array(words), to: &end)
        if !end.failures.isEmpty { job.giveUp() }
    }

    /// Processes that were missing when the launcher ended the job.
    func gone(_ ranks: [Int]) -> RunError {
        job.giveUp()
        unsafe JobOfProgram.isWhole = false
        if ranks.contains(0) { unsafe JobOfProgram.firstIsSilent = true }
        let who = ranks.map { "rank \($0), on \(job.hosts[$0].name)," }.joined(separator: " and ")
        let position = memory.control.position(ofRank: plan.ranksHere.first ?? 0)
        let own = plan.ranksHere.first.map { position.description(plan.graph.tasks[$0]) } ?? ""
        return .failed(
            "\(who) \(ranks.count == 1 ? "was" : "were") gone when the launcher ended the job (SIGTERM); rank \(job.rank) was "
                + own)
    }

    /// Processes without a rank that did not answer: the run's figures do not depend on them.
    private func noteLookers(_ lost: [Int]) {
        if lost.isEmpty { return }
        unsafe JobOfProgram.isWhole = false
        let who = lost.map { "rank \($0), on \(job.hosts[$0].name)," }.joined(separator: " and ")
        unsafe JobOfProgram.lostLookers = "\(who) looked on and did not answer at the end of the run"
    }

    private func silent(_ rank: Int) -> SeenFailure {
        unsafe JobOfProgram.isWhole = false
        return SeenFailure(
            rank: rank, cause: .silent(host: job.hosts[rank].name), moment: .max, isCause: true,
            positions: memory.control.allPositions)
    }

    /// With its moment on the first process's clock.
    private func seen(_ failure: SeenFailure, _ rank: Int) -> SeenFailure {
        var failure = failure
        failure.moment = ClockCorrection(begin: begin[rank], end: begin[rank])(failure.moment)
        return failure
    }

    /// Tells each failure where the other ranks were. One that does not answer has not come to what others wait for.
    private func addPositions(_ words: [LastWords?], to end: inout RanksEnd) {
        func positions(for rank: Int) -> [RankPosition] {
            let step = words[rank]?.position.step ?? 0
            return words.map { $0?.position ?? RankPosition(step: step, activity: .preparing) }
        }
        for index in end.failures.indices { end.failures[index].positions = positions(for: end.failures[index].rank) }
    }

    // MARK: Results

    /// Brings all ranks' times, weights and gradients here, on the first process's clock.
    mutating func gatherResults(_ end: inout RanksEnd) throws(RunError) {
        let after: [ClockReading]
        do throws(JobError) { after = try job.readClocks() } catch { throw .failed(error.description) }
        let all = zip(begin, after).prefix(plan.schedule.ranks).map { ClockCorrection(begin: $0, end: $1) }
        if !all.allSatisfy(\.isNone) { clocks = all }
        for index in end.reports.indices { end.reports[index].correct(all[end.reports[index].rank]) }
        if let timeline = memory.timeline {
            let steps = end.reports.map(\.stepEnd.count).max() ?? 0
            try share({ timeline.bytes(ofRank: $0, steps: steps) }, take: { timeline.write($1, ofRank: $0, all[$0]) })
        }
        for image in [memory.weights, memory.gradients].compactMap(\.self) {
            try share(
                { image.bytes(of: parameters(ofRank: $0)) }, take: { image.write($1, of: parameters(ofRank: $0)) })
        }
    }

    private func parameters(ofRank rank: Int) -> [ParameterSpec] {
        plan.savedStages(ofRank: rank).flatMap(\.plan.parameters)
    }

    /// Tells all what the own rank has, and takes over what the others have.
    private func share(_ own: (Int) -> [UInt8], take: (Int, [UInt8]) -> Void) throws(RunError) {
        let bytes = plan.ranksHere.first.map(own) ?? []
        let answers: [[UInt8]]
        do throws(JobError) { answers = try job.tellAll(bytes, needing: plan.schedule.ranks) } catch {
            throw .failed(error.description)
        }
        // The own rank's too: its times are corrected as well.
        for rank in 0..<plan.schedule.ranks { take(rank, answers[rank]) }
    }
}
