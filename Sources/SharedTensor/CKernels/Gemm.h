// Matrix product after Goto and van de Geijn (2008), with one side packed: panels of B are packed, so that the innermost
// loop reads them in order and from the first-level cache; rows of A are read where they are, from the second-level
// cache, since every element read is used for a whole row of a tile. Tiles of C stay in registers. A matrix that is B in
// many products, a weight, is packed once for all of them (`pack_b`).
//
// Bits: each element of C is a sum over k in ascending order, in runs whose length follows from k alone, whatever tile
// it falls into; tiles at the edges do the same operations for each element. So the bits of c[i, j] depend on row i of
// op(A), column j of op(B), and k. Blocks of rows and columns, the order of tiles, and who packed may be chosen freely.

#define BLOCK_ROWS 240
#define BLOCK_COLUMNS 1024
#define BLOCK_K 256

_Static_assert(BLOCK_ROWS % TILE_ROWS == 0 && BLOCK_COLUMNS % TILE_COLUMNS == 0, "blocks are whole tiles");
_Static_assert(BLOCK_K * (BLOCK_ROWS + BLOCK_COLUMNS) <= PPT_GEMM_WORKSPACE_FLOATS, "a block of each side fits");
_Static_assert(PPT_GEMM_PANEL_COLUMNS % TILE_COLUMNS == 0, "packed matrices have room for whole panels");

/// A block of C, from row i and column j on, and the run of k from p on that is added to it.
typedef struct {
    long i, j, p, rows, columns, k;
} block;

/// Runs of k of about equal length, the last one not longer.
INLINE long run_length(long k) {
    const long runs = (k + BLOCK_K - 1) / BLOCK_K;
    return (k + runs - 1) / runs;
}

INLINE long padded_columns(long n) { return (n + TILE_COLUMNS - 1) / TILE_COLUMNS * TILE_COLUMNS; }

static void pack_b(long k, long n, ppt_range columns, const float *b, long ldb, int transpose_b, float *to) {
    const factor f = {b, ldb, !transpose_b};
    for (long p = 0; p < k; p += run_length(k)) {
        const long run = smaller(run_length(k), k - p);
        float *panels = to + p * padded_columns(n) + columns.from * run;
        pack(f, columns.from, p, columns.to - columns.from, run, panels, TILE_COLUMNS);
    }
}

/// Where a block's packed rows start: the first when A is stored across, since k runs along lines of the cache then; else
/// the rest that is less than the lowest tile.
INLINE long first_packed_row(const ppt_gemm *g, const block *at) {
    return g->transpose_a ? 0 : at->rows / TILE_THIRD * TILE_THIRD;
}

/// A block's rows of A from row i on.
INLINE factor rows_of_a(const ppt_gemm *g, const block *at, long i) {
    const long row = i - first_packed_row(g, at);
    if (row >= 0) return (factor){g->workspace + row / TILE_ROWS * TILE_ROWS * at->k + row % TILE_ROWS, TILE_ROWS, 1};
    return (factor){g->a + (at->i + i) * g->lda + at->p, g->lda, 0};
}

/// The tiles of one panel of B by the rows of a block of A.
static void multiply_panel(const ppt_gemm *g, const block *at, const float *panel, long j, upcoming *next) {
    const int is_last = at->p + at->k == g->k; // only complete sums get the bias, and the ending
    tile_output out = {
        .c = g->c + at->i * g->ldc + j, .ldc = g->ldc, .rows = at->rows, .columns = at->j + at->columns - j,
        .bias = g->bias && is_last ? g->bias + j : NULL, .adds = g->accumulate || at->p > 0,
        .ending = is_last ? g->ending : PPT_PLAIN, .gate = g->gate ? g->gate + at->i * g->ldgate + j : NULL,
        .ldgate = g->ldgate};
    while (out.rows > 0) {
        const factor rows = rows_of_a(g, at, at->rows - out.rows);
        const long height = multiply_panels(at->k, rows.x, rows.stride, rows.is_along, panel, next, &out);
        out.rows -= height;
        out.c += height * g->ldc;
        if (g->gate) out.gate += height * g->ldgate;
    }
}

/// All tiles of a block. Panels of B that are not packed yet are at the first block of rows, each just before its use,
/// and are there for the blocks below.
static void multiply_block(const ppt_gemm *g, const block *at) {
    const factor a = {g->a, g->lda, g->transpose_a};
    const long first = first_packed_row(g, at);
    // A that is one block high stays packed while the blocks of B change.
    const int is_packed = at->j > g->columns.from && g->rows.to - g->rows.from <= BLOCK_ROWS;
    if (first < at->rows && !is_packed) {
        pack(a, at->i + first, at->p, at->rows - first, at->k, g->workspace, TILE_ROWS);
    }
    float *packed_here = g->workspace + BLOCK_K * BLOCK_ROWS;
    for (long done = 0; done < at->columns; done += TILE_COLUMNS) {
        const float *panel = packed_here + done * at->k;
        upcoming next = {0};
        if (g->packed_b) {
            panel = g->packed_b + at->p * padded_columns(g->n) + (at->j + done) * at->k;
            const long next_columns = smaller(TILE_COLUMNS, padded_columns(g->n) - (at->j + done) - TILE_COLUMNS);
            next.at = (const char *)(panel + at->k * TILE_COLUMNS);
            next.end = next.at + at->k * next_columns * (long)sizeof(float);
        } else if (at->i == g->rows.from) {
            const factor b = {g->b, g->ldb, !g->transpose_b};
            pack(b, at->j + done, at->p, smaller(TILE_COLUMNS, at->columns - done), at->k,
                 packed_here + done * at->k, TILE_COLUMNS);
        }
        multiply_panel(g, at, panel, at->j + done, &next);
    }
}

static void gemm(const ppt_gemm *g) {
    const long run = run_length(g->k);
    for (long p = 0; p < g->k; p += run) {
        for (long j = g->columns.from; j < g->columns.to; j += BLOCK_COLUMNS) {
            for (long i = g->rows.from; i < g->rows.to; i += BLOCK_ROWS) {
                const block at = {i, j, p, smaller(BLOCK_ROWS, g->rows.to - i), smaller(BLOCK_COLUMNS, g->columns.to - j),
                                  smaller(run, g->k - p)};
                multiply_block(g, &at);
            }
        }
    }
}
