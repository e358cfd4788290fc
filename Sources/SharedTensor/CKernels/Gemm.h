// Matrix product after Goto and van de Geijn (2008): blocks of B and A are packed into panels that the innermost loop
// reads in order, and a tile of TILE_ROWS x TILE_COLUMNS of C stays in registers while k runs.
//
// Bits: each element of C is a sum over k in ascending order, in runs of BLOCK_K, whatever tile it falls into; tiles at
// the edges are padded with zeros and run through the same loop. So the bits of c[i, j] depend on row i of A, column j of
// B, and k alone.

#define TILE_COLUMNS (2 * LANES)
#define BLOCK_ROWS 240
#define BLOCK_COLUMNS 1024
#define BLOCK_K 256

_Static_assert(BLOCK_ROWS % TILE_ROWS == 0 && BLOCK_COLUMNS % TILE_COLUMNS == 0, "blocks are whole tiles");
_Static_assert(BLOCK_ROWS * BLOCK_K + BLOCK_K * BLOCK_COLUMNS == PPT_GEMM_WORKSPACE_FLOATS, "both blocks fit");
_Static_assert(TILE_ROWS % 4 == 0 || TILE_ROWS == 6, "packing transposes four rows at a time");

typedef float quad __attribute__((vector_size(16)));

INLINE long smaller(long a, long b) { return a < b ? a : b; }

/// Copies four rows of four floats, transposed.
INLINE void transpose_quad(const float *from, long stride, float *to, long to_stride) {
    quad r0, r1, r2, r3;
    __builtin_memcpy(&r0, from, 16);
    __builtin_memcpy(&r1, from + stride, 16);
    __builtin_memcpy(&r2, from + 2 * stride, 16);
    __builtin_memcpy(&r3, from + 3 * stride, 16);
    const quad low01 = __builtin_shufflevector(r0, r1, 0, 4, 1, 5), high01 = __builtin_shufflevector(r0, r1, 2, 6, 3, 7);
    const quad low23 = __builtin_shufflevector(r2, r3, 0, 4, 1, 5), high23 = __builtin_shufflevector(r2, r3, 2, 6, 3, 7);
    const quad c0 = __builtin_shufflevector(low01, low23, 0, 1, 4, 5);
    const quad c1 = __builtin_shufflevector(low01, low23, 2, 3, 6, 7);
    const quad c2 = __builtin_shufflevector(high01, high23, 0, 1, 4, 5);
    const quad c3 = __builtin_shufflevector(high01, high23, 2, 3, 6, 7);
    __builtin_memcpy(to, &c0, 16);
    __builtin_memcpy(to + to_stride, &c1, 16);
    __builtin_memcpy(to + 2 * to_stride, &c2, 16);
    __builtin_memcpy(to + 3 * to_stride, &c3, 16);
}

/// Packs one panel, to[p * width + i] = x(i, p) for i < width, p < k; rows from `rows` up are 0.
/// x(i, p) is x[i * stride + p].
INLINE void pack_across(const float *x, long stride, long rows, long k, float *to, long width) {
    for (long i = 0; i < width; i += 4) {
        long p = 0;
        if (i + 4 <= rows && i + 4 <= width) {
            for (; p + 4 <= k; p += 4) transpose_quad(x + i * stride + p, stride, to + p * width + i, width);
        }
        for (; p < k; p++) {
            for (long lane = i; lane < smaller(i + 4, width); lane++) {
                to[p * width + lane] = lane < rows ? x[lane * stride + p] : 0.0f;
            }
        }
    }
}

/// The same where x(i, p) is x[p * stride + i].
INLINE void pack_along(const float *x, long stride, long rows, long k, float *to, long width) {
    for (long p = 0; p < k; p++) {
        for (long i = 0; i < width; i++) to[p * width + i] = i < rows ? x[p * stride + i] : 0.0f;
    }
}

/// Packs `rows` by `k` of a factor into panels of `width` rows. `is_across`: k runs along the stored rows.
INLINE void pack(const float *x, long stride, int is_across, long rows, long k, float *to, long width) {
    for (long i = 0; i < rows; i += width) {
        const long left = smaller(width, rows - i);
        if (is_across) {
            pack_across(x + i * stride, stride, left, k, to + i * k, width);
        } else if (left == width) {
            pack_along(x + i, stride, width, k, to + i * k, width);
        } else {
            pack_along(x + i, stride, left, k, to + i * k, width);
        }
    }
}

/// How a finished tile is written to C.
typedef struct {
    float *c;
    long ldc;
    float alpha;
    const float *bias; // of the tile's first column, or NULL
    int adds;          // to what C holds
} tile_output;

