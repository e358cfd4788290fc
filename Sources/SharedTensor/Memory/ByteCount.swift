// SPDX-License-Identifier: Apache-2.0

/// A number of bytes as people read it: `120 KiB`, `1.5 GiB`.
public struct ByteCount: CustomStringConvertible, Sendable {
    /// The number itself, which `description` rounds.
    public let bytes: Int
    /// Of any number; a negative one is told in bytes.
    public init(_ bytes: Int) { self.bytes = bytes }

    public var description: String {
        if bytes == 1 { return "1 byte" }
        let units = ["bytes", "KiB", "MiB", "GiB", "TiB"]
        var value = Double(bytes)
        var unit = 0
        while value >= 1024 && unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        if unit == 0 || value >= 100 { return "\(Int(value.rounded())) \(units[unit])" }
        return "\((value * 10).rounded() / 10) \(units[unit])"
    }
}
