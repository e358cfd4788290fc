// SPDX-License-Identifier: Apache-2.0

// Matrix product after Goto and van de Geijn (2008), with one side packed: panels of B are packed, so that the innermost
// loop reads them in order and from the first-level cache; rows of A are read where they are, from the second-level
// cache, since every element read is used for a whole row of a tile (but see is_crowded). Tiles of C stay in registers. A
// matrix that is B in many products, a weight, is packed for all of them (`pack_b`); C may lie in such panels too, for a
// weight's gradient.
//
// Bits: each element of C is a sum over k in ascending order, in runs whose length follows from k and from whether A is
// transposed, whatever tile it falls into; tiles at the edges do the same operations for each element. So the bits of
// c[i, j] depend on row i of op(A), column j of op(B), k, and how A is stored. Blocks of rows and columns, the order of
// tiles, and who packed may be chosen freely.

#ifdef KERNEL

KERNEL(void, gemm, (const ppt_gemm *call))

#else

#define BLOCK_ROWS 240
#define BLOCK_COLUMNS 1056
#define BLOCK_K 256
// The longest runs where there are several: a panel of B and a tile's rows of A fit the first-level cache. A transposed A
// takes a line of it for every step.
#define RUN 224
#define RUN_TRANSPOSED 144

_Static_assert(BLOCK_ROWS % TILE_ROWS == 0 && BLOCK_ROWS % NARROW_ROWS == 0, "blocks have whole tiles of rows");
_Static_assert(BLOCK_COLUMNS % TILE_COLUMNS == 0, "blocks have whole tiles of columns");
_Static_assert(BLOCK_ROWS % LANES == 0, "rows of A are packed in whole vectors");
_Static_assert(BLOCK_K * (BLOCK_ROWS + BLOCK_COLUMNS) <= PPT_GEMM_WORKSPACE_FLOATS, "a block of each side fits");

/// A block of C, from row i and column j on, and the run of k from p on that is added to it.
typedef struct {
    long i, j, p, rows, columns, k;
    long widest;   // of its panels
    long in_place; // of its rows of A, the first ones, which are read where they are; the others are packed
} block;

/// Runs of k of about equal length, the last one not longer. Each reads and writes C again: one is best while it fits.
INLINE long run_length(const ppt_gemm *g) {
    if (!g->transpose_a && g->k <= BLOCK_K) return g->k;
    const long longest = g->transpose_a ? RUN_TRANSPOSED : RUN, runs = (g->k + longest - 1) / longest;
    return (g->k + runs - 1) / runs;
}

/// Whether so many steps of k of a block's transposed A fall on the same sets of the first-level cache that a tile's lines put
/// each other out. Of the 64 sets, steps that are a multiple of 2^i cache lines apart take 64 / 2^i.
INLINE int is_crowded(const ppt_gemm *g, const block *at) {
    const long lines = g->lda / 16, steps_a_set = at->k * (lines & -lines) / 64;
    return g->transpose_a && g->lda % 16 == 0 && steps_a_set >= 8;
}

/// The widest panel. Where no matrix is kept in panels, they are of about equal width.
INLINE long widest_panel(const ppt_gemm *g) {
    if (g->packed_b || g->packed_c) return TILE_COLUMNS;
    const long vectors = (g->columns.to - g->columns.from + LANES - 1) / LANES;
    const long panels = (vectors + TILE_VECTORS - 1) / TILE_VECTORS;
    return (vectors + panels - 1) / panels * LANES;
}

/// Rows of A that are read in place: none where they are crowded, else all but the rest that is less than a low tile.
INLINE long rows_in_place(const ppt_gemm *g, const block *at) {
    return is_crowded(g, at) ? 0 : at->rows / LOW_ROWS * LOW_ROWS;
}

/// Packs a block's rows of A that are not read in place: as one panel; of a transposed A, the steps of k as they are but closer
/// together.
static void pack_rows(const ppt_gemm *g, const block *at) {
    const factor a = {g->a, g->lda, g->transpose_a};
    const float *x = element(a, at->i + at->in_place, at->p);
    const long rows = at->rows - at->in_place;
    for (long p = 0; p < at->k; p++) {
        if (g->transpose_a) {
            float *to = g->workspace + p * BLOCK_ROWS;
            for (long row = 0; row < rows; row += 16) __builtin_prefetch(x + STEPS_A_FETCH * g->lda + row);
            FOR_EACH_SPAN(s, rows) store(to + s.first, get(x, s));
            x += g->lda;
        } else {
            float *to = g->workspace + p * LOW_ROWS;
            for (long row = 0; row < LOW_ROWS; row++) to[row] = row < rows ? x[row * g->lda + p] : 0.0f;
        }
    }
}

