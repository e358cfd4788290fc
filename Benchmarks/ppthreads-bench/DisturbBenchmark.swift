import Glibc
import Pipeline
import Threads

/// Disturbances of many kinds, and in which terms of the breakdown they end up: all of them belong to oversubscription.
///
/// In each round, for each schedule on each transport, a quiet run and then one with each disturbance. What the terms that tell of
/// the schedule, the stages, the transport and the optimizer gain over the quiet run's is in percent of the quiet step, and should
/// be within 1.
struct DisturbBenchmark {
    private let effort: Effort
    private static let ranks = 2
    private static let microbatches = 4

    init(_ effort: Effort) { self.effort = effort }

    /// What a run showed.
    private struct Observed: Codable {
        /// In seconds, in the order of `Breakdown.Term.allCases`.
        let terms: [Double]
        let notes: [String]

        subscript(term: Breakdown.Term) -> Double { terms[Breakdown.Term.allCases.firstIndex(of: term)!] }
        var step: Double { terms.reduce(0, +) }
    }

    /// What must not gain anything.
    private static let judged: [Breakdown.Term] = [.transport, .bubble, .imbalance, .optimizer]
    private static let gainMost = 0.01

    /// A schedule on a transport, with what its runs showed.
    private struct Subject {
        let schedule: ScheduleKind
        let transport: TransportKind
        /// One a round.
        var quiet: [Observed] = []
        /// For each disturbance, one a round; none where it is not possible here.
        var disturbed: [[Observed]]
    }

    func run() throws(BenchmarkError) {
        let cpus: [Int]
        do { cpus = try Machine.current().topology.cpus.prefix(Self.ranks).map(\.id) } catch {
            throw .failed("\(error)")
        }
        if cpus.count < Self.ranks { throw .failed("\(Self.ranks) CPUs are needed") }
        let schedules: [ScheduleKind] = effort.isShort ? [.oneFOneB] : Array(ScheduleKind.allCases)
        let transports: [TransportKind] = effort.isShort ? [.threads, .processes] : [.threads, .processes, .sockets]
        var (disturbances, impossible) = (RunDisturbance.all(cpus), [String]())
        for (index, disturbance) in disturbances.enumerated().reversed() {
            do throws(BenchmarkError) { try Surroundings(disturbance).end() } catch {
                impossible.append("\(disturbance.name): \(error.message)")
                disturbances.remove(at: index)
            }
        }
        var subjects = schedules.flatMap { schedule in
            transports.map {
                Subject(schedule: schedule, transport: $0, disturbed: disturbances.map { _ in [] })
            }
        }
        for _ in 0..<effort.rounds {
            for index in subjects.indices { try measure(&subjects[index], disturbances) }
        }
        report(subjects, disturbances, impossible)
    }

    private func measure(_ subject: inout Subject, _ disturbances: [RunDisturbance]) throws(BenchmarkError) {
        subject.quiet.append(try measured(.none, subject.schedule, subject.transport))
        for (index, disturbance) in disturbances.enumerated() {
            subject.disturbed[index].append(try measured(disturbance, subject.schedule, subject.transport))
        }
    }

    // MARK: Report

    private func report(_ subjects: [Subject], _ disturbances: [RunDisturbance], _ impossible: [String]) {
        print(
            "what a disturbance adds to each term, in % of the quiet step: the median of \(effort.rounds) rounds; P=2, M=4\n"
                + "disturbance, schedule, transport: step; " + Self.judged.map(\.rawValue).joined(separator: ", ")
                + "; oversubscription; noted")
        var missed = 0
        for (index, disturbance) in disturbances.enumerated() {
            for subject in subjects {
                let cell = Cell(subject.quiet, subject.disturbed[index])
                if cell.isMissed { missed += 1 }
                print("\(disturbance.name), \(subject.schedule.title), \(subject.transport.rawValue): \(cell.text)")
            }
        }
        for line in impossible { print(line) }
        print(
            "\(disturbances.count * subjects.count) cells, \(missed) with a term that gained more than "
                + "\((Self.gainMost * 100).fixed(0)) % of the step")
    }

