// SPDX-License-Identifier: Apache-2.0

import Threads

// What the members of a rank's team share out among themselves. Each takes a run of rows, of columns or of elements, and
// none takes a part of a sum: so the number of members changes no bit.

/// Work in which every one of `count` things can be done apart from the others.
public protocol SharedWork: TeamWork {
    /// The team's.
    var kernels: Kernels { get }
    /// How many there are to share out.
    var count: Int { get }
    /// Members take multiples of this, so that they do not write to the same cache lines: the floats of one, unless the
    /// work says otherwise.
    var grain: Int { get }
    /// Does some of them, on one member's thread, with the member's own kernels.
    func run(_ part: Range<Int>, _ kernels: Kernels)
}

/// The part of a member: the parts are in order, and differ by one grain at most.
func part(of count: Int, grain: Int, member: Int, members: Int) -> Range<Int> {
    if member < 0 || member >= members { trap("the part of member \(member) of \(members)") }
    let grains = (count + grain - 1) / grain
    let from = grains * member / members * grain
    let to = grains * (member + 1) / members * grain
    return min(from, count)..<min(to, count)
}

extension SharedWork {
    public var grain: Int { 16 }

    public func run(member: Int, of members: Int) {
        if count < 0 || grain < 1 { trap("work of \(count) things in grains of \(grain)") }
        let part = part(of: count, grain: grain, member: member, members: members)
        if !part.isEmpty { run(part, kernels.ofMember(member)) }
    }
}
