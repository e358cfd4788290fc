// SPDX-License-Identifier: Apache-2.0

import Foundation
import Pipeline
import Testing

/// Orders as others build them: PyTorch 2.13's own lists, compute only, and for V-Half and V-Min those of the authors'
/// generator (sail-sg/zero-bubble-pipeline-parallelism).
struct OrderVectorTests {
    @Test("an order is, action by action, the one that PyTorch or the authors build", arguments: Vector.all)
    func sameActions(vector: Vector) throws {
        let schedule = vector.kind.make(
            ranks: vector.ranks, virtualStages: vector.virtualStages, microbatches: vector.microbatches)
        _ = try schedule.validated()
        let expected = try vector.actions()
        for (rank, (ours, theirs)) in zip(schedule.actions, expected).enumerated() {
            #expect(ours.map(\.description) == theirs, "rank \(rank)")
        }
        #expect(schedule.actions.count == expected.count)
    }

    @Test("there is a vector of each order that others build") func vectors() {
        let kinds = Set(Vector.all.map(\.kind))
        #expect(Vector.all.count == 16)
        #expect(kinds == [.interleaved, .loopedBFS, .interleavedZeroBubble, .zeroBubbleV, .vHalf, .vMin, .dualPipeV])
    }

    @Test("a cell of two actions is one after the other, and an empty one is nothing") func cells() {
        #expect(Vector.actions(inRow: "0F0,,(1F2;0B1)OVERLAP_F_B, 0W10 ,,\r") == ["0F0", "1F2", "0B1", "0W10"])
    }

    @Test("orders that there is no vector of are their drawings'") func drawings() {
        func lists(_ kind: ScheduleKind, ranks: Int, microbatches: Int) -> [String] {
            kind.make(ranks: ranks, microbatches: microbatches).actions.map { list in
                list.map { kind == .hanayo ? $0.description : "\($0.kind.rawValue)\($0.microbatch)" }
                    .joined(separator: " ")
            }
        }
        #expect(
            lists(.eagerOneFOneB, ranks: 3, microbatches: 5) == [
                "F0 F1 F2 F3 F4 B0 B1 B2 B3 B4", "F0 F1 F2 B0 F3 B1 F4 B2 B3 B4", "F0 B0 F1 B1 F2 B2 F3 B3 F4 B4",
            ])
        #expect(
            lists(.zeroBubbleH2, ranks: 3, microbatches: 5) == [
                "F0 F1 F2 F3 F4 I0 W0 I1 W1 I2 W2 I3 W3 I4 W4", "F0 F1 F2 I0 F3 I1 F4 I2 W0 I3 W1 I4 W2 W3 W4",
                "F0 I0 F1 I1 F2 I2 F3 I3 F4 I4 W0 W1 W2 W3 W4",
            ])
        #expect(
            lists(.hanayo, ranks: 2, microbatches: 2) == [
                "0F0 0F1 3F0 3B0 3F1 3B1 0B0 0B1", "1F0 2F0 1F1 2F1 2B0 1B0 2B1 1B1",
            ])
    }

    @Test("with one stage a rank, Interleaved ZB is ZB-H1 and Interleaved is 1F1B", arguments: 1...6, 1...9)
    func oneStage(ranks: Int, microbatches: Int) {
        func actions(_ kind: ScheduleKind) -> [[Action]] {
            kind.make(ranks: ranks, virtualStages: 1, microbatches: microbatches).actions
        }
        #expect(actions(.interleavedZeroBubble) == actions(.zeroBubble))
        #expect(actions(.interleaved) == actions(.oneFOneB))
    }
}

/// A file `KIND_P_M_v.csv` in PyTorch's format: a row a rank, in each cell what is done in a slot.
struct Vector: CustomStringConvertible {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(
        path: "Golden/schedules")

    /// All that there are, by name.
    static let all: [Vector] = {
        let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path())
        return (names ?? []).sorted().filter { !$0.hasSuffix(".comms.csv") }.compactMap(Vector.init)
    }()

    let file: String
    let kind: ScheduleKind
    let ranks, microbatches, virtualStages: Int

    var description: String { file }

    private init?(_ file: String) {
        let parts = file.split(separator: ".")[0].split(separator: "_").map(String.init)
        guard parts.count == 4, let kind = ScheduleKind(rawValue: parts[0]), let ranks = Int(parts[1]),
            let microbatches = Int(parts[2]), let virtualStages = Int(parts[3])
        else { return nil }
        self.file = file
        self.kind = kind
        (self.ranks, self.microbatches, self.virtualStages) = (ranks, microbatches, virtualStages)
    }

    /// Each rank's actions as they are written, `2F0`.
    func actions() throws -> [[String]] {
        let text = try String(contentsOf: Self.folder.appending(path: file), encoding: .utf8)
        return text.split(whereSeparator: \.isNewline).map { Self.actions(inRow: String($0)) }
    }

    static func actions(inRow row: String) -> [String] {
        let cells = row.replacing("OVERLAP_F_B", with: "").split { "(),;".contains($0) || $0.isWhitespace }
        return cells.map(String.init)
    }
}
