// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor
import Testing

/// Layouts that fit: what they mean, and how cuts are written.
struct PartitionLayoutTests {
    private func model(layers: Int) -> Model {
        var spec = ModelSpec()
        spec.layers = layers
        return spec.model()
    }

    private func cut(_ ends: [Int]) -> Partition {
        Partition(ranges: zip([0] + ends, ends).map { $0..<$1 })
    }

    @Test(
        "each construct of the grammar, on four layers of two units",
        arguments: [
            ("E a f a f | a f a f H", [5, 10]), ("Eafaf|afafH", [5, 10]), ("E,a,f,a,f|a,f,a,f,,H,", [5, 10]),
            ("E t t | t t L", [5, 10]), ("Ett|ttL", [5, 10]), (" E\tt*2\n|\nt * 2 H\n", [5, 10]),
            ("E (a f)*2 | (a f)*2 H", [5, 10]), ("E t a f | (t)*2 H", [5, 10]), ("((E)(t)*2)|(t t H)*1", [5, 10]),
            ("E (t |)*3 t L", [3, 5, 7, 10]), ("Et|(tt|)*1t,L", [3, 7, 10]), ("E(t|)*4L", [3, 5, 7, 9, 10]),
            ("E a | f t t a | f H", [2, 8, 10]), ("E ((a | f |)*2)*2 H", [2, 3, 4, 5, 6, 7, 8, 9, 10]),
            ("E|a|f|a|f|a|f|a|f|H", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), ("E a*1 f t*03 H", [10]),
        ] as [(String, [Int])])
    func grammar(text: String, ends: [Int]) throws {
        let layout = try PartitionLayout(text)
        #expect(layout.text == text && layout.stages == ends.count)
        #expect(try Partition(layout, of: model(layers: 4)) == cut(ends))
    }

    @Test("Megatron's own example, but for its m, is 31 stages of DeepSeek-V3's 61 layers") func megatron() throws {
        let partition = try Partition(PartitionLayout("Et*3|(tt|)*29,L"), of: model(layers: 61))
        #expect(partition == cut([7] + (1...29).map { 7 + 4 * $0 } + [124]))
    }

