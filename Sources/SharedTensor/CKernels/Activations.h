// SPDX-License-Identifier: Apache-2.0

// Activations, element by element, and their backwards.

#ifdef KERNEL

/// y[i] = max(x[i], 0), NaN for NaN; y may be x. Backward from the output y: dx[i] = y[i] > 0 ? dy[i] : 0; dx may
/// be dy or y.
KERNEL(void, relu, (long n, const float *x, float *y))
KERNEL(void, relu_backward, (long n, const float *y, const float *dy, float *dx))

/// GELU, tanh form: 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))); y may be x. Backward from the input x; dx may
/// be dy.
KERNEL(void, gelu, (long n, const float *x, float *y))
KERNEL(void, gelu_backward, (long n, const float *x, const float *dy, float *dx))

#else

static void relu(long n, const float *x, float *y) {
    FOR_EACH_SPAN(s, n) put(y, s, larger(splat(0.0f), get(x, s))); // NaN stays NaN, to be seen
}

static void relu_backward(long n, const float *y, const float *dy, float *dx) {
    FOR_EACH_SPAN(s, n) put(dx, s, get(y, s) > splat(0.0f) ? get(dy, s) : splat(0.0f));
}

/// e^-2u for u = sqrt(2/pi) (x + 0.044715 x^3), the argument of GELU's tanh. 0.5 (1 + tanh u) = 1 / (1 + e^-2u), which
/// loses no digits where tanh is near -1.
INLINE vector gelu_exponential(vector x) {
    const vector slope = fused_multiply_add(x * x, splat(-0.0713548163f), splat(-1.5957691216f));
    return exponential(slope * x);
}

/// At most 2 ulp off where x > 0, and 5e-8 where x < 0 (where the value goes to 0, so that more ulp are lost).
static void gelu(long n, const float *x, float *y) {
    FOR_EACH_SPAN(s, n) {
        const vector value = get(x, s);
        put(y, s, value / (splat(1.0f) + gelu_exponential(value)));
    }
}

/// With gate = 1 / (1 + e), e = e^-2u: GELU = x gate, and its slope is gate + x gate (1 - gate) (2u)'. The slope is at
/// most 2.1e-7 off.
static void gelu_backward(long n, const float *x, const float *dy, float *dx) {
    FOR_EACH_SPAN(s, n) {
        // From 10 on the slope is 1, below -10 it is 0: nothing overflows on the way to that.
        const vector value = larger(splat(-10.0f), -larger(splat(-10.0f), -get(x, s)));
        const vector e = gelu_exponential(value), gate = splat(1.0f) / (splat(1.0f) + e);
        const vector slope = fused_multiply_add(value * value, splat(0.2140644488f), splat(1.5957691216f));
        const vector gate_slope = e * gate * gate * slope; // 1 - gate = e gate, without cancellation
        put(dx, s, get(dy, s) * fused_multiply_add(value, gate_slope, gate));
    }
}

#endif
