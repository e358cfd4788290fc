// SPDX-License-Identifier: Apache-2.0

// Sums along a row, whose order of additions depends on the row's length alone, and sums over rows.

#ifdef KERNEL

/// out[c] += sum over rows of x[r, c], rows ascending.
KERNEL(void, column_sum, (long rows, long columns, const float *x, long ldx, float *out))

#else

/// Four running sums that take turns, so that an addition need not wait for the one before.
typedef struct {
    vector newest, third, second, oldest;
} row_sums;

/// Adds v, whose lanes beyond the row are 0, to the sum whose turn it is. The turns are moves between registers.
INLINE void add_to(row_sums *sums, vector v) {
    const vector sum = sums->oldest + v;
    sums->oldest = sums->second;
    sums->second = sums->third;
    sums->third = sums->newest;
    sums->newest = sum;
}

INLINE float total(const row_sums *sums) {
    return sum_lanes((sums->newest + sums->second) + (sums->third + sums->oldest));
}

/// Adds the rows, ascending, to `count` vectors of sums held in registers.
INLINE void add_rows(const int count, long rows, const float *x, long ldx, float *out) {
    vector sums[4];
    for (int i = 0; i < count; i++) sums[i] = load(out + i * LANES);
    for (long r = 0; r < rows; r++, x += ldx) {
        for (int i = 0; i < count; i++) sums[i] = sums[i] + load(x + i * LANES);
    }
    for (int i = 0; i < count; i++) store(out + i * LANES, sums[i]);
}

static void column_sum(long rows, long columns, const float *x, long ldx, float *out) {
    long c = 0;
    // As wide as there is room: whole cache lines of every row, and sums that need not wait for each other.
    for (; c + 4 * LANES <= columns; c += 4 * LANES) add_rows(4, rows, x + c, ldx, out + c);
    for (; c + 3 * LANES <= columns; c += 3 * LANES) add_rows(3, rows, x + c, ldx, out + c);
    for (; c + LANES <= columns; c += LANES) add_rows(1, rows, x + c, ldx, out + c);
    if (c == columns) return;
    const span s = span_at(c, columns);
    vector sum = get(out, s);
    for (long r = 0; r < rows; r++) sum = sum + get(x + r * ldx, s);
    put(out, s, sum);
}

#endif
