// SPDX-License-Identifier: Apache-2.0

/// What tells contents from other contents: FNV-1a with 64 bits (Fowler, Noll, Vo). A nanosecond a byte.
public struct Fingerprint: Equatable, Sendable, CustomStringConvertible {
    private var hash = start
    static let start: UInt64 = 0xcbf2_9ce4_8422_2325

    init() {}

    /// Of these.
    init(_ bytes: some Sequence<UInt8>) { for byte in bytes { add(byte) } }

    mutating func add(_ byte: UInt8) { hash = Self.next(hash, UInt64(byte)) }

    /// One more item.
    static func next(_ hash: UInt64, _ item: UInt64) -> UInt64 { (hash ^ item) &* 0x100_0000_01b3 }

    /// 16 hexadecimal digits.
    public var description: String {
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
