// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Testing
import Threads

/// Tensors and kernels of one level in memory of their own.
final class Bench {
    let kernels: Kernels
    /// A row for each member of the team.
    let workspace: Tensor
    private let segment: Segment
    private var layout = SegmentLayout()
    private var generator: SeededGenerator

    init(_ level: SIMDLevel, team: Team? = nil, seed: UInt64 = 1) throws {
        segment = try Segment(bytes: 64 << 20, backing: .privateMemory)
        let team = team?.dispatcher ?? .alone
        let shape = Kernels.workspaceShape(members: team.members)
        workspace = segment.tensor(layout.reserve(shape), shape)
        kernels = Kernels(level: level, workspace: workspace, team: team)
        generator = SeededGenerator(state: seed)
    }

    func tensor(_ shape: Shape, filledWith value: Float? = nil) -> Tensor {
        let tensor = segment.tensor(layout.reserve(shape), shape)
        for index in 0..<tensor.count { tensor[index] = value ?? Float.random(in: -2...2, using: &generator) }
        return tensor
    }

    func tokens(_ count: Int, below bound: Int32) -> Tokens {
        let tokens = segment.arena.tokens(layout.reserve(bytes: 4 * count))
        for index in 0..<count { tokens[index] = Int32.random(in: 0..<bound, using: &generator) }
        return tokens
    }
}

struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ (state >> 29)
    }
}

/// A tensor's elements, as the reference kernels take them.
func doubles(_ tensor: Tensor) -> [Double] { tensor.values.map(Double.init) }

/// Fails unless all elements are finite and near what they should be, relative to the largest of these.
func expect(
    _ tensor: Tensor, near expected: [Double], within tolerance: Double = 2e-6, _ label: String,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    let scale = max(1, expected.map(abs).max() ?? 1)
    let worst = zip(doubles(tensor), expected).map { abs($0 - $1) }.max() ?? 0
    #expect(worst <= tolerance * scale, "\(label)", sourceLocation: sourceLocation)
    #expect(tensor.values.allSatisfy { $0.isFinite }, "\(label)", sourceLocation: sourceLocation)
}
