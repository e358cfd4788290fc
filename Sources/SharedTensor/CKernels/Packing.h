// SPDX-License-Identifier: Apache-2.0

// Packing for the matrix product: some rows of a factor, whichever way it is stored, become a panel that the innermost loop
// reads from start to end. It holds row i at step p as to[p * width + i]; rows that the factor does not have are 0, so that
// a tile at the edge runs through the same operations as one inside.

/// A factor of the product as it is stored. Its rows i are rows of op(A), or columns of op(B); p counts along k.
typedef struct {
    const float *x;
    long stride;
    long is_along; // i runs along the stored rows, not p (long: the struct is then copied as it was written)
} factor;

INLINE const float *element(factor f, long i, long p) {
    return f.is_along ? f.x + p * f.stride + i : f.x + i * f.stride + p;
}

// Lane c of the two rows that an exchange at distance d makes of a pair.
#define LOWER(c, d) ((c) & (d) ? LANES + (c) - (d) : (c))
#define UPPER(c, d) ((c) & (d) ? LANES + (c) : (c) + (d))
#if LANES == 16
#define EACH_LANE(f, d)                                                                                                \
    f(0, d), f(1, d), f(2, d), f(3, d), f(4, d), f(5, d), f(6, d), f(7, d), f(8, d), f(9, d), f(10, d), f(11, d),       \
        f(12, d), f(13, d), f(14, d), f(15, d)
#elif LANES == 8
#define EACH_LANE(f, d) f(0, d), f(1, d), f(2, d), f(3, d), f(4, d), f(5, d), f(6, d), f(7, d)
#else
#define EACH_LANE(f, d) f(0, d), f(1, d), f(2, d), f(3, d)
#endif

/// Exchanges the blocks of d by d beside the diagonal of each block of 2d by 2d.
#define EXCHANGE(rows, d)                                                                                              \
    for (int i = 0; i < LANES; i++) {                                                                                  \
        if (i & (d)) continue;                                                                                         \
        const vector upper = rows[i], lower = rows[i + (d)];                                                           \
        rows[i] = __builtin_shufflevector(upper, lower, EACH_LANE(LOWER, d));                                          \
        rows[i + (d)] = __builtin_shufflevector(upper, lower, EACH_LANE(UPPER, d));                                    \
    }

/// Transposes a square of vectors, by exchanges at halved distances (Eklundh, 1972).
INLINE void transpose(vector rows[LANES]) {
#if LANES > 8
#pragma clang loop unroll(full)
    EXCHANGE(rows, 8)
#endif
#if LANES > 4
#pragma clang loop unroll(full)
    EXCHANGE(rows, 4)
#endif
#pragma clang loop unroll(full)
    EXCHANGE(rows, 2)
#pragma clang loop unroll(full)
    EXCHANGE(rows, 1)
}

/// A square of vectors of a block whose element (i, p) is x[i * stride + p], of which there are `rows` rows and `steps` steps;
/// the other rows are 0. `width` is the panel's.
INLINE void pack_square(const float *x, long stride, long rows, long steps, float *to, const long width) {
    vector square[LANES];
#pragma clang loop unroll(full)
    for (long i = 0; i < LANES; i++) square[i] = i < rows ? get(x + i * stride, (span){0, steps}) : splat(0.0f);
    transpose(square);
#pragma clang loop unroll(full)
    for (long p = 0; p < LANES; p++) {
        if (p < steps) store(to + p * width, square[p]);
    }
}

/// One panel of such a block, a square at a time. Whole squares are compiled apart: nothing in them asks for a count.
INLINE void pack_across(const float *x, long stride, long rows, long k, float *to, const long width) {
    for (long p = 0; p < k; p += LANES) {
        const long steps = smaller(LANES, k - p);
#pragma clang loop unroll(full)
        for (long lane = 0; lane < width; lane += LANES) {
            const float *from = x + lane * stride + p;
            float *square = to + p * width + lane;
            if (lane + LANES <= rows && steps == LANES) {
                pack_square(from, stride, LANES, LANES, square, width);
            } else {
                pack_square(from, stride, rows - lane, steps, square, width);
            }
        }
    }
}

/// One panel of a block whose element (i, p) is x[p * stride + i].
INLINE void pack_along(const float *x, long stride, long rows, long k, float *to, const long width) {
    for (long p = 0; p < k; p++, x += stride, to += width) {
        __builtin_prefetch(x + 2 * width); // of a panel that comes soon; a prefetch beyond the end does no harm
        if (rows < width) {
#pragma clang loop unroll(full)
            for (long lane = 0; lane < width; lane += LANES) {
                const long left = rows - lane;
                store(to + lane, left > 0 ? get(x + lane, span_at(0, left)) : splat(0.0f));
            }
        } else {
#pragma clang loop unroll(full)
            for (long lane = 0; lane < width; lane += LANES) store(to + lane, load(x + lane));
        }
    }
}

/// Packs `rows` by `k` elements from (i, p) on into one panel, which is `width` wide: whole vectors.
INLINE void pack(factor f, long i, long p, long rows, long k, float *to, const long width) {
    if (f.is_along) {
        pack_along(element(f, i, p), f.stride, rows, k, to, width);
    } else {
        pack_across(element(f, i, p), f.stride, rows, k, to, width);
    }
}
