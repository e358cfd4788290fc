// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Testing
import Threads

/// What a program could do to the library without writing `unsafe`: none of it may read or write outside its tensors. Each traps,
/// with a sentence that release builds print too.
struct TrapTests {
    @Test("values of any alignment go through a ring's slot and through a segment")
    func alignments() throws {
        let values = SIMD8<Float>(1, 2, 3, 4, 5, 6, 7, 8)
        let ring = try RingFixture(RingLayout(capacity: 2, payloadBytes: 32))
        var producer = RingProducer(ring.storage)
        var consumer = RingConsumer(ring.storage)
        let pushed = producer.tryPush(values)
        #expect(pushed)
        #expect(consumer.tryPop(as: SIMD8<Float>.self) == values)
        let segment = try Segment(bytes: 4096, backing: .privateMemory)
        for offset in [0, 4, 7, 63] {
            segment.store(values, in: Region(offset: offset, bytes: 32))
            #expect(segment.load(from: Region(offset: offset, bytes: 32), as: SIMD8<Float>.self) == values)
        }
    }
}

enum Bug: String, CaseIterable, Codable, Sendable {
    case tokenAboveTable, tokenBelowTable, targetAboveLogits
    case transposedSums, transposedSoftmax, transposedSoftmaxBackward, transposedResult
    case gateOfAnotherShape, biasOfAnotherWidth, diagonalOverflows, emptySum
    case negativeLength, tooManyElements, rowsOutside, elementsOutside, rowsOfMatrixOutside, tokensOutside
    case negativeRegion, regionOverflows, tensorBeyondRegion, tokensBeyondArena, partOverflows, copyBelowZero
    case copyOverflows, hugeAlignment, negativeSegment, smallPackedMatrix, hugePackedMatrix
    case ringOfNothing, ringOfTooMuch, strangerOfTeam, smallWorkspace, negativeWork, rateOfNothing, stepZero
    case workWithoutGrain
    case crookedRing, commitUnreserved, commitTwice, twoProducers, releaseTwice, releaseLate, releaseOfProducers
    case receiveOfHeld, drawBelowZero, partOfStranger, tensorBeyondArena, smallWorkspaceOfTeam

    var sentence: String {
        switch self {
        case .tokenAboveTable: "token 3 is outside the rows of the embedding, 0 to 2"
        case .tokenBelowTable: "token -1 is outside the rows of the embedding, 0 to 2"
        case .targetAboveLogits: "token 4 is outside the columns of the logits, 0 to 3"
        case .transposedSums, .transposedSoftmax, .transposedSoftmaxBackward, .transposedResult:
            "a transposed matrix is for the factors of a product alone"
        case .gateOfAnotherShape: "a gate is as large as c"
        case .biasOfAnotherWidth: "a bias has one value for each column"
        case .diagonalOverflows: "softmax with another diagonal"
        case .emptySum: "a product with nothing to sum up"
        case .negativeLength: "a shape with a negative length: [3, -1]"
        case .tooManyElements: "a tensor of shape [1099511627776, 1099511627776] has too many elements to count"
        case .rowsOutside: "rows 2..<4 outside a tensor of [3, 4]"
        case .elementsOutside: "elements -1..<2 outside a tensor of [3, 4]"
        case .rowsOfMatrixOutside: "rows outside the matrix"
        case .tokensOutside: "tokens outside the batch"
        case .negativeRegion: "a region of 8 bytes at -64"
        case .regionOverflows: "a region of 9223372036854775807 bytes at 64"
        case .tensorBeyondRegion: "tensor [17] outside its region or its arena"
        case .tensorBeyondArena: "tensor [16] outside its region or its arena"
        case .smallWorkspaceOfTeam:
            "a packing buffer of \(Kernels.workspaceShape().count) floats is too small for 2 threads"
        case .tokensBeyondArena: "tokens outside their arena"
        case .partOverflows: "bytes 9223372036854775807 to 9223372036854775807 + 1 are outside a region of 64"
        case .copyBelowZero: "copy -1 outside its region or its arena"
        case .copyOverflows: "copy 4611686018427387904 outside its region or its arena"
        case .hugeAlignment: "an alignment of 9223372036854775807 bytes"
        case .negativeSegment: "a segment of -1 bytes"
        case .smallPackedMatrix: "a packed matrix [3, 4] needs room for whole vectors, not 12 floats"
        case .hugePackedMatrix: "a packed matrix of 9223372036854775807 columns"
        case .ringOfNothing: "a ring has 1 to 2^28 - 1 slots, not 0"
        case .ringOfTooMuch: "4 payloads of 4611686018427387904 bytes"
        case .strangerOfTeam: "member 1 of a team of 1"
        case .smallWorkspace: "a packing buffer of 12 floats is too small for 1 threads"
        case .negativeWork: "-1 steps of work"
        case .rateOfNothing: "a dropout rate is at least 0 and below 1, not nan"
        case .stepZero: "Adam's steps count from 1; this is 0"
        case .workWithoutGrain: "work of 1 things in grains of 0"
        case .crookedRing: "a ring is aligned to a cache line"
        case .commitUnreserved, .commitTwice: "a commit without a reserve"
        case .twoProducers: "a commit into a slot that was not free: a ring has one producer"
        case .releaseTwice, .releaseLate, .releaseOfProducers:
            "a release of a slot that the consumer does not hold: each is released once"
        case .drawBelowZero: "a random integer below 0"
        case .partOfStranger: "the part of member 2 of 2"
        case .receiveOfHeld: "a receive into a slot that its consumer has not released"
        }
    }

