// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor
import Testing

struct WeightLayoutTests {
    /// Every layer, and wider ones: several panels of outputs, several runs of inputs, rows of one parameter in parts.
    private static let cases =
        GradientTests.cases + [
            LayerCase("wide linear", inputs: 300, outputs: 70) { Linear("l", inputs: 300, outputs: 70, plan: &$0) },
            LayerCase("wide decoder attention", inputs: 66, outputs: 66) {
                DecoderAttention("d", dim: 66, heads: 3, plan: &$0)
            },
        ]

    private func bits(_ tensor: Tensor) -> [UInt32] { tensor.values.map(\.bitPattern) }

    /// What two microbatches leave, each tensor by its name.
    private func results(_ layer: LayerCase, _ level: SIMDLevel, _ layout: WeightLayout) throws -> [String: [UInt32]] {
        let probe = try LayerProbe(
            layer.unit, inputColumns: layer.inputs, batch: BatchShape(sequences: 3, sequenceLength: 17), simd: level,
            weightLayout: layout)
        var generator = SplitMix(state: 5)
        for tensor in [probe.x, probe.dy] {
            for index in 0..<tensor.count { tensor[index] = Float.random(in: -1...1, using: &generator) }
        }
        for _ in 0..<2 {
            probe.forward()
            probe.backwardInput()
            probe.backwardWeights()
        }
        var results = ["y": bits(probe.y), "dx": bits(probe.dx), "loss": [probe.loss.bitPattern]]
        for parameter in probe.parameters {
            results[parameter.name] = bits(probe.weight(parameter))
            results["gradient of \(parameter.name)"] = bits(probe.gradient(parameter))
        }
        return results
    }

    @Test("weights in panels give the bits of weights in rows, under the same names", arguments: cases)
    func sameBits(layer: LayerCase) throws {
        for level in SIMDLevel.allCases where level.isSupported {
            let (rows, panels) = (try results(layer, level, .rows), try results(layer, level, .panels))
            #expect(Set(rows.keys) == Set(panels.keys))
            for (name, bits) in rows {
                let isSame = panels[name] == bits
                #expect(isSame, "\(layer), \(level.rawValue), \(name)")
            }
        }
    }
}
