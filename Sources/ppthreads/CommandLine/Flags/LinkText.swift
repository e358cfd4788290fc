// SPDX-License-Identifier: Apache-2.0

import Pipeline

extension LinkCost {
    /// Of `2ms`, or of `2ms,1gbit`.
    init(_ text: String) throws(FlagValueError) {
        let allowed =
            "a latency of an hour at most such as 2ms or 40us, and then, after a comma, a rate of 1kbit to 1000000gbit such as 100mbit or 1gbit"
        let parts = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard let latency = TimeText.seconds(parts[0]), parts.count <= 2 else { throw FlagValueError(allowed: allowed) }
        if parts.count == 1 {
            self.init(latency: latency)
            return
        }
        let units = [("gbit", 1e9), ("mbit", 1e6), ("kbit", 1e3)]
        guard let (unit, bits) = units.first(where: { parts[1].lowercased().hasSuffix($0.0) }),
            let number = Double(parts[1].dropLast(unit.count)), (1e3...1e15).contains(number * bits)
        else { throw FlagValueError(allowed: allowed) }
        self.init(latency: latency, bytesPerSecond: number * bits / 8)
    }
}

extension Flag {
    /// A link, or nil where the flag is not given.
    static func link(_ name: String, set path: WritableKeyPath<Options, LinkCost?>, help: String) -> Flag {
        Flag(names: [name], placeholder: "LATENCY[,RATE]", help: help, standard: nil) {
            options, text throws(FlagValueError) in
            options[keyPath: path] = try LinkCost(text)
        }
    }
}
