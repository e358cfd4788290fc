// SPDX-License-Identifier: Apache-2.0

// Softmax along rows, and the loss that ends in one.

#ifdef KERNEL

/// In place over each row: x[r, :] = softmax(scale * x[r, :]). With `diagonal` at least 0, row r sees columns
/// 0 ... diagonal + r only and the rest of the row becomes 0; below 0 it sees all. Safe for large values (the row's
/// maximum is subtracted). A NaN makes all that its row sees NaN. Leaves two floats a row, what it subtracted and what it
/// multiplied by, with which `softmax_again` makes the same bits of the same x.
KERNEL(void, softmax, (long rows, long columns, float *x, long ldx, float scale, long diagonal, float *normalizers))
KERNEL(void, softmax_again, (long rows, long columns, float *x, long ldx, float scale, long diagonal,
                             const float *normalizers))

/// In place over each row: dp[r, :] = scale * p[r, :] * (dp[r, :] - dot(p[r, :], dp[r, :])).
KERNEL(void, softmax_backward, (long rows, long columns, const float *p, long ldp, float *dp, long lddp, float scale))

/// Softmax cross-entropy over logits [rows, vocabulary], in place: each row becomes
/// scale * (softmax(row) - onehot). Returns the sum over rows of -log softmax(row)[target], accumulated in double,
/// rows ascending.
KERNEL(double, cross_entropy, (long rows, long vocabulary, float *logits, const int32_t *targets, float scale))

#else

/// The largest of sign * x[0 ..< n]; sign is 1 or -1. NaN are passed over: they come out of the exponentials.
INLINE float largest(long n, const float *x, float sign) {
    const vector lowest = splat(-__builtin_inff());
    vector newest = lowest, oldest = lowest;
    FOR_EACH_SPAN(s, n) {
        const vector most = larger(kept(get(x, s) * splat(sign), s, -__builtin_inff()), oldest);
        oldest = newest;
        newest = most;
    }
    return largest_lane(larger(newest, oldest));
}

/// x = e^(scale * (x - shift)) along a row; returns the sum. Subtracting before scaling keeps the digits of the largest
/// elements however large they are, and makes the largest exactly 1. What lies behind the row, where most often the next one
/// does, is fetched.
INLINE float exponentials(long n, float *x, float scale, float shift) {
    row_sums sums = {0};
    FOR_EACH_SPAN(s, n) {
        __builtin_prefetch(x + n + s.first);
        const vector value = exponential((get(x, s) - splat(shift)) * splat(scale));
        put(x, s, value);
        add_to(&sums, kept(value, s, 0.0f));
    }
    return total(&sums);
}

INLINE void multiply_row(long n, float *x, float factor) {
    FOR_EACH_SPAN(s, n) put(x, s, get(x, s) * splat(factor));
}

/// Columns that a row sees.
INLINE long seen_by(long row, long columns, long diagonal) {
    return diagonal < 0 ? columns : smaller(diagonal + row + 1, columns);
}

INLINE void finish_row(long seen, long columns, float *x, float factor) {
    multiply_row(seen, x, factor);
    for (long c = seen; c < columns; c++) x[c] = 0.0f;
}

static void softmax(long rows, long columns, float *x, long ldx, float scale, long diagonal, float *normalizers) {
    // The element that is largest after scaling; the smallest one when the scale turns the order around.
    const float sign = scale < 0 ? -1.0f : 1.0f;
    for (long r = 0; r < rows; r++, x += ldx) {
        const long seen = seen_by(r, columns, diagonal);
        const float shift = sign * largest(seen, x, sign);
        const float factor = 1.0f / exponentials(seen, x, scale, shift);
        finish_row(seen, columns, x, factor);
        normalizers[2 * r] = shift;
        normalizers[2 * r + 1] = factor;
    }
}

static void softmax_again(long rows, long columns, float *x, long ldx, float scale, long diagonal,
                          const float *normalizers) {
    for (long r = 0; r < rows; r++, x += ldx) {
        const long seen = seen_by(r, columns, diagonal);
        exponentials(seen, x, scale, normalizers[2 * r]);
        finish_row(seen, columns, x, normalizers[2 * r + 1]);
    }
}

static void softmax_backward(long rows, long columns, const float *p, long ldp, float *dp, long lddp, float scale) {
    for (long r = 0; r < rows; r++, p += ldp, dp += lddp) {
        row_sums products = {0};
        FOR_EACH_SPAN(s, columns) add_to(&products, get(p, s) * get(dp, s));
        const vector dot = splat(total(&products));
        FOR_EACH_SPAN(s, columns) put(dp, s, splat(scale) * get(p, s) * (get(dp, s) - dot));
    }
}

static double cross_entropy(long rows, long vocabulary, float *logits, const int32_t *targets, float scale) {
    double loss = 0;
    for (long r = 0; r < rows; r++, logits += vocabulary) {
        const float most = largest(vocabulary, logits, 1.0f);
        const double below = (double)most - (double)logits[targets[r]];
        // The row and its exponentials stay in the second-level cache between the passes.
        const float sum = exponentials(vocabulary, logits, 1.0f, most);
        loss += log((double)sum) + below;
        multiply_row(vocabulary, logits, scale / sum);
        logits[targets[r]] -= scale;
    }
    return loss;
}

#endif
