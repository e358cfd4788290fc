// Kernels in which each output element follows from the elements at its own place: sums, activations, optimizers, rows
// of an embedding.

static void add(long n, const float *a, const float *b, float *out) {
    FOR_EACH_VECTOR(n, PUT(out, GET(a) + GET(b)););
}

static void relu(long n, const float *x, float *y) {
    FOR_EACH_VECTOR(n, PUT(y, larger(GET(x), splat(0.0f))););
}

static void relu_backward(long n, const float *y, const float *dy, float *dx) {
    FOR_EACH_VECTOR(n, PUT(dx, select(GET(y) > splat(0.0f), GET(dy), splat(0.0f))););
}

/// 0.5 (1 + tanh(u)) is the logistic function of 2u, which loses no digits where tanh is near -1.
/// 2u = 2 sqrt(2/pi) (x + 0.044715 x^3).
INLINE vector gelu_gate(vector x) {
    const vector inner = fused_multiply_add(x * x * x, splat(0.044715f), x);
    return logistic(inner * splat(1.5957691216f));
}

static void gelu(long n, const float *x, float *y) {
    FOR_EACH_VECTOR(n, const vector value = GET(x); PUT(y, value * gelu_gate(value)););
}

static void gelu_backward(long n, const float *x, const float *dy, float *dx) {
    FOR_EACH_VECTOR(
        n, const vector value = GET(x); const vector gate = gelu_gate(value);
        const vector slope = fused_multiply_add(value * value, splat(3 * 0.044715f), splat(1.0f)) * splat(1.5957691216f);
        const vector gate_slope = gate * (splat(1.0f) - gate) * slope;
        PUT(dx, GET(dy) * fused_multiply_add(value, gate_slope, gate)););
}

static void adam(long n, float *w, float *g, float *m, float *v, const ppt_adam *a) {
    FOR_EACH_VECTOR(
        n, const vector gradient = GET(g); const vector old_m = GET(m);
        const vector new_m = fused_multiply_add(gradient - old_m, splat(a->rest1), old_m);
        const vector new_v = fused_multiply_add(gradient * splat(a->rest2), gradient, GET(v) * splat(a->beta2));
        const vector root = __builtin_elementwise_sqrt(new_v) / splat(a->root_correction2) + splat(a->epsilon);
        PUT(w, GET(w) - splat(a->step_size) * (new_m / root)); PUT(m, new_m); PUT(v, new_v); PUT(g, splat(0.0f)););
}

static void sgd(long n, float *w, float *g, float rate) {
    FOR_EACH_VECTOR(n, PUT(w, GET(w) - splat(rate) * GET(g)); PUT(g, splat(0.0f)););
}

static void embedding(long rows, long columns, const int32_t *tokens, const float *table, float *out) {
    for (long r = 0; r < rows; r++) {
        __builtin_memcpy(out + r * columns, table + tokens[r] * columns, (size_t)columns * sizeof(float));
    }
}

static void embedding_backward(long rows, long columns, const int32_t *tokens, const float *dy, float *dtable) {
    for (long r = 0; r < rows; r++) {
        add(columns, dtable + tokens[r] * columns, dy + r * columns, dtable + tokens[r] * columns);
    }
}
