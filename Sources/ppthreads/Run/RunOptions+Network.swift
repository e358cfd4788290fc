// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// A network that is slower than the one there is, or that is to be reckoned with.
struct NetworkOptions {
    var intraNode = IntraNode.rings
    /// In seconds.
    var latency = 0.0
    var jitter = 0.0
    var expected: LinkCost?

    /// The transport that is asked for, with these.
    func applied(to kind: TransportKind, seed: Int) -> any Transport {
        let transport = intraNode.applied(to: kind).transport
        if latency == 0 && jitter == 0 { return transport }
        return InjectedLatency(seconds: latency, jitterSeconds: jitter, seed: UInt64(seed)).delaying(transport)
    }
}

extension RunOptions {
    static var networkFlags: [Flag<RunOptions>] {
        let standard = RunOptions()
        return [
            .intraNode(set: \.network.intraNode, standard: standard),
            .duration(
                "--inject-latency", set: \.network.latency, standard: "0",
                help: "make each hand-off take at least so long; between hosts, where ranks are on several"),
            .duration(
                "--inject-jitter", set: \.network.jitter, standard: "0",
                help: "and up to so much longer, by chance; --seed decides"),
            Flag(
                names: ["--expect-link"], placeholder: "LATENCY[,RATE]",
                help: "replay the steps with hand-offs of such a link, say 2ms,1gbit, and tell what they would take",
                standard: nil
            ) { options, text throws(FlagValueError) in options.network.expected = try LinkCost(text) },
        ]
    }

    /// What a replay of the steps says of the link that is reckoned with; nil where none is, or without a timeline.
    func expectation(_ figures: RunFigures) -> String? {
        guard let link = network.expected, let step = figures.expectedStep(over: link), let timed = figures.timed
        else { return nil }
        let difference = (step / timed.breakdown.step - 1) * 100
        let rate = link.bytesPerSecond.isFinite ? " and \((link.bytesPerSecond * 8 / 1e6).plain) Mbit/s" : ""
        return
            "a replay with hand-offs of \((link.latency * 1000).plain) ms\(rate) expects a step of \(step.milliseconds), "
            + "\(difference >= 0 ? "+" : "")\(difference.fixed(1)) % of the mean one that was measured"
    }
}

extension LinkCost {
    /// Of `2ms`, or of `2ms,1gbit`.
    fileprivate init(_ text: String) throws(FlagValueError) {
        let allowed = "a latency such as 2ms or 40us, and then, after a comma, a rate such as 1gbit, 100mbit or 10kbit"
        let parts = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard let latency = TimeText.seconds(parts[0]), parts.count <= 2 else { throw FlagValueError(allowed: allowed) }
        if parts.count == 1 {
            self.init(latency: latency)
            return
        }
        let units = [("gbit", 1e9), ("mbit", 1e6), ("kbit", 1e3)]
        guard let (unit, bits) = units.first(where: { parts[1].lowercased().hasSuffix($0.0) }),
            let number = Double(parts[1].dropLast(unit.count)), number > 0, number.isFinite
        else { throw FlagValueError(allowed: allowed) }
        self.init(latency: latency, bytesPerSecond: number * bits / 8)
    }
}
