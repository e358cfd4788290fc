// Kernels that reduce along rows (layer norm, softmax, loss) or over rows (sums of columns).
//
// Sums along a row go through four vectors of partial sums, in turn, and then over lanes: their order depends on the
// row's length alone. Sums over rows add row after row.

/// The sum over a row of TERM, an expression of `at`, GET and the names around it.
#define SUM_OF_ROW(result, n, TERM)                                                       \
    float result;                                                                         \
    {                                                                                     \
        vector sums[4] = {{0}};                                                           \
        FOR_EACH_VECTOR(n, sums[at / LANES % 4] += (TERM););                              \
        result = sum_lanes((sums[0] + sums[2]) + (sums[1] + sums[3]));                    \
    }

static void column_sum(long rows, long columns, const float *x, long ldx, float *out) {
    FOR_EACH_VECTOR(
        columns, vector sum = GET(out); for (long r = 0; r < rows; r++) sum = sum + GET(x + r * ldx); PUT(out, sum););
}

static void layer_norm(long rows, long columns, const float *x, const float *gamma, const float *beta, float epsilon,
                       float *y, float *mean, float *rstd) {
    // Lanes beyond the row are 0, so their distance from the mean must not count.
    for (long r = 0; r < rows; r++, x += columns, y += columns) {
        SUM_OF_ROW(total, columns, GET(x));
        const float middle = total / (float)columns;
        float squares = 0;
        {
            vector sums[4] = {{0}};
            FOR_EACH_VECTOR(
                columns, vector distance = GET(x) - splat(middle);
                if (!is_whole) { vector kept = {0}; __builtin_memcpy(&kept, &distance, (size_t)part * 4); distance = kept; }
                sums[at / LANES % 4] = fused_multiply_add(distance, distance, sums[at / LANES % 4]););
            squares = sum_lanes((sums[0] + sums[2]) + (sums[1] + sums[3]));
        }
        const float scale = 1.0f / __builtin_sqrtf(squares / (float)columns + epsilon);
        FOR_EACH_VECTOR(
            columns, const vector normal = (GET(x) - splat(middle)) * splat(scale);
            PUT(y, fused_multiply_add(normal, GET(gamma), GET(beta))););
        mean[r] = middle;
        rstd[r] = scale;
    }
}

static void layer_norm_backward_input(long rows, long columns, const float *dy, const float *x, const float *gamma,
                                      const float *mean, const float *rstd, float *dx) {
    for (long r = 0; r < rows; r++, x += columns, dy += columns, dx += columns) {
        const vector middle = splat(mean[r]), scale = splat(rstd[r]);
        // Padding lanes have dy = 0 and so add nothing.
        SUM_OF_ROW(sum, columns, GET(dy) * GET(gamma));
        SUM_OF_ROW(dot, columns, GET(dy) * GET(gamma) * ((GET(x) - middle) * scale));
        const vector mean_sum = splat(sum / (float)columns), mean_dot = splat(dot / (float)columns);
        FOR_EACH_VECTOR(
            columns, const vector normal = (GET(x) - middle) * scale;
            const vector rest = GET(dy) * GET(gamma) - mean_sum - normal * mean_dot; PUT(dx, rest * scale););
    }
}

static void layer_norm_backward_weights(long rows, long columns, const float *dy, const float *x, const float *mean,
                                        const float *rstd, float *dgamma, float *dbeta) {
    FOR_EACH_VECTOR(
        columns, vector gamma_sum = GET(dgamma); vector beta_sum = GET(dbeta); for (long r = 0; r < rows; r++) {
            const vector gradient = GET(dy + r * columns);
            const vector normal = (GET(x + r * columns) - splat(mean[r])) * splat(rstd[r]);
            gamma_sum = fused_multiply_add(gradient, normal, gamma_sum);
            beta_sum = beta_sum + gradient;
        } PUT(dgamma, gamma_sum);
        PUT(dbeta, beta_sum););
}

/// The largest of scale * x[0 ..< n].
INLINE float largest(long n, const float *x, float scale) {
    vector most = splat(-__builtin_inff());
    // A partial vector is read ending at the row's end instead, where there is room: the maximum has no order.
    FOR_EACH_VECTOR(
        n, vector value = GET(x) * splat(scale); if (!is_whole) {
            vector kept = splat(-__builtin_inff());
            __builtin_memcpy(&kept, &value, (size_t)part * 4);
            value = kept;
        } most = larger(value, most););
    return largest_lane(most);
}

/// x = e^(scale * x - shift) over a row; returns the sum.
INLINE float exponentials(long n, float *x, float scale, float shift) {
    vector sums[4] = {{0}};
    FOR_EACH_VECTOR(
        n, vector value = exponential(fused_multiply_add(GET(x), splat(scale), splat(-shift))); PUT(x, value);
        if (!is_whole) { vector kept = {0}; __builtin_memcpy(&kept, &value, (size_t)part * 4); value = kept; }
        sums[at / LANES % 4] += value;);
    return sum_lanes((sums[0] + sums[2]) + (sums[1] + sums[3]));
}

static void softmax(long rows, long columns, float *x, long ldx, float scale, int causal) {
    for (long r = 0; r < rows; r++, x += ldx) {
        const long n = causal ? r + 1 : columns;
        const float total = exponentials(n, x, scale, largest(n, x, scale));
        const vector share = splat(1.0f / total);
        FOR_EACH_VECTOR(n, PUT(x, GET(x) * share););
        for (long c = n; c < columns; c++) x[c] = 0.0f;
    }
}

static void softmax_backward(long rows, long columns, const float *p, long ldp, float *dp, long lddp, float scale) {
    for (long r = 0; r < rows; r++, p += ldp, dp += lddp) {
        SUM_OF_ROW(dot, columns, GET(p) * GET(dp));
        FOR_EACH_VECTOR(columns, PUT(dp, splat(scale) * GET(p) * (GET(dp) - splat(dot))););
    }
}

static double cross_entropy(long rows, long vocabulary, float *logits, const int32_t *targets, float scale) {
    double loss = 0;
    for (long r = 0; r < rows; r++, logits += vocabulary) {
        const float most = largest(vocabulary, logits, 1.0f);
        const double at_target = (double)logits[targets[r]] - (double)most;
        const float total = exponentials(vocabulary, logits, 1.0f, most);
        loss += log((double)total) - at_target;
        const vector share = splat(scale / total);
        FOR_EACH_VECTOR(vocabulary, PUT(logits, GET(logits) * share););
        logits[targets[r]] -= scale;
    }
    return loss;
}