/// A block's rows of A from row i on.
INLINE factor rows_of_a(const ppt_gemm *g, const block *at, long i) {
    const long row = i - at->in_place;
    if (row >= 0) return (factor){g->workspace + row, g->transpose_a ? BLOCK_ROWS : LOW_ROWS, 1};
    const factor a = {g->a, g->lda, g->transpose_a};
    return (factor){element(a, at->i + i, at->p), g->lda, g->transpose_a};
}

/// A panel of B, as wide as the widest, of which some rows are packed before each tile: at once they would be waited for.
typedef struct {
    const float *row;
    long stride, rows; // that are left
    float *to;
} packed_ahead;

#define ROWS_PACKED_A_TILE 4

INLINE void pack_some(packed_ahead *ahead) {
    const long some = smaller(ROWS_PACKED_A_TILE, ahead->rows);
    pack_along(ahead->row, ahead->stride, TILE_COLUMNS, some, ahead->to, TILE_COLUMNS);
    ahead->row += some * ahead->stride;
    ahead->to += some * TILE_COLUMNS;
    ahead->rows -= some;
    for (long row = 0; row < some; row++) { // those of the next tile
        for (long lane = 0; lane < TILE_COLUMNS; lane += 16) __builtin_prefetch(ahead->row + row * ahead->stride + lane);
    }
}

/// The strips of a packed B's transpose that one panel of B has, one of which is packed before each tile: that panel is in the
/// first-level cache then.
typedef struct {
    transposition of;
    long j, end;         // the next strip's column, and where the run of k ends
    long p, first, last; // the next strip's row; rows of the transpose that are B's panel
} transpose_strips;

/// Those that begin in the run; none if they are not wanted, or another block of rows packs them.
INLINE transpose_strips strips_of_panel(const ppt_gemm *g, const block *at, long j, long width) {
    if (!g->packed_transpose || at->i > 0) return (transpose_strips){0};
    const transposition t = {g->n, g->k, g->packed_b, g->packed_transpose};
    const long start = (at->p + TILE_COLUMNS - 1) / TILE_COLUMNS * TILE_COLUMNS;
    return (transpose_strips){t, start, at->p + at->k, j, j, smaller(j + width, g->n)};
}

/// Packs the next strip, and has the memory of the one after it fetched. Returns whether there was one.
INLINE int pack_next_strip(transpose_strips *strips) {
    if (strips->j >= strips->end) return 0;
    pack_strip(&strips->of, strips->j, strips->p);
    strips->p += LANES;
    if (strips->p >= strips->last) {
        strips->p = strips->first;
        strips->j += TILE_COLUMNS;
    }
    const float *next = strip_at(&strips->of, strips->j, strips->p);
    for (long i = 0; i < LANES * TILE_COLUMNS; i += 16) __builtin_prefetch(next + i, 1);
    return 1;
}

/// The tiles of one panel of B, which is `width` wide, by the rows of a block of A.
static void multiply_panel(const ppt_gemm *g, const block *at, const float *panel, long j, long width, upcoming *next,
                           packed_ahead *ahead) {
    const int is_last = at->p + at->k == g->k; // only complete sums get the bias, and the ending
    tile_output out = {
        .c = g->packed_c ? g->packed_c + j * g->m + at->i * width : g->c + at->i * g->ldc + j,
        .ldc = g->packed_c ? width : g->ldc, .rows = at->rows, .columns = at->j + at->columns - j,
        .bias = g->bias && is_last ? g->bias + j : NULL, .adds = g->accumulate || at->p > 0,
        .ending = is_last ? g->ending : PPT_PLAIN, .gate = g->gate && is_last ? g->gate + at->i * g->ldgate + j : NULL,
        .ldgate = g->ldgate};
    out.beside = out.c + (g->packed_c ? width * g->m : width);
    out.gate_beside = out.gate ? out.gate + width : NULL;
    transpose_strips strips = strips_of_panel(g, at, j, width);
    while (out.rows > 0) {
        pack_some(ahead);
        pack_next_strip(&strips);
        const factor rows = rows_of_a(g, at, at->rows - out.rows);
        const long height = multiply_panels(at->k, rows.x, rows.stride, rows.is_along, panel, width / LANES, next, &out);
        out.rows -= height;
        out.c += height * out.ldc;
        if (out.gate) out.gate += height * g->ldgate;
    }
    while (ahead->rows > 0) pack_some(ahead);
    while (pack_next_strip(&strips)) {}
}

