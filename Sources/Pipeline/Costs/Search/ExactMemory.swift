// SPDX-License-Identifier: Apache-2.0

/// What ranks hold in a part of an order: peaks only grow, so that a part that fits is a part of orders that may fit, and one that does
/// not is of none. Exactly `OrderMemory`'s count.
struct ExactMemory {
    /// Whether ranks may hold less than they like.
    let isLimited: Bool
    /// For each stage, bytes of a frame of both kinds; 0 where there is no limit.
    private let frameBytes, gradientBytes: [Int]
    private let rankOfStage: [Int]
    /// For each stage, what its rank holds at most when all its other stages' frames of both kinds, and this one's gradients, or this
    /// one's frames, are as many as they may ever be.
    private let mostBesidesFrames, mostBesidesGradients: [Int]
    private let microbatches: Int
    /// For each rank, what may still be taken besides the peaks.
    private(set) var left: [Int]
    /// For each stage, the most frames of both kinds so far; 1 at least, which every order needs.
    private(set) var frames, gradients: [Int]
    private let limits: [Int]

    /// Nothing done; every rank has room for one of each.
    init(_ problem: OrderProblem, _ lengths: BoundLengths) {
        let stages = problem.rankOfStage.indices
        let none = stages.map { _ in 0 }
        isLimited = problem.memory != nil
        frameBytes = problem.memory?.frameBytes ?? none
        gradientBytes = problem.memory?.gradientBytes ?? none
        (rankOfStage, microbatches) = (problem.rankOfStage, problem.microbatches)
        frames = stages.map { _ in 1 }
        gradients = frames
        let limits = problem.memory?.limitOfRank ?? (0..<problem.ranks).map { _ in .max }
        left = (0..<problem.ranks).map { limits[$0] - (problem.memory?.leastBytes($0, problem.rankOfStage) ?? 0) }
        let room = BoundRoom(problem)
        var most = [Int](repeating: 0, count: problem.ranks)
        let gradientsMost = stages.map { lengths.mayBeSplit[$0] ? room.gradients[$0] : 1 }
        for (stage, rank) in problem.rankOfStage.enumerated() {
            most[rank] += room.frames[stage] * frameBytes[stage] + gradientsMost[stage] * gradientBytes[stage]
        }
        let (frameBytes, gradientBytes) = (frameBytes, gradientBytes)
        mostBesidesFrames = stages.map { most[problem.rankOfStage[$0]] - room.frames[$0] * frameBytes[$0] }
        mostBesidesGradients = stages.map {
            most[problem.rankOfStage[$0]] - gradientsMost[$0] * gradientBytes[$0]
        }
        self.limits = limits
    }

    /// Whether a stage may hold so many frames.
    @inline(__always)
    func hasRoom(frames count: Int, _ stage: Int) -> Bool {
        count <= frames[stage] || frameBytes[stage] <= left[rankOfStage[stage]]
    }

    /// Whether a stage may hold so many gradients.
    @inline(__always)
    func hasRoom(gradients count: Int, _ stage: Int) -> Bool {
        count <= gradients[stage] || gradientBytes[stage] <= left[rankOfStage[stage]]
    }

    /// Whether a stage may hold so many frames whatever its rank does later.
    @inline(__always)
    func isAlwaysRoom(frames count: Int, _ stage: Int) -> Bool {
        count <= frames[stage] || mostBesidesFrames[stage] + count * frameBytes[stage] <= limits[rankOfStage[stage]]
    }

    /// Whether a stage may hold so many gradients whatever its rank does later.
    @inline(__always)
    func isAlwaysRoom(gradients count: Int, _ stage: Int) -> Bool {
        count <= gradients[stage]
            || mostBesidesGradients[stage] + count * gradientBytes[stage] <= limits[rankOfStage[stage]]
    }

    /// A stage holds so many frames, for which there is room. Tells whether that is a new peak, which `undo` takes back.
    mutating func take(frames count: Int, _ stage: Int) -> Bool {
        if count <= frames[stage] { return false }
        frames[stage] = count
        left[rankOfStage[stage]] -= frameBytes[stage]
        return true
    }

    /// A stage holds so many gradients, for which there is room. Tells whether that is a new peak, which `undo` takes back.
    mutating func take(gradients count: Int, _ stage: Int) -> Bool {
        if count <= gradients[stage] { return false }
        gradients[stage] = count
        left[rankOfStage[stage]] -= gradientBytes[stage]
        return true
    }

    mutating func undoFrame(_ stage: Int) {
        frames[stage] -= 1
        left[rankOfStage[stage]] += frameBytes[stage]
    }

    mutating func undoGradient(_ stage: Int) {
        gradients[stage] -= 1
        left[rankOfStage[stage]] += gradientBytes[stage]
    }

    /// For each stage, the most that there may ever be, with the peaks that there are.
    func fill(_ room: inout BoundRoom) {
        for stage in rankOfStage.indices {
            let left = left[rankOfStage[stage]]
            room.frames[stage] = BoundRoom.most(frames[stage], left, frameBytes[stage], of: microbatches)
            room.gradients[stage] = BoundRoom.most(gradients[stage], left, gradientBytes[stage], of: microbatches)
        }
    }
}