    @Test(
        "a cut is written with whole layers as t, from three alike on with their number",
        arguments: [
            ([5, 10], "E t t | t t H"), ([10], "E t*4 H"), ([2, 10], "E a | f t*3 H"), ([7, 10], "E t*3 | t H"),
            ([1, 10], "E | t*4 H"), ([1, 9, 10], "E | t*4 | H"), ([4, 6, 10], "E t a | f a | f t H"),
            ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], "E | a | f | a | f | a | f | a | f | H"),
        ] as [([Int], String)])
    func written(ends: [Int], text: String) {
        #expect(cut(ends).layout(of: model(layers: 4)) == text)
    }

    @Test("every cut of a small model is read back as it was written", arguments: 1...4) func roundTrips(layers: Int)
        throws
    {
        for model in [model(layers: layers), odd(layers: layers)] {
            let units = model.units.count
            for bars in 0..<(1 << (units - 1)) {
                let partition = cut((1..<units).filter { bars >> ($0 - 1) & 1 == 1 } + [units])
                let text = partition.layout(of: model)
                #expect(try Partition(PartitionLayout(text), of: model) == partition, "\(text)")
            }
        }
    }

    /// Layers of one to three units, with and without letters of their own, and two units before the first.
    private func odd(layers: Int) -> Model {
        let inner = (0..<layers).flatMap { layer in
            (0...layer % 3).map { part in unit(layer: layer, part == 1 ? "q" : nil) }
        }
        return Model(
            name: "odd", vocabulary: 5, sequenceLength: 3, layers: layers,
            units: [unit(layer: nil, "Z"), unit(layer: nil, nil)] + inner
                + [Unit(name: "loss", layer: nil, outputColumns: 0) { _ in Nothing() }])
    }

    private func unit(layer: Int?, _ letter: Character?) -> Unit {
        Unit(name: "unit", layer: layer, outputColumns: 4, letter: letter) { _ in Nothing() }
    }

    @Test("a unit without a letter is x, and H where it gives nothing") func standardLetters() {
        #expect(odd(layers: 3).units.map(\.letter) == ["Z", "x", "x", "x", "q", "x", "q", "x", "H"])
        #expect(cut([2, 4, 9]).layout(of: odd(layers: 3)) == "Z x | t x | q t H")
    }

    @Test("a layer that ends the model is whole too") func lastLayer() throws {
        let loss = Unit(name: "loss", layer: 1, outputColumns: 0) { _ in Nothing() }
        let model = Model(
            name: "short", vocabulary: 5, sequenceLength: 3, layers: 2,
            units: [unit(layer: nil, "Z"), unit(layer: 0, "p"), unit(layer: 0, "q"), unit(layer: 1, "p"), loss])
        #expect(cut([3, 5]).layout(of: model) == "Z t | t")
        #expect(try Partition(PartitionLayout("Z p | q t"), of: model) == cut([2, 5]))
    }

    @Test("both built-in models have the same letters", arguments: Architecture.allCases)
    func letters(architecture: Architecture) {
        var spec = ModelSpec()
        (spec.architecture, spec.layers) = (architecture, 2)
        #expect(String(spec.model().units.map(\.letter)) == "EafafH")
    }

    @Test("layouts are equal when the same letters follow each other, however they are written") func equality() throws
    {
        #expect(try PartitionLayout("E t*2 | (t)*2 L") == PartitionLayout("Ett|tt,H"))
        #expect(try PartitionLayout("E t t | t t H") != PartitionLayout("E t | t t t H"))
        #expect(try PartitionLayout("E t | H") != PartitionLayout("E a f | H"))
    }

    @Test(
        "a run cut by a layout has the bits of one stage, and its stages are as given", arguments: Architecture.allCases
    )
    func run(architecture: Architecture) throws {
        let baseline = try train(architecture, .oneFOneB(ranks: 1, microbatches: 3))
        for (text, ranks, virtualStages, ends) in [
            ("E a f a | f t t H", 2, 1, [4, 10]), ("E | a f a f a f a f H", 2, 1, [1, 10]),
            ("E t a f t | (t)*1 | H", 3, 1, [7, 9, 10]), ("E a | f a | f t a | f H", 2, 2, [2, 4, 8, 10]),
        ] as [(String, Int, Int, [Int])] {
            let schedule = Schedule.interleaved(ranks: ranks, virtualStages: virtualStages, microbatches: 3)
            let result = try train(architecture, schedule, .layout(try PartitionLayout(text)))
            #expect(result.plan.partition == cut(ends))
            #expect(try PartitionLayout(result.plan.layout).stages == ends.count)
            expectSameBits(result, baseline)
        }
    }

    @Test("a rank holds the weights of the units that the layout gives it, and no others") func weights() throws {
        let model = smallConfiguration(.gpt, .gpipe(ranks: 1, microbatches: 1)).model
        let sizes = model.units.map { unit in
            unit.cost(BatchShape(sequences: 4, sequenceLength: 5)).parameters.reduce(0) { $0 + 4 * $1.shape.count }
        }
        var configuration = smallConfiguration(.gpt, .oneFOneB(ranks: 3, microbatches: 3))
        configuration.partition = .layout(try PartitionLayout("E a | f t a | f t H"))
        let plan = try RunPlan(configuration)
        #expect(plan.weightBytesOfRank == [0..<2, 2..<6, 6..<10].map { sizes[$0].reduce(0, +) })
        #expect(plan.layout == "E a | f t a | f t H")
    }
}

/// A layer that does nothing.
private struct Nothing: Layer {
    func forward(_ x: Tensor, into y: Tensor, _ frame: Frame) {}
    func backwardInput(_ dy: Tensor, input x: Tensor, into dx: Tensor, _ frame: Frame) {}
    func backwardWeights(_ dy: Tensor, input x: Tensor, _ frame: Frame) {}
}
