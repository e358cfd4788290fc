// SPDX-License-Identifier: Apache-2.0

import SharedTensor

/// A layout that knows what each of its bytes is for: what is reserved in it, with the padding before it, is charged to a kind.
/// So the account of a layout is its size, whatever lies in it.
struct AccountedLayout: Sendable {
    private(set) var layout = SegmentLayout()
    private(set) var account = MemoryAccount()

    mutating func reserve(_ kind: MemoryKind, bytes: Int) -> Region { charge(kind) { $0.reserve(bytes: bytes) } }

    mutating func reserve(_ kind: MemoryKind, _ shape: Shape) -> Region { charge(kind) { $0.reserve(shape) } }

    /// `count` copies of another layout.
    mutating func reserve(_ kind: MemoryKind, _ layout: SegmentLayout, count: Int = 1) -> Region {
        charge(kind) { $0.reserve(layout, count: count) }
    }

    private mutating func charge(_ kind: MemoryKind, _ reserve: (inout SegmentLayout) -> Region) -> Region {
        let before = layout.bytes
        let region = reserve(&layout)
        account[kind] += layout.bytes - before
        return region
    }
}
