// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A colour as eyes take it, from `#rrggbb`.
struct Colour {
    /// Red, green and blue in proportion to their light.
    private let light: [Double]

    init(_ text: String) {
        let digits = Array(text.dropFirst())
        light = [0, 2, 4].map { index in
            let value = Double(Int(String(digits[index...index + 1]), radix: 16)!) / 255
            return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
        }
    }

    private static func sum(_ weights: [Double], _ values: [Double]) -> Double {
        zip(weights, values).map(*).reduce(0, +)
    }

    private var luminance: Double { Self.sum([0.2126, 0.7152, 0.0722], light) }

    /// From 1 to 21, as WCAG 2 has it.
    func contrast(to other: Colour) -> Double {
        let (low, high) = (min(luminance, other.luminance), max(luminance, other.luminance))
        return (high + 0.05) / (low + 0.05)
    }

    /// How far they lie apart in Oklab, where black and white are 1 apart and 0.02 is just seen.
    func distance(to other: Colour) -> Double {
        zip(oklab, other.oklab).map { pow($0 - $1, 2) }.reduce(0, +).squareRoot()
    }

    /// Björn Ottosson's, of 2020.
    private var oklab: [Double] {
        let cones = [
            [0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ].map { cbrt(Self.sum($0, light)) }
        return [
            [0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ].map { Self.sum($0, cones) }
    }
}