/// Where the packed matrix B has row p of the panel of column j.
INLINE const float *panel_of_b(const ppt_gemm *g, long j, long p) {
    return g->packed_b + panel_row(g->k, g->n, j, p);
}

INLINE int is_one_block_high(const ppt_gemm *g) { return g->rows.to - g->rows.from <= BLOCK_ROWS; }

/// Where a block's panel of column j is packed: beside all others where further blocks of rows need them; else in one of two
/// buffers, which the first-level cache holds, and of which one is filled while the other is read.
INLINE float *buffer_of_panel(const ppt_gemm *g, const block *at, long j) {
    float *const panels = g->workspace + BLOCK_K * BLOCK_ROWS;
    if (is_one_block_high(g)) return panels + (j - at->j) / at->widest % 2 * BLOCK_K * TILE_COLUMNS;
    return panels + (j - at->j) * at->k;
}

/// What is needed after column j's panel. That is another panel of B: the block's next one, or the next run's first. Below
/// the first block of rows, panels that are not packed for good are there already; then it is some columns of the transposed A
/// that the next block packs.
INLINE upcoming needed_after(const ppt_gemm *g, const block *at, long j) {
    const long next = j + at->widest < g->columns.to ? j + at->widest : g->columns.from;
    const long p = next > j ? at->p : at->p + at->k, k = smaller(at->k, g->k - p);
    if (g->packed_b) return (upcoming){panel_of_b(g, next, p), panel_width(g->n - next, TILE_COLUMNS), k};
    if (at->i == g->rows.from) return (upcoming){g->b + p * g->ldb + next, g->ldb, g->transpose_b ? 0 : k};
    const long slice = (j - at->j) / at->widest * TILE_COLUMNS, row = at->i + BLOCK_ROWS + slice;
    const int is_needed = at->in_place == 0 && slice < BLOCK_ROWS && row < g->rows.to;
    return (upcoming){g->a + at->p * g->lda + row, g->lda, is_needed ? at->k : 0};
}

/// The panel that can be packed while column j's is multiplied: a whole one, of a B that is stored row by row.
INLINE packed_ahead packed_beside(const ppt_gemm *g, const block *at, long j) {
    const long next = j + TILE_COLUMNS;
    if (g->transpose_b || at->widest < TILE_COLUMNS || at->j + at->columns - next < TILE_COLUMNS) return (packed_ahead){0};
    return (packed_ahead){g->b + at->p * g->ldb + next, g->ldb, at->k, buffer_of_panel(g, at, next)};
}

/// All tiles of a block. Panels of B that are not packed yet are at the first block of rows, each before its use, and are
/// there for the blocks below.
static void multiply_block(const ppt_gemm *g, const block *at) {
    const factor b = {g->b, g->ldb, !g->transpose_b};
    // A that is one block high stays packed while the blocks of B change.
    const int is_packed = at->j > g->columns.from && is_one_block_high(g);
    if (at->in_place < at->rows && !is_packed) pack_rows(g, at);
    const float *packed = NULL; // the panel that is there already
    for (long j = at->j; j < at->j + at->columns; j += at->widest) {
        const long left = at->j + at->columns - j, width = panel_width(left, at->widest);
        float *const buffer = buffer_of_panel(g, at, j);
        packed_ahead ahead = {0};
        if (!g->packed_b && at->i == g->rows.from) {
            if (packed != buffer) pack_panel(b, j, at->p, smaller(width, left), at->k, width, buffer);
            if (g->column_sums && at->i == 0) column_sum(at->k, smaller(width, left), buffer, width, g->column_sums + j);
            ahead = packed_beside(g, at, j);
            packed = ahead.to;
        }
        upcoming next = needed_after(g, at, ahead.to ? j + at->widest : j);
        multiply_panel(g, at, g->packed_b ? panel_of_b(g, j, at->p) : buffer, j, width, &next, &ahead);
    }
}

static void gemm(const ppt_gemm *g) {
    if (g->columns.from == g->columns.to) return; // a member of a team may have none
    const long run = run_length(g), widest = widest_panel(g);
    for (long p = 0; p < g->k; p += run) {
        for (long j = g->columns.from; j < g->columns.to; j += BLOCK_COLUMNS) {
            for (long i = g->rows.from; i < g->rows.to; i += BLOCK_ROWS) {
                block at = {i, j, p, smaller(BLOCK_ROWS, g->rows.to - i), smaller(BLOCK_COLUMNS, g->columns.to - j),
                            smaller(run, g->k - p), widest, 0};
                at.in_place = rows_in_place(g, &at);
                multiply_block(g, &at);
            }
        }
    }
}

#endif
