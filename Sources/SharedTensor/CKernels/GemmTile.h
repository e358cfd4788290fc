// SPDX-License-Identifier: Apache-2.0

// The innermost part of the matrix product: one tile of C, held in registers while k runs.

// A level sets the size of a tile: its rows and vectors (TILE_ROWS, TILE_VECTORS), its rows in panels of one vector or two
// (NARROW_ROWS), and the rows of the low tiles that end a block (LOW_ROWS). With 32 registers 8 rows by 3 vectors need 11
// loads a step where 12 by 2 need 14, and 240, 720 and 768 columns are whole tiles.
#define TILE_COLUMNS (TILE_VECTORS * LANES)
_Static_assert(TILE_ROWS % LOW_ROWS == 0 && NARROW_ROWS % LOW_ROWS == 0, "rows of low tiles are rows of any");
_Static_assert(PPT_GEMM_ROW_GRAIN % LOW_ROWS == 0, "a grain of rows has no rest");
_Static_assert(NARROW_ROWS >= TILE_ROWS, "the narrow ones are the high ones");

/// How finished sums are written to C.
typedef struct {
    float *c; // the tile's corner
    long ldc;
    const float *beside; // the corner of the tile that comes after the lowest one
    long rows, columns; // that C has from there on; what a tile has beyond them is not written
    const float *bias;  // of the tile's first column, or NULL
    const float *gate;  // the tile's corner in the gate, for PPT_GATED
    long ldgate;
    const float *gate_beside; // as beside, in the gate
    int adds; // to what C holds
    ppt_ending ending;
} tile_output;

/// Writes one vector of a tile's row `i` at `s`. What `out` says of both is given again, for loops to be compiled for it.
INLINE void write_sums(const int adds, const ppt_ending ending, vector sums, long i, span s, const tile_output *out) {
    float *row = out->c + i * out->ldc;
    const vector zero = splat(0.0f), sum = adds ? get(row, s) + sums : sums;
    const vector biased = ending != PPT_GATED && out->bias ? sum + get(out->bias, s) : sum;
    switch (ending) {
    case PPT_PLAIN: return put(row, s, biased);
    case PPT_RECTIFIED: return put(row, s, larger(zero, biased)); // NaN stays NaN, to be seen
    case PPT_GATED: return put(row, s, get(out->gate + i * out->ldgate, s) > zero ? sum : zero);
    }
}

/// A tile of which C has everything.
INLINE void write_whole(const int height, const int vectors, const int adds, const ppt_ending ending,
                        vector sums[NARROW_ROWS][TILE_VECTORS], const tile_output *out) {
#pragma clang loop unroll(full)
    for (long i = 0; i < height; i++) {
#pragma clang loop unroll(full)
        for (long side = 0; side < vectors; side++) {
            write_sums(adds, ending, sums[i][side], i, (span){side * LANES, LANES}, out);
        }
    }
}

INLINE void write_tile(const int height, const int vectors, vector sums[NARROW_ROWS][TILE_VECTORS],
                       const tile_output *out) {
    if (height > LOW_ROWS && out->columns >= vectors * LANES) {
        if (out->ending == PPT_PLAIN && out->adds) return write_whole(height, vectors, 1, PPT_PLAIN, sums, out);
        if (out->ending == PPT_PLAIN) return write_whole(height, vectors, 0, PPT_PLAIN, sums, out);
        if (out->ending == PPT_RECTIFIED) return write_whole(height, vectors, out->adds, PPT_RECTIFIED, sums, out);
        return write_whole(height, vectors, out->adds, PPT_GATED, sums, out);
    }
#pragma clang loop unroll(full)
    for (long i = 0; i < height; i++) {
        if (i >= out->rows) return;
#pragma clang loop unroll(full)
        for (long side = 0; side < vectors; side++) {
            write_sums(out->adds, out->ending, sums[i][side], i, span_at(side * LANES, out->columns), out);
        }
    }
}

/// What is going to be read or packed next, as wide as a panel: its rows are fetched one at a time while tiles are multiplied.
/// In one burst they would fill the queue that the tile's own loads go through.
typedef struct {
    const float *row;
    long stride, rows;
} upcoming;

INLINE void fetch_some(upcoming *next) {
    if (next->rows <= 0) return;
    for (long i = 0; i < TILE_COLUMNS; i += 16) __builtin_prefetch(next->row + i);
    next->row += next->stride;
    next->rows--;
}

