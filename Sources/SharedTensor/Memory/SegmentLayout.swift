// SPDX-License-Identifier: Apache-2.0

import Threads

/// A stretch of a segment, before or after it is mapped. Its ends are no negative numbers, and fit an Int.
public struct Region: Equatable, Sendable {
    /// Bytes from the start of what it is a stretch of: a segment or an arena.
    public let offset: Int
    /// Its length, at least 0.
    public let bytes: Int

    /// Negative numbers trap, and so does an end that does not fit an Int.
    public init(offset: Int, bytes: Int) {
        if offset | bytes < 0 || offset.addingReportingOverflow(bytes).overflow {
            trap("a region of \(bytes) bytes at \(offset)")
        }
        self.offset = offset
        self.bytes = bytes
    }

    /// The offset behind its last byte.
    var end: Int { offset + bytes }

    /// The stretch `offset..<offset + count` of this one.
    public func part(offset: Int, bytes count: Int) -> Region {
        require(
            offset >= 0 && count >= 0 && offset <= bytes && count <= bytes - offset,
            "bytes \(offset) to \(offset) + \(count) are outside a region of \(bytes)")
        return Region(offset: self.offset + offset, bytes: count)
    }
}

/// Where things lie in a segment: computed first, mapped once.
///
/// Regions follow each other in the order they were reserved, each at a multiple of its alignment. Sizes that do not
/// fit a machine's address space do not trap: the layout remembers it, and `isTooLarge` says so.
public struct SegmentLayout: Equatable, Sendable {
    /// The default alignment: a cache line, which is also an AVX-512 vector.
    public static let lineBytes = 64
    /// Beyond this a layout is too large for any machine (2^46 bytes, 64 TiB).
    public static let bytesMax = 1 << 46

    private static let alignmentMost = 1 << 20

    /// Bytes to map so far.
    public private(set) var bytes = 0
    /// Whether something that was to be reserved would have ended beyond `bytesMax`; it stays so.
    public private(set) var isTooLarge = false

    /// Nothing is reserved yet: 0 bytes.
    public init() {}

    /// Sets aside `bytes` at a multiple of `alignment`. In a layout that is too large, regions overlap.
    public mutating func reserve(bytes count: Int, alignment: Int = lineBytes) -> Region {
        require(count >= 0, "a region has no negative size, such as \(count) bytes")
        require((1...Self.alignmentMost).contains(alignment), "an alignment of \(alignment) bytes")
        let offset = (bytes + alignment - 1) / alignment * alignment
        if isTooLarge || count > Self.bytesMax || offset + count > Self.bytesMax {
            isTooLarge = true
            return Region(offset: 0, bytes: count)
        }
        bytes = offset + count
        return Region(offset: offset, bytes: count)
    }

    /// Sets aside one fp32 tensor, padded to whole cache lines, so that a loop over full vectors stays inside it.
    public mutating func reserve(_ shape: Shape) -> Region {
        guard let count = shape.checkedCount, count <= Self.bytesMax else {
            return reserve(bytes: Self.bytesMax + 1)
        }
        return reserve(bytes: (count * 4 + Self.lineBytes - 1) / Self.lineBytes * Self.lineBytes)
    }

    /// Sets aside `count` copies of another layout, one after the other.
    public mutating func reserve(_ layout: SegmentLayout, count: Int = 1) -> Region {
        require(count >= 0, "\(count) copies of a layout")
        let stride = layout.stride
        if layout.isTooLarge || (stride > 0 && count > Self.bytesMax / stride) {
            return reserve(bytes: Self.bytesMax + 1)
        }
        return reserve(bytes: stride * count)
    }

    /// Bytes from one copy of this layout to the next.
    public var stride: Int { (bytes + Self.lineBytes - 1) / Self.lineBytes * Self.lineBytes }
}
