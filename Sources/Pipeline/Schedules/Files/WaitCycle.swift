// SPDX-License-Identifier: Apache-2.0

/// Instructions that wait for each other in a circle.
public struct WaitCycle: Hashable, Sendable, CustomStringConvertible {
    /// Where a rank stands still, and for what.
    public struct Link: Hashable, Sendable {
        /// What cannot begin.
        public let waiting: Instruction
        /// What it waits for: another rank's, which is the next link's `waiting` or stands behind it.
        public let awaited: Instruction
    }

    /// One for each rank that is part of it; the last waits for what stands behind the first.
    public let links: [Link]

    /// `0B0 waits for 1B0, which stands behind 1F1, which waits for 0F1, which stands behind 0B0`; the middle of a long
    /// one is counted instead.
    public var description: String {
        guard let first = links.first, let last = links.last else { return "" }
        var parts = links.indices.map(part)
        let hidden = links.count - Self.linksMost
        if hidden > 0 {
            let way = "leads over \(hidden) more rank\(hidden == 1 ? "" : "s") to \(last.waiting)"
            parts.replaceSubrange((Self.linksMost - 2)..<(links.count - 1), with: [way])
        }
        return "\(first.waiting) " + parts.joined(separator: ", which ")
    }

    private func part(_ index: Int) -> String {
        let next = links[(index + 1) % links.count].waiting
        let awaited = links[index].awaited
        return "waits for \(awaited)" + (next == awaited ? "" : ", which stands behind \(next)")
    }

    private static let linksMost = 6
}
