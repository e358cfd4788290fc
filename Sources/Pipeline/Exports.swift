// SPDX-License-Identifier: Apache-2.0

// Layers and transports are written in their terms: tensors, kernels, segments, rings, workers. Whoever imports this module gets
// them, too. The attribute's underscore is all the language has for that.
@_exported import SharedTensor
@_exported import Threads
