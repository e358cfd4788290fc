// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// A trace as `ChromeTrace` writes it, read back.
public struct TraceFile: Sendable {
    /// A bar of a rank's track. Times are in microseconds.
    public struct Span: Sendable {
        /// Counts from 0.
        public let rank: Int
        /// Counts from 0, the warm-up's steps included.
        public let step: Int
        /// What the trace calls it: a task, such as `F0`, or what the rank waited without, such as `no input`.
        public let name: String
        /// A `RankTask.Kind`, or `wait`.
        public let category: String
        /// Whether the rank waited all the time, rather than worked.
        public var isWait: Bool { category == "wait" }
        /// From the trace's first release on; that of another program may be below 0.
        public let start: Double
        /// At least 0.
        public let duration: Double
        /// What it is of; nil where the trace says nothing of it.
        public let stage, microbatch: Int?
        /// For how much of `duration` the rank had a CPU; nil where the trace does not tell.
        public let cpu: Double?
        /// On the scale of `start`.
        public var end: Double { start + duration }
    }

    /// In the order of the file.
    public let spans: [Span]

    /// One more than the highest that has a span.
    public var ranks: Int { spans.map(\.rank).max()! + 1 }
    /// Those that have a span, in ascending order.
    public var steps: [Int] { Set(spans.map(\.step)).sorted() }

    /// What the JSON decoder takes for an object, for a value and for a key.
    private static let memory = ReadingMemory(
        perByte: 1,
        perMark: [UInt8(ascii: "{"): 170, UInt8(ascii: "["): 50, UInt8(ascii: ","): 50, UInt8(ascii: ":"): 50])

    /// - Throws: `DataError` when the file cannot be read, is not such a trace, or has no spans.
    public init(path: String) throws(DataError) {
        let bytes = try WholeFile.read(path, memory: Self.memory)
        let document: Document
        do { document = try JSONDecoder().decode(Document.self, from: bytes) } catch {
            throw DataError(path: path, reason: "is not a trace: \(Self.reason(error))")
        }
        var spans: [Span] = []
        for (index, event) in document.traceEvents.enumerated() where event.ph == "X" {
            guard let rank = event.tid.flatMap(Int.init(exactly:)),
                let step = event.args?.step.flatMap(Int.init(exactly:)), let name = event.name,
                let category = event.cat,
                let start = event.ts, let duration = event.dur, start.magnitude <= Self.microsecondsMost,
                (0...Self.microsecondsMost).contains(duration), (0..<Self.ranksMax).contains(rank), step >= 0
            else {
                throw DataError(
                    path: path,
                    reason:
                        "event \(index + 1) is not one of ppthreads': it needs tid below \(Self.ranksMax), ts and dur "
                        + "of at most 1e15, name, cat and args.step from 0")
            }
            func number(_ value: Double?) -> Int? { value.flatMap(Int.init(exactly:)) }
            let cpu = event.args?.cpu.flatMap { (0...duration).contains($0) ? $0 : nil }
            spans.append(
                Span(
                    rank: rank, step: step, name: name, category: category, start: start, duration: duration,
                    stage: number(event.args?.stage), microbatch: number(event.args?.microbatch), cpu: cpu))
        }
        if spans.isEmpty { throw DataError(path: path, reason: "has no spans (events with ph X)") }
        self.spans = spans
    }

    private static let ranksMax = 4096
    /// Thirty years, and so that sums of times are finite.
    private static let microsecondsMost = 1e15

    /// Where the file is not what is read: the first event that has a value of another type, if it is JSON at all.
    private static func reason(_ error: any Error) -> String {
        let path =
            switch error as? DecodingError {
            case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context),
                .dataCorrupted(let context):
                context.codingPath
            default: [any CodingKey]()
            }
        guard path.count > 1, let index = path[1].intValue else {
            return "no JSON object with an array traceEvents, or a number in it is too large"
        }
        let name = path.dropFirst(2).map(\.stringValue).joined(separator: ".")
        return name.isEmpty
            ? "event \(index + 1) is no JSON object"
            : "event \(index + 1) has a value for \(name) that is of another type"
    }

    private struct Document: Decodable {
        let traceEvents: [Event]
    }

    /// What is drawn of an event; what else it holds may be of any type. Its whole numbers are read as any, so that one that is
    /// too large is the event's fault.
    private struct Event: Decodable {
        let ph: String?
        let tid: Double?
        let ts: Double?
        let dur: Double?
        let name: String?
        let cat: String?
        let args: Arguments?
    }

    /// Counters have other arguments.
    private struct Arguments: Decodable {
        let step, stage, microbatch, cpu: Double?

        private enum CodingKeys: String, CodingKey {
            case step, stage, microbatch
            case cpu = "cpu_us"
        }
    }
}