/// Fetches row `i` of the tile that comes next, to be written, and of its gate. Beyond the last one a fetch does no harm.
INLINE void fetch_next_tile(const int height, const int vectors, long i, const tile_output *out) {
    if (i >= height) return;
    const float *next = height < out->rows ? out->c + height * out->ldc : out->beside;
#pragma clang loop unroll(full)
    for (int side = 0; side < vectors; side++) __builtin_prefetch(next + i * out->ldc + side * LANES, 1);
    if (!out->gate) return;
    const float *gate = height < out->rows ? out->gate + height * out->ldgate : out->gate_beside;
#pragma clang loop unroll(full)
    for (int side = 0; side < vectors; side++) __builtin_prefetch(gate + i * out->ldgate + side * LANES);
}

#define STEPS_A_FETCH 8

/// One tile of `height` rows and `vectors` vectors: the sums over k of the products of rows of A, read where they are,
/// and a panel of B that is as wide.
INLINE void multiply_tile(const int height, const int vectors, const int is_along, long k, factor a, const float *b,
                          upcoming *next, const tile_output *out) {
    // One pointer for some rows: few enough pointers for the registers, and few enough multiples of the stride.
    const float *rows[NARROW_ROWS / LOW_ROWS];
    for (int i = 0; i < height / LOW_ROWS; i++) rows[i] = a.x + i * LOW_ROWS * a.stride;
    // Every index into `sums` is a constant once loops are unrolled: only so does it stay in registers.
    vector sums[NARROW_ROWS][TILE_VECTORS] = {{{0}}};
    for (long p = 0; p < k;) {
        fetch_some(next);
        fetch_next_tile(height, vectors, p / STEPS_A_FETCH, out);
        // Unrolled, steps along rows need no additions to pointers.
#pragma clang loop unroll_count(STEPS_A_FETCH)
        for (const long end = smaller(k, p + STEPS_A_FETCH); p < end; p++, b += vectors * LANES) {
            vector values[TILE_VECTORS];
#pragma clang loop unroll(full)
            for (int side = 0; side < vectors; side++) values[side] = load(b + side * LANES);
#pragma clang loop unroll(full)
            for (int i = 0; i < height; i++) {
                const float *row = rows[i / LOW_ROWS] + i % LOW_ROWS * a.stride;
                const vector element = splat(is_along ? a.x[i] : *row);
#pragma clang loop unroll(full)
                for (int side = 0; side < vectors; side++) {
                    sums[i][side] = fused_multiply_add(element, values[side], sums[i][side]);
                }
            }
            // A step of a transposed A that is read in place is on a line of its own: the tile's below is fetched. (In a
            // packed panel this is a step that comes soon, and does no harm.)
            if (is_along) __builtin_prefetch(a.x + 2 * height - 1);
            a.x += a.stride;
#pragma clang loop unroll(full)
            for (int i = 0; i < height / LOW_ROWS; i++) rows[i]++;
        }
    }
    write_tile(height, vectors, sums, out);
}

INLINE void multiply_wide(const int height, const int vectors, long k, factor a, const float *b, upcoming *next,
                          const tile_output *out) {
    if (a.is_along) {
        multiply_tile(height, vectors, 1, k, a, b, next, out);
    } else {
        multiply_tile(height, vectors, 0, k, a, b, next, out);
    }
}

/// A tile as high as they are, or a low one where C has fewer rows left. Returns its height.
INLINE long multiply_high(const int height, const int vectors, long k, factor a, const float *b, upcoming *next,
                          const tile_output *out) {
    if (out->rows >= height) {
        multiply_wide(height, vectors, k, a, b, next, out);
        return height;
    }
    multiply_wide(LOW_ROWS, vectors, k, a, b, next, out);
    return LOW_ROWS;
}

/// A tile by a panel of so many vectors; `a` has as many rows as the tile. Returns its height.
static long multiply_panels(long k, const float *rows, long stride, long is_along, const float *b, long vectors,
                            upcoming *next, const tile_output *out) {
    const factor a = {rows, stride, is_along};
    switch (vectors) {
    case 1: return multiply_high(NARROW_ROWS, 1, k, a, b, next, out);
    case 2: return multiply_high(NARROW_ROWS, 2, k, a, b, next, out);
    default: return multiply_high(TILE_ROWS, TILE_VECTORS, k, a, b, next, out);
    }
}
