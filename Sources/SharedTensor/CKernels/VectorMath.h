// SPDX-License-Identifier: Apache-2.0

// The exponential of whole vectors: softmax, the loss and GELU are built on it. The error given was measured against
// double, over every seventh float of the range, at all levels.

/// e^x, at most 1.01 ulp off for x in [-87.33, 88.37]; 0 below, infinity above, NaN for NaN.
/// x = n ln 2 + r with |r| <= ln 2 / 2; e^r by the polynomial of Cephes' expf (S. Moshier), 2^n by its bits.
INLINE vector exponential(vector x) {
    // Beyond this 2^n is infinity already, and the larger n would run over into the sign.
    const vector bounded = x > splat(89.0f) ? splat(89.0f) : x;
    // Adding 1.5 * 2^23 rounds to the nearest integer, and leaves it in the lowest bits.
    const vector shift = splat(12582912.0f);
    const vector shifted = fused_multiply_add(bounded, splat(1.44269504f), shift);
    const vector n = shifted - shift;
    // ln 2 in two parts, so short that n times the first is exact.
    vector r = fused_multiply_add(n, splat(-0.693359375f), bounded);
    r = fused_multiply_add(n, splat(2.12194440e-4f), r);
    vector p = splat(1.9875691500e-4f);
    p = fused_multiply_add(p, r, splat(1.3981999507e-3f));
    p = fused_multiply_add(p, r, splat(8.3334519073e-3f));
    p = fused_multiply_add(p, r, splat(4.1665795894e-2f));
    p = fused_multiply_add(p, r, splat(1.6666665459e-1f));
    p = fused_multiply_add(p, r, splat(5.0000001201e-1f));
    p = fused_multiply_add(p, r * r, r) + splat(1.0f);
    const uvector power = ((uvector)shifted << 23) + (uvector)splat(1.0f); // casts of vectors keep the bits
    return x < splat(-87.33f) ? splat(0.0f) : p * (vector)power;
}
