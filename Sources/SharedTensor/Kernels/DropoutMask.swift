// SPDX-License-Identifier: Apache-2.0

import CKernels
import Threads

/// Which elements of a tensor dropout sets to 0, and what it multiplies the others by, so that the expectation stays.
///
/// Every element is dropped with probability `rate`, to 2^-32, independently of all others, and for ever the same by key,
/// microbatch, step and the element's number (Philox4x32-10; `CKernels.h` has the mapping). Nothing is stored.
public struct DropoutMask: Sendable {
    private(set) var raw: ppt_dropout

    /// The same mask for a part that begins so many elements further on.
    func advanced(by elements: Int) -> DropoutMask {
        if elements < 0 { trap("a mask \(elements) elements further on") }
        var mask = self
        mask.raw.first += UInt64(elements)
        return mask
    }

    /// - Parameters:
    ///   - rate: at least 0, below 1.
    ///   - key: of the dropout's position in the network and the run's seed.
    ///   - microbatch: its index in the step; 32 bits of it count.
    ///   - step: its index in the run; 32 bits of it count.
    ///   - firstElement: where the part that is dropped from begins in the whole tensor.
    public init(rate: Double, key: UInt64, microbatch: Int, step: Int, firstElement: Int = 0) {
        if !(rate >= 0 && rate < 1) { trap("a dropout rate is at least 0 and below 1, not \(rate)") }
        if firstElement < 0 { trap("a part that begins at element \(firstElement)") }
        let words = 0x1p32
        let threshold = min((rate * words).rounded(), words - 1)
        raw = ppt_dropout(
            key: (UInt32(truncatingIfNeeded: key), UInt32(truncatingIfNeeded: key >> 32)),
            microbatch: UInt32(truncatingIfNeeded: microbatch), step: UInt32(truncatingIfNeeded: step),
            first: UInt64(firstElement), threshold: UInt32(threshold), scale: Float(words / (words - threshold)))
    }
}