    func happen() throws {
        let bench = try Bench(.portable)
        let kernels = bench.kernels
        let tensor = bench.tensor(Shape(3, 4))
        let square = bench.tensor(Shape(4, 4))
        let pairs = bench.tensor(Shape(4, 2))
        let segment = try Segment(bytes: 4096, backing: .privateMemory)
        let tokens = segment.arena.tokens(Region(offset: 0, bytes: 12))
        switch self {
        case .tokenAboveTable:
            tokens[1] = 3
            kernels.embedding(tokens, table: tensor, into: bench.tensor(Shape(3, 4)))
        case .tokenBelowTable:
            tokens[2] = -1
            kernels.embeddingBackward(bench.tensor(Shape(3, 4)), tokens, into: tensor)
        case .targetAboveLogits:
            tokens[0] = 4
            _ = kernels.crossEntropy(tensor, targets: tokens, scale: 1, rowLosses: bench.tensor(Shape(6)))
        case .transposedSums: kernels.addColumnSums(tensor.matrix.transposed, to: bench.tensor(Shape(3)))
        case .transposedSoftmax: kernels.softmax(tensor.matrix.transposed, scale: 1, normalizers: pairs)
        case .transposedSoftmaxBackward:
            kernels.softmaxBackward(tensor.matrix.transposed, bench.tensor(Shape(4, 3)).matrix, scale: 1)
        case .transposedResult: kernels.multiply(square.matrix, square.matrix, into: square.matrix.transposed)
        case .gateOfAnotherShape:
            kernels.multiply(tensor.matrix, square.matrix, into: tensor.matrix, ending: .gated(square.matrix))
        case .biasOfAnotherWidth:
            kernels.multiply(tensor.matrix, square.matrix, into: tensor.matrix, bias: bench.tensor(Shape(3)))
        case .diagonalOverflows: kernels.softmax(square.matrix, scale: 1, diagonal: .max, normalizers: pairs)
        case .emptySum:
            let (a, b) = (bench.tensor(Shape(0, 3)).matrix.transposed, bench.tensor(Shape(0, 4)).matrix)
            let storage = bench.tensor(PackedMatrix.storageShape(rows: 3, columns: 4))
            kernels.multiply(a, b, into: PackedMatrix(rows: 3, columns: 4, storage: storage))
        case .negativeLength: _ = Shape(3, -1)
        case .tooManyElements: _ = Shape(1 << 40, 1 << 40).count
        case .rowsOutside: _ = tensor.rows(2..<4)
        case .elementsOutside: _ = tensor.elements(-1..<2)
        case .rowsOfMatrixOutside: _ = tensor.matrix.rows(0..<4)
        case .tokensOutside: _ = tokens[2..<4]
        case .negativeRegion: _ = Region(offset: -64, bytes: 8)
        case .regionOverflows: _ = Region(offset: 64, bytes: .max)
        case .tensorBeyondRegion: _ = segment.arena.tensor(Region(offset: 0, bytes: 64), Shape(17))
        case .tensorBeyondArena: _ = segment.arena.tensor(Region(offset: 4096, bytes: 64), Shape(16))
        case .smallWorkspaceOfTeam:
            let team = try Team(name: "two", helperCPUs: [nil], patience: .sharedCPU)
            let one = Kernels.workspaceShape()
            let memory = try Segment(bytes: 4 * one.count, backing: .privateMemory)
            let workspace = memory.tensor(Region(offset: 0, bytes: 4 * one.count), one)
            _ = Kernels(level: .portable, workspace: workspace, team: team.dispatcher)
        case .tokensBeyondArena: _ = segment.arena.tokens(Region(offset: 4096, bytes: 4))
        case .partOverflows: _ = Region(offset: 0, bytes: 64).part(offset: .max, bytes: 1)
        case .copyBelowZero: _ = segment.arena.part(Region(offset: 0, bytes: 64), copy: -1, of: layout)
        case .copyOverflows: _ = segment.arena.part(Region(offset: 0, bytes: 64), copy: 1 << 62, of: layout)
        case .hugeAlignment:
            var layout = layout
            _ = layout.reserve(bytes: 1, alignment: .max)
        case .negativeSegment: _ = try Segment(bytes: -1, backing: .privateMemory)
        case .smallPackedMatrix: _ = PackedMatrix(rows: 3, columns: 4, storage: tensor)
        case .hugePackedMatrix: _ = PackedMatrix(rows: 0, columns: .max, storage: tensor)
        case .ringOfNothing: _ = RingLayout(capacity: 0, payloadBytes: 8)
        case .ringOfTooMuch: _ = RingLayout(capacity: 4, payloadBytes: 1 << 62)
        case .strangerOfTeam: _ = kernels.ofMember(1)
        case .smallWorkspace: _ = Kernels(level: .portable, workspace: tensor)
        case .negativeWork: _ = kernels.peakWork(steps: -1)
        case .rateOfNothing: _ = DropoutMask(rate: .nan, key: 0, microbatch: 0, step: 0)
        case .stepZero: _ = AdamStep(step: 0, rate: 1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8)
        case .workWithoutGrain: kernels.share(Grainless(kernels: kernels))
        case .drawBelowZero: _ = CounterRandom(seed: 0, name: "none").integer(below: 0, at: 0)
        case .partOfStranger: SharedRows(kernels: kernels).run(member: 2, of: 2)
        case .crookedRing:
            let layout = RingLayout(capacity: 1, payloadBytes: 8)
            _ = unsafe RingStorage(at: segment.address(of: Region(offset: 8, bytes: 64)), layout)
        case .commitUnreserved, .commitTwice, .twoProducers, .releaseTwice, .releaseLate, .releaseOfProducers,
            .receiveOfHeld:
            try happenInRing()
        }
    }

