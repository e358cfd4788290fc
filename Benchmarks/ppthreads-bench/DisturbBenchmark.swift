// SPDX-License-Identifier: Apache-2.0

import Glibc
import Pipeline
import Threads

/// Disturbances of many kinds, and in which terms of the breakdown they end up: all of them belong to oversubscription.
///
/// A run is disturbed and left alone in turns (`Phase`), and its steps are told apart by the clock: so a machine that gets slower
/// for a while changes nothing. What the terms that tell of the schedule, the stages, the transport and the optimizer gain in
/// the disturbed steps over the quiet ones is in percent of the quiet step, and should be within 1. What they gain where nothing
/// disturbs tells how far the machine alone takes them.
struct DisturbBenchmark {
    private let effort: Effort
    private static let ranks = 2
    private static let microbatches = 4

    init(_ effort: Effort) { self.effort = effort }

    /// What must not gain anything.
    private static let judged: [Breakdown.Term] = [.transport, .bubble, .imbalance, .optimizer]
    private static let gainMost = 0.01

    /// A schedule on a transport, with what its runs showed: for each disturbance, one a round.
    private struct Subject {
        let schedule: ScheduleKind
        let transport: TransportKind
        var runs: [[DisturbedRun]]
        var name: String { "\(schedule.title), \(transport.rawValue)" }
    }

    func run() throws(BenchmarkError) {
        let cpus: [Int]
        do { cpus = try Machine.current().topology.cpus.prefix(Self.ranks).map(\.id) } catch {
            throw .failed("\(error)")
        }
        if cpus.count < Self.ranks { throw .failed("\(Self.ranks) CPUs are needed") }
        let schedules: [ScheduleKind] = effort.isShort ? [.oneFOneB] : ScheduleKind.studied + [.zeroBubble]
        let transports: [TransportKind] = effort.isShort ? [.processes] : [.threads, .processes, .sockets]
        var (disturbances, impossible) = (RunDisturbance.all(cpus, isShort: effort.isShort), [String]())
        if let only = effort.only {
            let names = disturbances.map(\.name)
            disturbances.removeAll { $0.name != only }
            if disturbances.isEmpty {
                throw .usage("--only: there is no disturbance \(only); there are: \(names.joined(separator: "; "))")
            }
        }
        for (index, disturbance) in disturbances.enumerated().reversed() {
            do throws(BenchmarkError) { try Surroundings(disturbance).end() } catch {
                impossible.append("\(disturbance.name): \(error.message)")
                disturbances.remove(at: index)
            }
        }
        var subjects = schedules.flatMap { schedule in
            transports.map { Subject(schedule: schedule, transport: $0, runs: disturbances.map { _ in [] }) }
        }
        for round in 1...effort.rounds {
            for index in subjects.indices {
                let subject = subjects[index]
                Self.progress("round \(round) of \(effort.rounds): \(subject.name)")
                for (kind, disturbance) in disturbances.enumerated() {
                    subjects[index].runs[kind].append(
                        try DisturbedRun(
                            disturbance, subject.schedule.make(ranks: Self.ranks, microbatches: Self.microbatches),
                            subject.transport, isShort: effort.isShort))
                }
            }
        }
        report(subjects, disturbances, impossible)
    }

    /// Where a person looks, not where the table goes.
    private static func progress(_ text: String) {
        if isatty(STDERR_FILENO) == 0 { return }
        let line = Array("\(text)\n".utf8)
        _ = unsafe write(STDERR_FILENO, line, line.count)
    }

    // MARK: Report

    private func report(_ subjects: [Subject], _ disturbances: [RunDisturbance], _ impossible: [String]) {
        print(
            "what disturbed steps have more than the quiet ones of the same run, in % of the quiet step: the median of "
                + "\(counted(effort.rounds, "round")); P=2, M=4\ndisturbance, schedule, transport: step; "
                + Self.judged.map(\.rawValue).joined(separator: ", ") + "; oversubscription; noted")
        var (cells, missed) = (0, 0)
        for (kind, disturbance) in disturbances.enumerated() {
            for subject in subjects {
                // One that lasts for the whole run is held against the quiet steps of the others.
                let quiet = subject.runs.joined().compactMap(\.quiet)
                let pairs = subject.runs[kind].compactMap { run in
                    run.disturbed.flatMap { disturbed in
                        (run.quiet ?? Self.mean(quiet)).map { (quiet: $0, disturbed: disturbed) }
                    }
                }
                if pairs.isEmpty {
                    print("\(disturbance.name), \(subject.name): no step lies within a phase")
                    continue
                }
                cells += 1
                let (text, isMissed) = Self.cell(pairs)
                if isMissed { missed += 1 }
                let noted = subject.runs[kind].count { $0.notes.contains { $0.contains("CPU") } }
                print(
                    "\(disturbance.name), \(subject.name): \(text); \(noted) of \(pairs.count)\(isMissed ? "  MISSED" : "")"
                )
            }
        }
        for line in impossible { print(line) }
        print(
            "\(cells) cells, \(missed) with a term that gained more than \((Self.gainMost * 100).fixed(0)) % of the step"
        )
    }

    private static func mean(_ all: [DisturbedRun.Terms]) -> DisturbedRun.Terms? {
        if all.isEmpty { return nil }
        return DisturbedRun.Terms(
            Breakdown.Term.allCases.map { term in all.reduce(0) { $0 + $1[term] } / Double(all.count) })
    }

    private static func cell(_ pairs: [(quiet: DisturbedRun.Terms, disturbed: DisturbedRun.Terms)]) -> (String, Bool) {
        func gain(_ term: Breakdown.Term) -> Double {
            Statistics(pairs.map { ($0.disturbed[term] - $0.quiet[term]) / $0.quiet.step }).median
        }
        func percent(_ share: Double) -> String { (share * 100).fixed(2) }
        let gains = judged.map(gain)
        let step = Statistics(pairs.map { $0.disturbed.step / $0.quiet.step }).median
        return (
            "x\(step.fixed(2)); " + gains.map(percent).joined(separator: ", ")
                + "; \(percent(gain(.oversubscription)))",
            gains.contains { abs($0) > gainMost }
        )
    }
}
