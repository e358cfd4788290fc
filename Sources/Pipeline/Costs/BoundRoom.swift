// SPDX-License-Identifier: Apache-2.0

/// For each stage, the most frames and gradients that may be there at once; never more than M.
struct BoundRoom {
    var frames, gradients: [Int]

    /// Where everything else that a rank holds is at its least: one of each kind for each stage.
    init(_ problem: OrderProblem) { self.init(problem, Peaks(problem)) }

    /// Where some peaks are known, and everything else is at its least.
    private init(_ problem: OrderProblem, _ peaks: Peaks) {
        let count = problem.rankOfStage.count
        frames = Array(repeating: problem.microbatches, count: count)
        gradients = frames
        guard let memory = problem.memory else { return }
        for (stage, rank) in problem.rankOfStage.enumerated() {
            let left = peaks.left(rank, problem, memory)
            frames[stage] =
                peaks.frames[stage] ?? Self.most(1, left, memory.frameBytes[stage], of: problem.microbatches)
            gradients[stage] = min(
                frames[stage],
                peaks.gradients[stage] ?? Self.most(1, left, memory.gradientBytes[stage], of: problem.microbatches))
        }
    }

    /// How many there may be, of which there are so many already and for which so many bytes are left.
    @inline(__always)
    static func most(_ present: Int, _ left: Int, _ bytes: Int, of microbatches: Int) -> Int {
        bytes > 0 ? min(microbatches, present + max(0, left) / bytes) : microbatches
    }

    /// The first rank that cannot hold one microbatch of each of its stages, as every order needs; nil where there is none.
    static func rankWithout(_ problem: OrderProblem) -> Int? {
        guard let memory = problem.memory else { return nil }
        return (0..<problem.ranks).first {
            memory.leastBytes($0, problem.rankOfStage) > memory.limitOfRank[$0]
        }
    }

    // MARK: Peaks that share a limit

    /// Ways in which ranks can share what they may hold among their stages: each order's peaks are within one of them.
    ///
    /// Where not all peaks of a rank can be at their most together, each value of one of them leaves room of its own for
    /// the others; so for one after the other, but for the last of a rank.
    /// - Parameter most: of ways; peaks that would make more are left open.
    static func shares(_ problem: OrderProblem, _ lengths: BoundLengths, atMost most: Int) -> [BoundRoom] {
        guard let memory = problem.memory else { return [BoundRoom(problem)] }
        var ways = [Peaks(problem)]
        for rank in 0..<problem.ranks {
            for peak in Peak.thatShare(rank, problem, memory, lengths).dropLast() {
                let next = ways.flatMap { way in
                    let room = BoundRoom(problem, way)
                    let values = peak.isFrame ? room.frames[peak.stage] : room.gradients[peak.stage]
                    return (1...values).map { way.with(peak, $0) }
                }
                if next.count > most { break }
                ways = next
            }
        }
        return ways.map { BoundRoom(problem, $0) }
    }

    /// The most of one kind that a stage has at once.
    private struct Peak {
        let stage: Int
        let isFrame: Bool

        /// A rank's that take bytes and may be more than one; none where all can be at their most.
        static func thatShare(
            _ rank: Int, _ problem: OrderProblem, _ memory: OrderMemory, _ lengths: BoundLengths
        ) -> [Peak] {
            let room = BoundRoom(problem)
            var (peaks, bytes) = ([Peak](), 0)
            for isFrame in [true, false] {
                for stage in problem.rankOfStage.indices where problem.rankOfStage[stage] == rank {
                    let size = isFrame ? memory.frameBytes[stage] : memory.gradientBytes[stage]
                    // Whole backwards hold one gradient at a time.
                    let most = isFrame ? room.frames[stage] : lengths.mayBeSplit[stage] ? room.gradients[stage] : 1
                    bytes += size * most
                    if size > 0 && most > 1 { peaks.append(Peak(stage: stage, isFrame: isFrame)) }
                }
            }
            return bytes <= memory.limitOfRank[rank] ? [] : peaks
        }
    }

    /// For each stage, the peaks that are known.
    private struct Peaks {
        private(set) var frames, gradients: [Int?]

        init(_ problem: OrderProblem) {
            frames = Array(repeating: nil, count: problem.rankOfStage.count)
            gradients = frames
        }

        func with(_ peak: Peak, _ value: Int) -> Peaks {
            var peaks = self
            if peak.isFrame { peaks.frames[peak.stage] = value } else { peaks.gradients[peak.stage] = value }
            return peaks
        }

        /// The bytes that a rank may hold besides these peaks and one of each kind of the others.
        func left(_ rank: Int, _ problem: OrderProblem, _ memory: OrderMemory) -> Int {
            var left = memory.limitOfRank[rank] - memory.leastBytes(rank, problem.rankOfStage)
            for stage in frames.indices where problem.rankOfStage[stage] == rank {
                left -= ((frames[stage] ?? 1) - 1) * memory.frameBytes[stage]
                left -= ((gradients[stage] ?? 1) - 1) * memory.gradientBytes[stage]
            }
            return left
        }
    }
}

extension OrderMemory {
    /// What a rank holds with one of each kind for each of its stages, which every order needs.
    func leastBytes(_ rank: Int, _ rankOfStage: [Int]) -> Int {
        rankOfStage.indices.reduce(0) {
            rankOfStage[$1] == rank ? $0 + frameBytes[$1] + gradientBytes[$1] : $0
        }
    }
}