INLINE vector finish(vector sum, vector bias, vector old, const tile_output *out) {
    vector value = sum * splat(out->alpha);
    if (out->bias) value = value + bias;
    return out->adds ? old + value : value;
}

/// One whole tile: TILE_ROWS x TILE_COLUMNS products over k, then `finish`, for the rows and columns that C has.
INLINE void tile(long k, const float *a, const float *b, long rows, long columns, const tile_output *out) {
    vector sums[TILE_ROWS][2] = {{{0}}};
    for (long p = 0; p < k; p++) {
        const vector b0 = load(b + p * TILE_COLUMNS), b1 = load(b + p * TILE_COLUMNS + LANES);
#pragma clang loop unroll(full)
        for (int i = 0; i < TILE_ROWS; i++) {
            const vector value = splat(a[p * TILE_ROWS + i]);
            sums[i][0] = fused_multiply_add(value, b0, sums[i][0]);
            sums[i][1] = fused_multiply_add(value, b1, sums[i][1]);
        }
    }
    const int is_whole = rows == TILE_ROWS && columns == TILE_COLUMNS;
    const vector none = {0};
    if (is_whole) {
        const vector bias0 = out->bias ? load(out->bias) : none, bias1 = out->bias ? load(out->bias + LANES) : none;
#pragma clang loop unroll(full)
        for (int i = 0; i < TILE_ROWS; i++) {
            float *c = out->c + i * out->ldc;
            store(c, finish(sums[i][0], bias0, out->adds ? load(c) : none, out));
            store(c + LANES, finish(sums[i][1], bias1, out->adds ? load(c + LANES) : none, out));
        }
        return;
    }
    // The compiler keeps `sums` in registers only while every index is a constant: hence one copy, then plain loops.
    vector spilled[TILE_ROWS][2];
#pragma clang loop unroll(full)
    for (int i = 0; i < TILE_ROWS; i++) {
        spilled[i][0] = sums[i][0];
        spilled[i][1] = sums[i][1];
    }
    for (long i = 0; i < rows; i++) {
        for (int side = 0; side < 2; side++) {
            const long part = smaller(LANES, columns - side * LANES);
            if (part <= 0) continue;
            float *c = out->c + i * out->ldc + side * LANES;
            const vector bias = out->bias ? load_part(out->bias + side * LANES, part) : none;
            store_part(c, finish(spilled[i][side], bias, out->adds ? load_part(c, part) : none, out), part);
        }
    }
}

/// All tiles of a packed block of A by a packed block of B. A panel of B stays in the first-level cache while the
/// panels of A pass by.
static void multiply_blocks(long rows, long columns, long k, const float *a, const float *b, const tile_output *out) {
    for (long j = 0; j < columns; j += TILE_COLUMNS) {
        for (long i = 0; i < rows; i += TILE_ROWS) {
            tile_output corner = *out;
            corner.c += i * out->ldc + j;
            if (out->bias) corner.bias += j;
            tile(k, a + i * k, b + j * k, smaller(TILE_ROWS, rows - i), smaller(TILE_COLUMNS, columns - j), &corner);
        }
    }
}

static void gemm(const ppt_gemm *g) {
    float *packed_a = g->workspace, *packed_b = g->workspace + BLOCK_ROWS * BLOCK_K;
    for (long p = 0; p < g->k; p += BLOCK_K) {
        const long k = smaller(BLOCK_K, g->k - p);
        for (long j = 0; j < g->n; j += BLOCK_COLUMNS) {
            const long columns = smaller(BLOCK_COLUMNS, g->n - j);
            const float *b = g->transpose_b ? g->b + j * g->ldb + p : g->b + p * g->ldb + j;
            pack(b, g->ldb, g->transpose_b, columns, k, packed_b, TILE_COLUMNS);
            for (long i = 0; i < g->m; i += BLOCK_ROWS) {
                const long rows = smaller(BLOCK_ROWS, g->m - i);
                // A that is one block high stays packed while the blocks of B change.
                if (j == 0 || g->m > BLOCK_ROWS) {
                    const float *a = g->transpose_a ? g->a + p * g->lda + i : g->a + i * g->lda + p;
                    pack(a, g->lda, !g->transpose_a, rows, k, packed_a, TILE_ROWS);
                }
                const tile_output out = {
                    .c = g->c + i * g->ldc + j, .ldc = g->ldc, .alpha = g->alpha,
                    .bias = g->bias && p == 0 ? g->bias + j : 0, .adds = g->accumulate || p > 0};
                multiply_blocks(rows, columns, k, packed_a, packed_b, &out);
            }
        }
    }
}
