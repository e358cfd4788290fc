// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// A network that is slower than the one there is, or that is to be reckoned with.
struct NetworkOptions {
    var intraNode = IntraNode.rings
    var injected: LinkCost?
    /// In seconds.
    var jitter = 0.0
    var expected: LinkCost?

    /// The transport that is asked for, with these.
    /// - Parameter timeout: in seconds, of the longest wait.
    func applied(to kind: TransportKind, seed: Int, timeout: Double) throws(CommandError) -> any Transport {
        let transport = intraNode.applied(to: kind).transport
        if injected == nil && jitter == 0 { return transport }
        let cost = injected ?? LinkCost(latency: 0)
        if cost.latency + jitter >= timeout {
            throw CommandError(
                code: .usage,
                message:
                    "--inject-link: hand-offs that take up to \((cost.latency + jitter).plain) s, where --timeout lets no wait last longer than \(timeout.plain) s"
            )
        }
        return InjectedLink(cost, jitterSeconds: jitter, seed: UInt64(seed)).delaying(transport)
    }
}

extension RunOptions {
    static var networkFlags: [Flag<RunOptions>] {
        let standard = RunOptions()
        return [
            .intraNode(set: \.network.intraNode, standard: standard),
            .link(
                "--inject-link", set: \.network.injected,
                help:
                    "make hand-offs take at least what such a link takes, say 2ms,1gbit; between hosts, where there are several"
            ),
            .duration(
                "--inject-jitter", set: \.network.jitter, standard: "0",
                help: "and up to so much longer each, by chance; --seed decides"),
            .link(
                "--expect-link", set: \.network.expected,
                help: "replay the steps with hand-offs of such a link, and tell what they would take"),
        ]
    }

    /// What a replay of the steps says of the link that is reckoned with; nil where none is, or without a timeline.
    func expectation(_ figures: RunFigures) -> String? {
        guard let link = network.expected, let step = figures.expectedStep(over: link), let timed = figures.timed
        else { return nil }
        let difference = (step / timed.breakdown.step - 1) * 100
        return
            "a replay with hand-offs of \(link.words) expects a step of \(step.milliseconds), "
            + "\(difference >= 0 ? "+" : "")\(difference.fixed(1)) % of the mean one that was measured"
    }
}

extension LinkCost {
    /// `2 ms and 1000 Mbit/s`.
    var words: String {
        let rate = bytesPerSecond.isFinite ? " and \((bytesPerSecond * 8 / 1e6).plain) Mbit/s" : ""
        return "\((latency * 1000).plain) ms\(rate)"
    }
}

extension RunConfiguration {
    /// That hand-offs, where there are any, are not as they would be.
    var linkNote: String? {
        if schedule.ranks == 1 { return nil }
        return transport.injectedLink.map {
            "hand-offs were made to take at least what a link of \($0) takes (--inject-link, --inject-jitter); tables count one from when its "
                + "receiver has turned to it"
        }
    }
}