    /// A ring of two slots; misuse that would overwrite an item, lose one, or wait for ever.
    private func happenInRing() throws {
        let ring = try RingFixture(RingLayout(capacity: 2, payloadBytes: 8))
        var producer = RingProducer(ring.storage)
        var consumer = RingConsumer(ring.storage)
        switch self {
        case .commitUnreserved: producer.commit()
        case .commitTwice:
            _ = try producer.reserve(ring.context())
            producer.commit()
            producer.commit()
        case .twoProducers:
            var other = RingProducer(ring.storage)
            _ = (try producer.reserve(ring.context()), other.tryReserve())
            producer.commit()
            other.commit()
        case .releaseTwice:
            try producer.push(1, ring.context())
            let slot = try consumer.receive(ring.context())
            consumer.release(slot)
            consumer.release(slot)
        case .releaseLate:
            for item in 0..<2 { try producer.push(item, ring.context()) }
            let slot = try consumer.receive(ring.context())
            consumer.release(slot)
            try producer.push(2, ring.context())
            // The slot holds another item by now, which would be lost.
            consumer.release(slot)
        case .releaseOfProducers: consumer.release(try producer.reserve(ring.context()))
        case .receiveOfHeld:
            for item in 0..<2 { try producer.push(item, ring.context()) }
            let (_, second) = (try consumer.receive(ring.context()), try consumer.receive(ring.context()))
            consumer.release(second)
            _ = try consumer.receive(ring.context())
        default: break
        }
    }

    private var layout: SegmentLayout {
        var layout = SegmentLayout()
        _ = layout.reserve(bytes: 64)
        return layout
    }
}

private struct SharedRows: SharedWork {
    let kernels: Kernels
    let count = 64
    func run(_ part: Range<Int>, _ kernels: Kernels) {}
}

private struct Grainless: SharedWork {
    let kernels: Kernels
    let count = 1
    let grain = 0
    func run(_ part: Range<Int>, _ kernels: Kernels) {}
}
