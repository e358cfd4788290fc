// Matrix product after Goto and van de Geijn (2008), with one side packed: panels of B are packed, so that the innermost
// loop reads them in order and from the first-level cache; rows of A are read where they are, from the second-level
// cache, since every element read is used for a whole row of a tile (but see CROWDED_STRIDE). Tiles of C stay in
// registers. A matrix that is B in many products, a weight, is packed for all of them (`pack_b`); C may lie in such
// panels too, for a weight's gradient.
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

// A packed matrix is its panels one after the other: panel j / TILE_COLUMNS holds columns j ..< j + TILE_COLUMNS, row by
// row. Runs of k are not kept apart, so that the layout serves for a factor and for C alike.

INLINE const float *panel_of_b(const ppt_gemm *g, long j, long p) { return g->packed_b + j * g->k + p * TILE_COLUMNS; }

static void pack_b(long k, long n, const float *b, long ldb, int transpose_b, float *to) {
    pack((factor){b, ldb, !transpose_b}, 0, 0, n, k, to, TILE_COLUMNS);
}

static void unpack_b(long k, long n, const float *packed, float *b, long ldb, int transpose_b) {
    for (long j = 0; j < n; j++) {
        const float *column = packed + j / TILE_COLUMNS * TILE_COLUMNS * k + j % TILE_COLUMNS;
        for (long p = 0; p < k; p++) *(transpose_b ? b + j * ldb + p : b + p * ldb + j) = column[p * TILE_COLUMNS];
    }
}

/// A panel crosses each panel of the transpose in a square, which lies in one piece in both. The squares that come next
/// are fetched, to be read and to be written; beyond the last one a fetch does no harm.
static void pack_transpose(long k, long n, ppt_range columns, const float *transpose, float *to) {
    const long square = TILE_COLUMNS * TILE_COLUMNS;
    for (long j = columns.from; j < columns.to; j += TILE_COLUMNS) {
        for (long p = 0; p < k; p += TILE_COLUMNS) {
            const float *from = transpose + p * n + j * TILE_COLUMNS;
            float *packed = to + j * k + p * TILE_COLUMNS;
            for (long i = 0; i < square; i += 16) {
                __builtin_prefetch(from + n * TILE_COLUMNS + i);
                __builtin_prefetch(packed + square + i, 1);
            }
            pack_across(from, TILE_COLUMNS, smaller(TILE_COLUMNS, n - j), smaller(TILE_COLUMNS, k - p), packed,
                        TILE_COLUMNS);
        }
    }
}

/// Steps of a stride that is a multiple of this, in floats, fall on so few sets of the first-level cache that a tile's lines
/// put each other out.
#define CROWDED_STRIDE 128

/// Where a block's packed rows start: the first when each step of k would be a crowded stride on; else the rest that is
/// less than the lowest tile.
INLINE long first_packed_row(const ppt_gemm *g, const block *at) {
    return g->transpose_a && g->lda % CROWDED_STRIDE == 0 ? 0 : at->rows / TILE_THIRD * TILE_THIRD;
}

/// A block's rows of A from row i on.
INLINE factor rows_of_a(const ppt_gemm *g, const block *at, long i) {
    const long row = i - first_packed_row(g, at);
    if (row >= 0) return (factor){g->workspace + row / TILE_ROWS * TILE_ROWS * at->k + row % TILE_ROWS, TILE_ROWS, 1};
    const factor a = {g->a, g->lda, g->transpose_a};
    return (factor){element(a, at->i + i, at->p), g->lda, g->transpose_a};
}

/// The tiles of one panel of B by the rows of a block of A.
static void multiply_panel(const ppt_gemm *g, const block *at, const float *panel, long j, upcoming *next) {
    const int is_last = at->p + at->k == g->k; // only complete sums get the bias, and the ending
    tile_output out = {
        .c = g->packed_c ? g->packed_c + j * g->m + at->i * TILE_COLUMNS : g->c + at->i * g->ldc + j,
        .ldc = g->packed_c ? TILE_COLUMNS : g->ldc, .rows = at->rows, .columns = at->j + at->columns - j,
        .bias = g->bias && is_last ? g->bias + j : NULL, .adds = g->accumulate || at->p > 0,
        .ending = is_last ? g->ending : PPT_PLAIN, .gate = g->gate && is_last ? g->gate + at->i * g->ldgate + j : NULL,
        .ldgate = g->ldgate};
    out.beside = out.c + (g->packed_c ? TILE_COLUMNS * g->m : TILE_COLUMNS);
    out.gate_beside = out.gate ? out.gate + TILE_COLUMNS : NULL;
    while (out.rows > 0) {
        const factor rows = rows_of_a(g, at, at->rows - out.rows);
        const long height = multiply_panels(at->k, rows.x, rows.stride, rows.is_along, panel, next, &out);
        out.rows -= height;
        out.c += height * out.ldc;
        if (out.gate) out.gate += height * g->ldgate;
    }
}

/// The panel of B that is needed after column j's: the block's next one, or the next run's first.
INLINE upcoming panel_after(const ppt_gemm *g, const block *at, long j) {
    const long next = j + TILE_COLUMNS < g->columns.to ? j + TILE_COLUMNS : g->columns.from;
    const long p = next > j ? at->p : at->p + at->k, k = smaller(at->k, g->k - p);
    if (g->packed_b) return (upcoming){panel_of_b(g, next, p), TILE_COLUMNS, k};
    const int is_next_block = at->i == g->rows.from && !g->transpose_b;
    return (upcoming){g->b + p * g->ldb + next, g->ldb, is_next_block ? k : 0};
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
    // Where no other block of rows needs them, all panels of B take one place, which the first-level cache holds.
    const long place = g->rows.to - g->rows.from > BLOCK_ROWS ? at->k : 0;
    float *packed_here = g->workspace + BLOCK_K * BLOCK_ROWS;
    for (long done = 0; done < at->columns; done += TILE_COLUMNS) {
        const float *panel = packed_here + done * place;
        upcoming next = panel_after(g, at, at->j + done);
        if (g->packed_b) {
            panel = panel_of_b(g, at->j + done, at->p);
        } else if (at->i == g->rows.from) {
            const factor b = {g->b, g->ldb, !g->transpose_b};
            pack(b, at->j + done, at->p, smaller(TILE_COLUMNS, at->columns - done), at->k,
                 packed_here + done * place, TILE_COLUMNS);
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
