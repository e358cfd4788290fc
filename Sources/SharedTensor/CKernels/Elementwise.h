// Kernels in which each output element follows from the elements at its own index: sums, activations, optimizers, rows
// of an embedding.

static void add(long n, const float *a, const float *b, float *out) {
    FOR_EACH_SPAN(s, n) put(out, s, get(a, s) + get(b, s));
}

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

static void adam(long n, float *w, float *g, float *m, float *v, const ppt_adam *a) {
    FOR_EACH_SPAN(s, n) {
        const vector gradient = get(g, s), old_m = get(m, s), old_v = get(v, s);
        const vector new_m = fused_multiply_add(gradient - old_m, splat(a->rest1), old_m);
        const vector new_v = fused_multiply_add(gradient * splat(a->rest2), gradient, old_v * splat(a->beta2));
        // One division: with another the divider would be the limit wherever memory is not.
        const vector root =
            fused_multiply_add(__builtin_elementwise_sqrt(new_v), splat(a->root_scale), splat(a->epsilon));
        put(w, s, get(w, s) - splat(a->step_size) * (new_m / root));
        put(m, s, new_m);
        put(v, s, new_v);
        put(g, s, splat(0.0f));
    }
}

static void sgd(long n, float *w, float *g, float rate) {
    FOR_EACH_SPAN(s, n) {
        put(w, s, get(w, s) - splat(rate) * get(g, s));
        put(g, s, splat(0.0f));
    }
}

static void embedding(long rows, long columns, const int32_t *tokens, const float *table, float *out) {
    for (long r = 0; r < rows; r++) {
        __builtin_memcpy(out + r * columns, table + tokens[r] * columns, (size_t)columns * sizeof(float));
    }
}

static void embedding_backward(long rows, long columns, const int32_t *tokens, const float *dy, float *dtable) {
    for (long r = 0; r < rows; r++) {
        float *row = dtable + tokens[r] * columns;
        add(columns, row, dy + r * columns, row);
    }
}
