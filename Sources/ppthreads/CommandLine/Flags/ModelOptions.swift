// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor
import Threads

/// The sizes of a model as flags give them.
package struct ModelOptions {
    package var architecture = Architecture.decoder
    var layers = 4
    var heads = 4
    var dim = 240
    var ffn: Int?
    var vocabulary: Int?
    var sequenceLength = 64

    /// The model's sizes, with the defaults that depend on other flags filled in.
    func spec(standardVocabulary: Int = 10000) throws(CommandError) -> ModelSpec {
        if dim % heads != 0 {
            throw CommandError(code: .usage, message: "--heads: \(heads) heads do not divide --dim \(dim)")
        }
        var spec = ModelSpec()
        spec.architecture = architecture
        spec.layers = layers
        spec.heads = heads
        spec.dim = dim
        if let ffn { spec.hidden = ffn }
        spec.vocabulary = vocabulary ?? standardVocabulary
        spec.sequenceLength = sequenceLength
        return spec
    }
}
