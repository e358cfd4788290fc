// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Threads

/// A run that is disturbed in every other phase, and what its steps were like in either.
struct DisturbedRun: Codable {
    /// Means of a breakdown's terms, in seconds.
    struct Terms: Codable {
        /// In the order of `Breakdown.Term.allCases`.
        private let seconds: [Double]

        init(_ seconds: [Double]) { self.seconds = seconds }

        init?(meanOf steps: [StepFigures]) {
            if steps.isEmpty { return nil }
            self.init(
                Breakdown.Term.allCases.map { term in
                    steps.reduce(0) { $0 + $1.breakdown[term] } / Double(steps.count)
                })
        }

        subscript(term: Breakdown.Term) -> Double { seconds[Breakdown.Term.allCases.firstIndex(of: term)!] }
        var step: Double { seconds.reduce(0, +) }
    }

    /// Nil where no step was.
    let quiet, disturbed: Terms?
    let notes: [String]

    private struct Failure: Error, Codable {
        let reason: String
    }

    /// In a process of its own, so that it can be stopped, or limited, as a whole.
    init(
        _ disturbance: RunDisturbance, _ schedule: Schedule, _ transport: TransportKind, isShort: Bool
    ) throws(BenchmarkError) {
        let nurse = try StopNurse()
        defer { nurse.end() }
        let surroundings = try Surroundings(disturbance)
        defer { surroundings.end() }
        var (stop, pin): (Stop?, PinPolicy) = (nil, .auto)
        if case .stop(let moment) = disturbance { stop = nurse.stop(at: moment, microbatches: schedule.microbatches) }
        if case .oneCPU(let cpu) = disturbance { pin = .list([cpu, cpu]) }
        let (chosenStop, chosenPin) = (stop, pin)
        do {
            let worker = try ForkedWorker(name: "run", cpu: nil) { (_: Pinning) throws(Failure) -> DisturbedRun in
                surroundings.enter()
                return try Self.train(schedule, transport, chosenStop, chosenPin, isShort: isShort)
            }
            self = try worker.join()
        } catch { throw .failed("\(error)") }
    }

    private static func train(
        _ schedule: Schedule, _ transport: TransportKind, _ stop: Stop?, _ pin: PinPolicy, isShort: Bool
    ) throws(Failure) -> DisturbedRun {
        var configuration = RunConfiguration(model: model(stop, isShort: isShort), schedule: schedule)
        configuration.transport = stop.map { transport.transport.stopped(by: $0) } ?? transport.transport
        configuration.pin = pin
        configuration.warmupSteps = 2
        configuration.measuredSteps = isShort ? 60 : 48
        do {
            let figures = RunFigures(try RunPlan(configuration).run())
            guard let timed = figures.timed else { throw Failure(reason: "a run without a timeline") }
            return DisturbedRun(figures, timed.steps, isWhole: pin != .auto)
        } catch { throw Failure(reason: "\(error)") }
    }

    /// - Parameter isWhole: whether it was disturbed the whole time.
    private init(_ figures: RunFigures, _ steps: [StepFigures], isWhole: Bool) {
        func phase(_ step: StepFigures) -> Bool? {
            let (start, length) = (step.times.released, UInt64(step.times.seconds * 1e9))
            return isWhole ? true : Phase.isDisturbed(from: start, to: start + length)
        }
        quiet = Terms(meanOf: steps.filter { phase($0) == false })
        disturbed = Terms(meanOf: steps.filter { phase($0) == true })
        notes = figures.remarks + [figures.result.plan.placement.note].compactMap(\.self)
    }

    /// The reference workload, or a small one.
    private static func model(_ stop: Stop?, isShort: Bool) -> Model {
        var spec = ModelSpec()
        if isShort { (spec.dim, spec.hidden, spec.vocabulary) = (64, 256, 1000) }
        let sound = spec.model()
        guard let stop else { return sound }
        let units = sound.units.map { unit in
            Unit(
                name: unit.name, layer: unit.layer, outputColumns: unit.outputColumns, letter: unit.letter
            ) { plan in
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
