import FoundationEssentials

/// A trace as `ChromeTrace` writes it, read back.
public struct TraceFile: Sendable {
    /// A bar of a rank's track. Times are in microseconds.
    public struct Span: Sendable {
        public let rank: Int
        public let step: Int
        public let name: String
        /// A `RankTask.Kind`, or `wait`.
        public let category: String
        public var isWait: Bool { category == "wait" }
        public let start: Double
        public let duration: Double
        public var end: Double { start + duration }
    }

    /// In the order of the file.
    public let spans: [Span]

    public var ranks: Int { spans.map(\.rank).max()! + 1 }
    public var steps: [Int] { Set(spans.map(\.step)).sorted() }

    /// - Throws: `DataError` when the file cannot be read, is not such a trace, or has no spans.
    public init(path: String) throws(DataError) {
        let bytes = try WholeFile.read(path)
        guard let document = try? JSONDecoder().decode(Document.self, from: bytes) else {
            throw DataError(path: path, reason: "is not a trace: no JSON object with an array traceEvents")
        }
        var spans: [Span] = []
        for (index, event) in document.traceEvents.enumerated() where event.ph == "X" {
            guard let rank = event.tid, let step = event.args?.step, let name = event.name, let category = event.cat,
                let start = event.ts, let duration = event.dur, start.isFinite, duration >= 0, duration.isFinite,
                (0..<Self.ranksMax).contains(rank)
            else {
                throw DataError(
                    path: path,
                    reason:
                        "event \(index + 1) is not one of ppthreads': it needs tid below \(Self.ranksMax), ts, dur, "
                        + "name, cat and args.step")
            }
            spans.append(Span(rank: rank, step: step, name: name, category: category, start: start, duration: duration))
        }
        if spans.isEmpty { throw DataError(path: path, reason: "has no spans (events with ph X)") }
        self.spans = spans
    }

    private static let ranksMax = 4096

    private struct Document: Decodable {
        let traceEvents: [Event]
    }

    private struct Event: Decodable {
        let ph: String?
        let tid: Int?
        let ts: Double?
        let dur: Double?
        let name: String?
        let cat: String?
        let args: Arguments?
    }

    /// Counters have other arguments.
    private struct Arguments: Decodable {
        let step: Int?
    }
}
