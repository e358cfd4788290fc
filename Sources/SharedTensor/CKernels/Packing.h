// Packing for the matrix product: a block of a factor, whichever way it is stored, becomes panels that the innermost
// loop reads from start to end. Panel i / width holds rows i ..< i + width as to[i * k + p * width + lane]; rows that
// the block does not have are 0, so that a tile at the edge runs through the same operations as one inside.

/// A factor of the product as it is stored. Its rows i are rows of op(A), or columns of op(B); p counts along k.
typedef struct {
    const float *x;
    long stride;
    long is_along; // i runs along the stored rows, not p (long: the struct is then copied as it was written)
} factor;

INLINE const float *element(factor f, long i, long p) {
    return f.is_along ? f.x + p * f.stride + i : f.x + i * f.stride + p;
}

/// Four rows of four floats from `from`, transposed: the first `stored` (2 or 4) of each four go to `to`. Rows from
/// `rows` up are 0 and not read.
INLINE void transpose_quad(const float *from, long stride, long rows, float *to, long to_stride, const int stored) {
    quad r[4] = {{0}};
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) {
        if (i < rows) __builtin_memcpy(&r[i], from + i * stride, sizeof r[i]);
    }
    const quad low01 = __builtin_shufflevector(r[0], r[1], 0, 4, 1, 5);
    const quad low23 = __builtin_shufflevector(r[2], r[3], 0, 4, 1, 5);
    const quad high01 = __builtin_shufflevector(r[0], r[1], 2, 6, 3, 7);
    const quad high23 = __builtin_shufflevector(r[2], r[3], 2, 6, 3, 7);
    const quad columns[4] = {
        __builtin_shufflevector(low01, low23, 0, 1, 4, 5), __builtin_shufflevector(low01, low23, 2, 3, 6, 7),
        __builtin_shufflevector(high01, high23, 0, 1, 4, 5), __builtin_shufflevector(high01, high23, 2, 3, 6, 7)};
#pragma clang loop unroll(full)
    for (int p = 0; p < 4; p++) __builtin_memcpy(to + p * to_stride, &columns[p], (size_t)stored * sizeof(float));
}

/// Four columns p of one panel, of which the block has `rows`: whole rows of the panel are written one after the other.
INLINE void pack_four_across(const float *x, long stride, long rows, float *to, const long width) {
#pragma clang loop unroll(full)
    for (long lane = 0; lane < width; lane += 4) {
        const long left = rows - lane;
        // Where no row is left nothing is read, but the pointer has to be one into the block.
        const float *from = x + (left > 0 ? lane : 0) * stride;
        transpose_quad(from, stride, smaller(left, 4), to + lane, width, lane + 4 > width ? 2 : 4);
    }
}

/// A block whose element (i, p) is x[i * stride + p].
INLINE void pack_across(const float *x, long stride, long rows, long k, float *to, const long width) {
    for (long first = 0; first < rows; first += width, x += width * stride, to += width * k) {
        const long left = smaller(rows - first, width);
        long p = 0;
        for (; p + 4 <= k; p += 4) {
            if (left == width) {
                pack_four_across(x + p, stride, width, to + p * width, width); // the same with a constant, for speed
            } else {
                pack_four_across(x + p, stride, left, to + p * width, width);
            }
        }
        for (; p < k; p++) {
            for (long i = 0; i < width; i++) to[p * width + i] = i < left ? x[i * stride + p] : 0.0f;
        }
    }
}

/// The first `count` of `width` floats; the others become 0.
INLINE void copy_padded(const float *from, long count, float *to, const long width) {
#pragma clang loop unroll(full)
    for (long lane = 0; lane < width; lane += LANES) {
        const long left = count - lane;
        const vector v = left > 0 ? load_part(from + lane, smaller(left, LANES)) : splat(0.0f);
        store_part(to + lane, v, smaller(LANES, width - lane));
    }
}

/// One panel of a block whose element (i, p) is x[p * stride + i], of which the block has `left` rows from here on.
INLINE void pack_panel_along(const float *x, long stride, long left, long k, float *to, const long width) {
    // Whole vectors are copied: what they have beyond the panel is overwritten by the next row, or by the next panel.
    const long copied = (width + LANES - 1) / LANES * LANES;
    if (left < copied) {
        for (long p = 0; p < k; p++) copy_padded(x + p * stride, smaller(left, width), to + p * width, width);
        return;
    }
    for (long p = 0; p < k; p++, x += stride, to += width) {
        __builtin_prefetch(x + 2 * copied); // of a panel that comes soon; a prefetch beyond the end does no harm
#pragma clang loop unroll(full)
        for (long lane = 0; lane < copied; lane += LANES) store(to + lane, load(x + lane));
    }
}

#define SIDE_BY_SIDE 4

/// Four narrow panels at once: whole cache lines of every stored row are read one after the other.
INLINE void pack_four_along(const float *x, long stride, long k, float *to, const long width) {
    for (long p = 0; p < k; p++, x += stride, to += width) {
        // Of the four panels that come next; a prefetch beyond the end does no harm.
        for (long lane = 0; lane < SIDE_BY_SIDE * width; lane += 16) {
            __builtin_prefetch(x + SIDE_BY_SIDE * width + lane);
        }
#pragma clang loop unroll(full)
        for (long panel = 0; panel < SIDE_BY_SIDE; panel++) {
            store_part(to + panel * width * k, load(x + panel * width), width);
        }
    }
}

INLINE void pack_along(const float *x, long stride, long rows, long k, float *to, const long width) {
    long i = 0;
    if (width < LANES) { // what is loaded beyond the last of four panels has to be there
        for (; i + SIDE_BY_SIDE * width + LANES <= rows; i += SIDE_BY_SIDE * width) {
            pack_four_along(x + i, stride, k, to + i * k, width);
        }
    }
    for (; i < rows; i += width) pack_panel_along(x + i, stride, rows - i, k, to + i * k, width);
}

/// Packs `rows` by `k` elements from (i, p) on, into panels of `width` rows.
INLINE void pack(factor f, long i, long p, long rows, long k, float *to, const long width) {
    if (f.is_along) {
        pack_along(element(f, i, p), f.stride, rows, k, to, width);
    } else {
        pack_across(element(f, i, p), f.stride, rows, k, to, width);
    }
}