    /// What a disturbance did to one subject.
    private struct Cell {
        let text: String
        let isMissed: Bool

        init(_ quiet: [Observed], _ disturbed: [Observed]) {
            let rounds = zip(quiet, disturbed)
            func gain(_ term: Breakdown.Term) -> Double {
                Statistics(rounds.map { ($1[term] - $0[term]) / $0.step }).median
            }
            func percent(_ share: Double) -> String { (share * 100).fixed(2) }
            let gains = DisturbBenchmark.judged.map(gain)
            let step = Statistics(rounds.map { $1.step / $0.step }).median
            let noted = disturbed.count { $0.notes.contains { $0.contains("CPU") } }
            isMissed = gains.contains { abs($0) > DisturbBenchmark.gainMost }
            text =
                "x\(step.fixed(2)); " + gains.map(percent).joined(separator: ", ")
                + "; \(percent(gain(.oversubscription))); \(noted) of \(disturbed.count)\(isMissed ? "  MISSED" : "")"
        }
    }

    // MARK: Runs

    /// In a process of its own, so that it can be stopped, or limited, as a whole.
    private func measured(
        _ disturbance: RunDisturbance, _ schedule: ScheduleKind, _ transport: TransportKind
    ) throws(BenchmarkError) -> Observed {
        let nurse = try StopNurse()
        defer { nurse.end() }
        let surroundings = try Surroundings(disturbance)
        defer { surroundings.end() }
        var stop: Stop?
        if case .stop(let moment) = disturbance { stop = nurse.stop(at: moment, microbatches: Self.microbatches) }
        var pin = PinPolicy.auto
        if case .oneCPU(let cpu) = disturbance { pin = .list([cpu, cpu]) }
        let (isShort, chosen) = (effort.isShort, stop)
        do {
            let worker = try ForkedWorker(name: "run", cpu: nil) { (_: Pinning) throws(BenchmarkFailure) -> Observed in
                surroundings.enter()
                return try Self.train(schedule, transport, chosen, pin, isShort: isShort)
            }
            return try worker.join()
        } catch { throw .failed("\(error)") }
    }

    private struct BenchmarkFailure: Error, Codable {
        let reason: String
    }

    private static func train(
        _ schedule: ScheduleKind, _ transport: TransportKind, _ stop: Stop?, _ pin: PinPolicy, isShort: Bool
    ) throws(BenchmarkFailure) -> Observed {
        let order = schedule.make(ranks: ranks, microbatches: microbatches)
        var configuration = RunConfiguration(model: model(stop, isShort: isShort), schedule: order)
        configuration.transport = stop.map { transport.transport.stopped(by: $0) } ?? transport.transport
        configuration.pin = pin
        configuration.warmupSteps = 2
        configuration.measuredSteps = isShort ? 2 : 8
        do {
            let figures = RunFigures(try RunPlan(configuration).run())
            guard let terms = figures.timed?.breakdown else {
                throw BenchmarkFailure(reason: "a run without a timeline")
            }
            return Observed(
                terms: Breakdown.Term.allCases.map { terms[$0] },
                notes: figures.remarks + [figures.result.plan.placement.note].compactMap(\.self))
        } catch { throw BenchmarkFailure(reason: "\(error)") }
    }

    /// The reference workload, or a small one.
    private static func model(_ stop: Stop?, isShort: Bool) -> Model {
        var spec = ModelSpec()
        if isShort { (spec.dim, spec.hidden, spec.vocabulary) = (64, 256, 1000) }
        let sound = spec.model()
        guard let stop else { return sound }
        let units = sound.units.map { unit in
            Unit(name: unit.name, layer: unit.layer, outputColumns: unit.outputColumns) { plan in
                let inner = unit.make(&plan)
                return unit.name == "layers.3 attention" ? StoppedLayer(inner: inner, stop: stop) : inner
            }
        }
        return Model(
            name: sound.name, vocabulary: sound.vocabulary, sequenceLength: sound.sequenceLength, layers: sound.layers,
            units: units)
    }
}

extension Transport {
    fileprivate func stopped(by stop: Stop) -> any Transport { StoppedTransport(base: self, stop: stop) }
}
