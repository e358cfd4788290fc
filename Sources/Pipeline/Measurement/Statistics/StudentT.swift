// SPDX-License-Identifier: Apache-2.0

import Glibc
import Threads

/// Student's t distribution with whole degrees of freedom.
package enum StudentT {
    /// Which value a variable exceeds in magnitude with a probability, to ten digits or more.
    ///
    /// - Parameter misses: above 0 and below 1.
    package static func quantile(misses: Double, freedom: Int) -> Double {
        require(misses > 0 && misses < 1 && freedom >= 1, "a quantile of no probability, or of no freedom")
        // By the angle whose tangent the quantile is, over the root of the freedom: it lies in a finite range.
        var (low, high) = (0.0, Double.pi / 2)
        for _ in 0..<100 {
            let middle = (low + high) / 2
            if misses < exceeding(middle, freedom) { low = middle } else { high = middle }
        }
        return tan((low + high) / 2) * Double(freedom).squareRoot()
    }

    /// How likely the magnitude is to exceed the tangent of an angle times the root of the freedom: finite sums of powers of the
    /// cosine (Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4).
    private static func exceeding(_ angle: Double, _ freedom: Int) -> Double {
        let (sine, cosine) = (sin(angle), cos(angle))
        let isOdd = freedom % 2 == 1
        if freedom == 1 { return 1 - 2 * angle / .pi }
        var (term, sum) = (isOdd ? cosine : 1, 0.0)
        for power in stride(from: isOdd ? 1 : 0, through: freedom - 2, by: 2) {
            sum += term
            term *= Double(power + 1) / Double(power + 2) * cosine * cosine
        }
        return isOdd ? 1 - 2 / .pi * (angle + sine * sum) : 1 - sine * sum
    }
}
