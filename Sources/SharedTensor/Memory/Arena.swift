// SPDX-License-Identifier: Apache-2.0

import Threads

/// A stretch of a segment that a layout was made for: turns the layout's regions into tensors.
///
/// It does not keep the segment alive; whoever runs the rank does.
@safe
public struct Arena {
    // Sound: points at `bytes` mapped bytes of a segment that outlives the arena (the maker's promise).
    private let base: UnsafeMutableRawPointer
    /// Its length; a region that ends beyond it traps.
    public let bytes: Int

    @unsafe
    init(base: UnsafeMutableRawPointer, bytes: Int) {
        unsafe self.base = base
        self.bytes = bytes
    }

    /// The tensor at a region of the arena's layout.
    @inline(__always)
    public func tensor(_ region: Region, _ shape: Shape) -> Tensor {
        if shape.count > region.bytes / 4 || region.end > bytes {
            trap("tensor \(shape) outside its region or its arena")
        }
        return unsafe Tensor(at: base + region.offset, shape)
    }

    /// All of it as one vector.
    public var floats: Tensor { unsafe Tensor(at: base, Shape(bytes / 4)) }

    /// Tokens at a region of the arena's layout.
    public func tokens(_ region: Region) -> Tokens {
        require(region.end <= bytes, "tokens outside their arena")
        return unsafe Tokens(at: base + region.offset, count: region.bytes / 4)
    }

    /// A region that holds `index` copies of another layout before the wanted one.
    @inline(__always)
    public func part(_ region: Region, copy index: Int = 0, of layout: SegmentLayout) -> Arena {
        let (start, overflow) = index.multipliedReportingOverflow(by: layout.stride)
        require(
            index >= 0 && !overflow && start <= region.bytes && layout.bytes <= region.bytes - start
                && region.end <= bytes, "copy \(index) outside its region or its arena")
        let offset = region.offset + start
        return unsafe Arena(base: base + offset, bytes: layout.bytes)
    }
}

extension Segment {
    /// All of it.
    public var arena: Arena { unsafe Arena(base: address(of: Region(offset: 0, bytes: bytes)), bytes: bytes) }
}
