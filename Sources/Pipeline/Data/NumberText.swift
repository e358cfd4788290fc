// SPDX-License-Identifier: Apache-2.0

extension Int {
    /// With a space between groups of three digits.
    package var grouped: String {
        let digits = Array(String(magnitude))
        let groups = stride(from: digits.count, to: 0, by: -3).map { end in
            String(digits[Swift.max(0, end - 3)..<end])
        }
        return (self < 0 ? "-" : "") + groups.reversed().joined(separator: " ")
    }
}

extension Float {
    /// All its digits; without a sign where that says nothing.
    package var text: String { isNaN ? "nan" : "\(self)" }
}

extension Double {
    /// The nearest whole number, with a space between groups of three digits; its own text where that has more digits than a
    /// `Double` tells, or is no number.
    package var grouped: String { magnitude < 1e15 ? Int(rounded()).grouped : "\(self)" }

    /// Seconds as milliseconds.
    package var milliseconds: String { "\((self * 1000).fixed(2)) ms" }

    /// Seconds in ms, or in us when they are few.
    package var duration: String { magnitude < 0.0001 ? "\((self * 1e6).fixed(1)) us" : "\((self * 1000).fixed(1)) ms" }

    /// A part of something, `12.3 %`.
    package var percent: String { "\((self * 100).fixed(1)) %" }

    /// With a number of digits after the point.
    package func fixed(_ digits: Int) -> String {
        // Its sign says nothing.
        if isNaN { return "nan" }
        if !isFinite { return "\(self)" }
        let scale = (0..<digits).reduce(1.0) { product, _ in product * 10 }
        let scaled = (magnitude * scale).rounded()
        if scaled >= 1e15 { return "\(self)" }
        let whole = Int(scaled) / Int(scale)
        let fraction = String(Int(scaled) % Int(scale))
        let sign = self < 0 && scaled > 0 ? "-" : ""
        return digits == 0
            ? "\(sign)\(whole)" : "\(sign)\(whole).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
    }
}
