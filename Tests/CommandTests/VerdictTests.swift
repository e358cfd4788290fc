// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing
import ppthreads

/// What a comparison says of rounds that are made up. Expected figures are those of `Benchmarks/statistics/intervals.py`.
struct VerdictTests {
    private static let slow: [Double] = [100, 104, 97, 130, 99, 101, 108, 102]
    private static let fast: [Double] = [91, 93, 90, 119, 88, 93, 96, 95]
    private static let awkward: [Double] = [131, 97, 102, 190, 88, 100, 107, 101]
    private static let other: [Double] = [112, 105, 93, 120, 100, 97, 88, 106]

    private func schedule(_ candidates: [MadeUpComparison.Steps]) throws -> String {
        CompareVerdict(try MadeUpComparison().figures(candidates)).schedule
    }

    @Test("a difference that is seen is told with its ratio within rounds, its interval and its largest term")
    func seen() throws {
        let verdict = try schedule([
            .init(schedule: .gpipe, milliseconds: Self.slow), .init(schedule: .oneFOneB, milliseconds: Self.fast),
        ])
        #expect(
            verdict
                == "Schedule: against GPipe, on threads: 1F1B x1.096 [1.077, 1.125], work differs most (-10.0 ms).")
    }

    @Test("the term that differs most is one of six, and told only where it stands out among as many") func noReason()
        throws
    {
        // Work takes less in seven rounds of eight, the update in all: alone the work would do, but not among six.
        let verdict = try schedule([
            .init(schedule: .gpipe, milliseconds: Self.slow, update: 9),
            .init(schedule: .oneFOneB, milliseconds: [86, 91, 85, 123, 88, 91, 99, 98.5], update: 5),
        ])
        #expect(verdict.hasPrefix("Schedule: against GPipe, on threads: 1F1B x1.1"))
        #expect(verdict.hasSuffix("], and no one term shows why."))
    }

    @Test("a difference within the noise is none, whatever the ratio") func notSeen() throws {
        let verdict = try schedule([
            .init(schedule: .gpipe, milliseconds: Self.awkward), .init(schedule: .oneFOneB, milliseconds: Self.other),
        ])
        #expect(
            verdict
                == "Schedule: against GPipe, on threads: no difference seen for 1F1B (x1.063 [0.919, 1.255]).")
    }

    @Test("of fewer than five trials nothing is claimed, neither a difference nor none") func tooFew() throws {
        let verdict = try schedule([
            .init(schedule: .gpipe, milliseconds: Array(Self.slow.prefix(3))),
            .init(schedule: .oneFOneB, milliseconds: Array(Self.fast.prefix(3))),
        ])
        #expect(
            verdict
                == "Schedule: against GPipe, on threads: 3 trials are too few to tell for 1F1B (x1.099); at least 5 are needed."
        )
        let one = try schedule([
            .init(schedule: .gpipe, milliseconds: [100]), .init(schedule: .oneFOneB, milliseconds: [80]),
            .init(schedule: .zeroBubble, milliseconds: [160]),
        ])
        #expect(
            one
                == "Schedule: against GPipe, on threads: 1 trial is too few to tell for 1F1B (x1.250), ZB-H1 (x0.625); at least 5 are needed."
        )
    }

    @Test("of several at once each has a wider interval, and seven ratios hold together") func several() throws {
        let figures = try MadeUpComparison().figures(
            [TransportKind.threads, .processes].flatMap { transport -> [MadeUpComparison.Steps] in
                [
                    .init(schedule: .gpipe, transport: transport, milliseconds: Self.slow),
                    .init(schedule: .oneFOneB, transport: transport, milliseconds: Self.fast),
                    .init(schedule: .interleaved, transport: transport, milliseconds: Self.slow, update: 15),
                ]
            })
        #expect(figures.pairCount == 7)
        let verdict = CompareVerdict(figures)
        #expect(
            verdict.schedule
                == "Schedule: against GPipe, on threads: 1F1B x1.096 [1.071, 1.129], work differs most (-10.0 ms); "
                + "no difference seen for Interleaved-1F1B (x1.000 [1.000, 1.000]).")
        #expect(
            verdict.transport
                == "Transport: hand-offs add 0.00 % of the step on threads, 0.00 % of the step on processes; "
                + "processes against threads: no difference seen for GPipe (x1.000 [1.000, 1.000]), "
                + "1F1B (x1.000 [1.000, 1.000]), Interleaved-1F1B (x1.000 [1.000, 1.000]).")
    }

    @Test("candidates of which most trials stayed disturbed are told, and no others") func disturbed() throws {
        func machine(_ gpipe: [Double], _ oneFOneB: [Double]) throws -> (sentence: String?, all: Int) {
            let verdict = CompareVerdict(
                try MadeUpComparison().figures([
                    .init(schedule: .gpipe, milliseconds: [100, 104, 97, 130], taken: gpipe),
                    .init(schedule: .oneFOneB, milliseconds: [91, 93, 90, 119], taken: oneFOneB),
                ]))
            return (verdict.machine, verdict.sentences.count)
        }
        // More than 2 % is too much; of four trials two leave a median between one that was quiet and one that was not.
        let quiet = try machine([0.5, 0.5, 0.02, 0.02], [0, 0.02, 0.3, 0.02])
        #expect(quiet.sentence == nil && quiet.all == 2)
        let one = try machine([0.5, 0.5, 0.021, 0.02], [0, 0.3, 0.3, 0.02])
        #expect(
            one.sentence
                == "Machine: in most trials others took CPUs from GPipe on threads (3 of 4 trials); differences may be theirs."
        )
        #expect(one.all == 3)
        #expect(
            try machine([0.5, 0.5, 0.5, 0], [0.3, 0.3, 0.3, 0.3]).sentence
                == "Machine: in most trials others took CPUs from GPipe on threads (3 of 4 trials), 1F1B on threads (4 of 4 "
                + "trials); differences may be theirs.")
    }

    @Test("pairs that a table compares are counted once, whichever of both is over the other")
    func pairs() throws {
        func count(_ schedules: [ScheduleKind], _ transports: [TransportKind]) throws -> Int {
            let candidates = schedules.flatMap { schedule in
                transports.map {
                    MadeUpComparison.Steps(schedule: schedule, transport: $0, milliseconds: Array(Self.slow.prefix(1)))
                }
            }
            return try MadeUpComparison().figures(candidates).pairCount
        }
        #expect(try count([.gpipe], [.threads]) == 0)
        #expect(try count([.oneFOneB, .interleaved], [.threads]) == 1)
        #expect(try count([.oneFOneB, .interleaved], [.threads, .processes]) == 3)
        #expect(try count([.oneFOneB, .interleaved], [.processes, .threads]) == 3)
        #expect(try count([.gpipe, .oneFOneB, .interleaved], [.threads, .processes]) == 7)
        // Against the first schedule, and against GPipe.
        #expect(try count([.zeroBubble, .gpipe, .oneFOneB], [.threads]) == 3)
        #expect(try count([.gpipe, .oneFOneB], [.processes, .sockets]) == 4)
    }

    @Test("a candidate's step is its median, its terms add up to it, and tokens/s have the interval upside down")
    func figures() throws {
        let figures = try MadeUpComparison().figures([
            .init(schedule: .gpipe, milliseconds: Self.awkward), .init(schedule: .oneFOneB, milliseconds: Self.other),
        ])
        let gpipe = figures.candidates[0]
        #expect(abs(gpipe.stepSeconds.value - 0.1015) < 1e-12 && gpipe.stepSeconds.interval == 0.088...0.131)
        #expect(abs(gpipe[.work].value - 0.0965) < 1e-12 && abs(gpipe[.optimizer].value - 0.005) < 1e-12)
        let tokens = Double(figures.comparison.tokensOfStep)
        #expect(gpipe.tokensPerSecond.interval == tokens / 0.131...tokens / 0.088)
        #expect(abs(gpipe.efficiency.value - 0.150 / 0.1015 / 2) < 1e-2)
        #expect(gpipe.overGPipe?.isToItself == true && figures.candidates[1].overThreads?.isToItself == true)
        let ratio = try #require(figures.candidates[1].overGPipe?.estimate)
        #expect(abs(ratio.value - 1.063341453) < 1e-8 && abs(ratio.interval!.upperBound - 1.254581967) < 1e-8)
    }

    @Test("hand-offs are told by the median round: how long they took, and how many receivers slept") func handoffs()
        throws
    {
        let figures = try MadeUpComparison().figures([
            .init(
                schedule: .gpipe, milliseconds: [100, 104, 97],
                handoffs: [
                    .init(seconds: [2e-6, 3e-6, 9e-6, 4e-6], parked: 3), .init(seconds: [5e-6, 7e-6], parked: 1),
                    .init(seconds: [1e-6, 8e-6, 6e-6, 3e-6, 2e-6], parked: 1),
                ]),
            .init(schedule: .oneFOneB, milliseconds: Array(Self.fast.prefix(3))),
        ])
        // Medians of the rounds 3.5, 6 and 3 us; three of four, one of two and one of five slept.
        let gpipe = figures.candidates[0]
        #expect(abs(try #require(gpipe.handoffSeconds).value - 3.5e-6) < 1e-12 && gpipe.parkedShare.value == 0.5)
        #expect(figures.candidates[1].handoffSeconds == nil && figures.candidates[1].parkedShare.value == 0)
        let lines = CompareRows(figures).csv.split(separator: "\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        let column = try #require(lines[0].firstIndex(of: "handoff_us"))
        #expect(abs(try #require(Double(lines[1][column])) - 3.5) < 1e-9 && lines[2][column] == "")
    }
}
