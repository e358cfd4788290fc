// SPDX-License-Identifier: Apache-2.0

import Threads

/// A network, as far as hand-offs are concerned.
public struct LinkCost: Codable, Equatable, Sendable, CustomStringConvertible {
    /// From the moment that an item has left its rank to the moment that it can be received, in seconds.
    public let latency: Double
    /// Of what leaves a rank, one item after the other; infinite where that takes no time.
    public let bytesPerSecond: Double

    /// With these values; traps unless the latency is not negative and the rate is positive.
    public init(latency: Double, bytesPerSecond: Double = .infinity) {
        require(latency >= 0 && bytesPerSecond > 0, "a link of \(latency) s and \(bytesPerSecond) bytes a second")
        (self.latency, self.bytesPerSecond) = (latency, bytesPerSecond)
    }

    /// As in `2ms`, and with a rate in `2ms,100mbit`.
    public var description: String {
        let time = "\(Self.text(latency * 1000))ms"
        return bytesPerSecond.isFinite ? "\(time),\(Self.text(bytesPerSecond * 8 / 1e6))mbit" : time
    }

    /// To nine digits behind the point, without needless zeros.
    private static func text(_ value: Double) -> String {
        let rounded = (value * 1e9).rounded() / 1e9
        return rounded == rounded.rounded() && rounded < 1e15 ? "\(Int(rounded))" : "\(rounded)"
    }
}
