// SPDX-License-Identifier: Apache-2.0

// Packed matrices. A packed matrix [k, n] is its panels one after the other: the panel of column j starts at j * k and holds
// the columns from there on, row by row. Runs of k are not kept apart, so that the layout serves for a factor and for C alike.

#ifdef KERNEL

/// Packs op(B) [k, n] for any number of products at this level: k * n floats, n rounded up to a multiple of
/// PPT_GEMM_PACKED_COLUMNS, 64-byte aligned; what a panel has beyond n becomes 0. Does not change a product's bits.
KERNEL(void, pack_b, (long k, long n, const float *b, long ldb, int transpose_b, float *to))

/// The way back: op(B) from what `pack_b` made of it.
KERNEL(void, unpack_b, (long k, long n, const float *packed, float *b, long ldb, int transpose_b))

/// As pack_b, of a matrix [k, n] whose transpose [n, k] is there packed. Only the given columns are, from a multiple
/// of PPT_GEMM_PANEL_COLUMNS on.
KERNEL(void, pack_transpose, (long k, long n, ppt_range columns, const float *transpose, float *to))

#else

_Static_assert(PPT_GEMM_PANEL_COLUMNS % TILE_COLUMNS == 0, "some columns of C start with a panel");
_Static_assert(PPT_GEMM_PACKED_COLUMNS % LANES == 0, "packed matrices have room for whole vectors");

/// Floats in a panel's rows: whole vectors of the columns that are left, up to the widest panel. (Products with padding are
/// for nothing.)
INLINE long panel_width(long columns, long widest) { return smaller(widest, (columns + LANES - 1) / LANES * LANES); }

/// Where row p of the panel of column j starts in a packed matrix [k, n].
INLINE long panel_row(long k, long n, long j, long p) { return j * k + p * panel_width(n - j, TILE_COLUMNS); }

/// Packs a panel of B; its width is a constant in each, for speed.
static void pack_panel(factor b, long j, long p, long columns, long k, long width, float *to) {
    if (width == LANES) {
        pack(b, j, p, columns, k, to, LANES);
    } else if (width == 2 * LANES) {
        pack(b, j, p, columns, k, to, 2 * LANES);
    } else {
        pack(b, j, p, columns, k, to, TILE_COLUMNS);
    }
}

static void pack_b(long k, long n, const float *b, long ldb, int transpose_b, float *to) {
    const factor f = {b, ldb, !transpose_b};
    for (long j = 0; j < n; j += TILE_COLUMNS) {
        const long width = panel_width(n - j, TILE_COLUMNS);
        pack_panel(f, j, 0, smaller(width, n - j), k, width, to + j * k);
    }
}

static void unpack_b(long k, long n, const float *packed, float *b, long ldb, int transpose_b) {
    for (long j = 0; j < n; j++) {
        const long first = j / TILE_COLUMNS * TILE_COLUMNS, width = panel_width(n - first, TILE_COLUMNS);
        const float *column = packed + first * k + j - first;
        for (long p = 0; p < k; p++) *(transpose_b ? b + j * ldb + p : b + p * ldb + j) = column[p * width];
    }
}

/// A packed matrix [k, n] that is made of its packed transpose [n, k]. A panel of the one crosses each panel of the other in a
/// square, which lies in one piece in both; it is packed a strip at a time: as many of the matrix's rows as a vector has lanes.
typedef struct {
    long k, n;
    const float *transpose;
    float *to;
} transposition;

/// Where the strip from row p on lies, in the panel of column j.
INLINE float *strip_at(const transposition *t, long j, long p) { return t->to + panel_row(t->k, t->n, j, p); }

static void pack_strip(const transposition *t, long j, long p) {
    const long width = panel_width(t->n - j, TILE_COLUMNS), crossed = p / TILE_COLUMNS * TILE_COLUMNS;
    const long height = panel_width(t->k - crossed, TILE_COLUMNS);
    const factor square = {t->transpose + panel_row(t->n, t->k, crossed, j), height, 0};
    pack_panel(square, 0, p - crossed, smaller(width, t->n - j), smaller(LANES, t->k - p), width, strip_at(t, j, p));
}

/// With each strip as much of the next square is fetched, to be read and to be written; beyond the last one a fetch does no
/// harm.
static void pack_transpose(long k, long n, ppt_range columns, const float *transpose, float *to) {
    const transposition t = {k, n, transpose, to};
    for (long j = columns.from; j < columns.to; j += TILE_COLUMNS) {
        const long width = panel_width(n - j, TILE_COLUMNS);
        for (long p = 0; p < k; p += LANES) {
            const long row = p % TILE_COLUMNS;
            const float *from = transpose + panel_row(n, k, p - row + TILE_COLUMNS, j) + row * width;
            const float *packed = strip_at(&t, j, p + TILE_COLUMNS);
            for (long i = 0; i < LANES * width; i += 16) {
                __builtin_prefetch(from + i);
                __builtin_prefetch(packed + i, 1);
            }
            pack_strip(&t, j, p);
        }
    }
}

#endif
