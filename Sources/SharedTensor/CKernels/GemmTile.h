// The innermost part of the matrix product: one tile of C, held in registers while k runs.

#define TILE_COLUMNS (2 * LANES)
#define TILE_THIRD (TILE_ROWS / 3)
_Static_assert(TILE_ROWS % 6 == 0, "edges take thirds of a tile; packing takes four rows, and two at a panel's end");

/// How finished sums are written to C.
typedef struct {
    float *c; // the tile's corner
    long ldc;
    float alpha;
    const float *bias; // of the tile's first column, or NULL
    int adds;          // to what C holds
} tile_output;

/// Writes one vector of a tile's row `i`, from column `first` on, as far as C has `columns`.
INLINE void write_sums(vector sums, long i, long first, long columns, const tile_output *out) {
    const span s = span_at(first, columns);
    float *row = out->c + i * out->ldc;
    vector value = sums * splat(out->alpha);
    if (out->bias) value = value + get(out->bias, s);
    put(row, s, out->adds ? get(row, s) + value : value);
}

/// One tile of `height` rows and `vectors` vectors: the sums over k of the products of a panel of A and a panel of B,
/// written where C has `rows` and `columns` (which may be more than the tile's).
INLINE void multiply_tile(const int height, const int vectors, long k, const float *a, const float *b, long rows,
                          long columns, const tile_output *out) {
    // C may come from far, and with a small k the sums are finished soon: fetch it meanwhile.
    for (int i = 0; i < height && i < rows; i++) {
        for (int side = 0; side < vectors; side++) __builtin_prefetch(out->c + i * out->ldc + side * LANES, 1);
    }
    // Every index into `sums` is a constant once loops are unrolled: only so does it stay in registers.
    vector sums[TILE_ROWS][2] = {{{0}}};
    for (long p = 0; p < k; p++, a += TILE_ROWS, b += TILE_COLUMNS) {
        vector values[2];
        for (int side = 0; side < vectors; side++) values[side] = load(b + side * LANES);
#pragma clang loop unroll(full)
        for (int i = 0; i < height; i++) {
            for (int side = 0; side < vectors; side++) {
                sums[i][side] = fused_multiply_add(splat(a[i]), values[side], sums[i][side]);
            }
        }
    }
    if (rows >= height) {
#pragma clang loop unroll(full)
        for (int i = 0; i < height; i++) {
            // The narrower tile would have been taken if C did not have all of the first vector.
            if (vectors == 2) write_sums(sums[i][0], i, 0, TILE_COLUMNS, out);
            write_sums(sums[i][vectors - 1], i, (vectors - 1) * LANES, columns, out);
        }
        return;
    }
    float spilled[TILE_ROWS * TILE_COLUMNS];
#pragma clang loop unroll(full)
    for (int i = 0; i < height; i++) {
        for (int side = 0; side < vectors; side++) store(spilled + (2 * i + side) * LANES, sums[i][side]);
    }
    for (long i = 0; i < rows; i++) {
        for (long c = 0; c < vectors * LANES && c < columns; c += LANES) {
            write_sums(load(spilled + 2 * i * LANES + c), i, c, columns, out);
        }
    }
}

/// The smallest tile, of three heights and two widths, that covers what C has here: products with padding are for
/// nothing. (At n = 240 and 32 columns a tile, the last whole tile would be half padding; at m = 64 and 12 rows, most.)
static void multiply_panels(long k, const float *a, const float *b, long rows, long columns, const tile_output *out) {
    const int is_wide = columns > LANES;
    if (rows > 2 * TILE_THIRD) {
        if (is_wide) {
            multiply_tile(TILE_ROWS, 2, k, a, b, rows, columns, out);
        } else {
            multiply_tile(TILE_ROWS, 1, k, a, b, rows, columns, out);
        }
    } else if (rows > TILE_THIRD) {
        if (is_wide) {
            multiply_tile(2 * TILE_THIRD, 2, k, a, b, rows, columns, out);
        } else {
            multiply_tile(2 * TILE_THIRD, 1, k, a, b, rows, columns, out);
        }
    } else {
        if (is_wide) {
            multiply_tile(TILE_THIRD, 2, k, a, b, rows, columns, out);
        } else {
            multiply_tile(TILE_THIRD, 1, k, a, b, rows, columns, out);
        }
    }
}
