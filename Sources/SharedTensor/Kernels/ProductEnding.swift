// SPDX-License-Identifier: Apache-2.0

import CKernels

/// What a product does with a finished sum before it is written, which saves another pass over the result.
public struct ProductEnding {
    let raw: ppt_ending
    let gate: Matrix?

    /// The sum as it is.
    public static var plain: ProductEnding { ProductEnding(raw: PPT_PLAIN, gate: nil) }
    /// max(sum, 0).
    public static var rectified: ProductEnding { ProductEnding(raw: PPT_RECTIFIED, gate: nil) }
    /// The sum where the gate, as large as the result, is positive; else 0. There is no bias then.
    public static func gated(_ gate: Matrix) -> ProductEnding { ProductEnding(raw: PPT_GATED, gate: gate) }
}
