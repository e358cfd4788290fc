// Matrix product after Goto and van de Geijn (2008): blocks of A and panels of B are packed, so that the innermost loop
// reads both in order and from the cache, and tiles of C stay in registers.
//
// Bits: each element of C is a sum over k in ascending order, in runs whose length follows from k alone, whatever tile
// it falls into; tiles at the edges do the same operations for each element. So the bits of c[i, j] depend on row i of
// op(A), column j of op(B), and k. Blocks of rows and columns, and the order of tiles, may be chosen freely.

#define BLOCK_ROWS 240
#define BLOCK_COLUMNS 1024
#define BLOCK_K 256

_Static_assert(BLOCK_ROWS % TILE_ROWS == 0 && BLOCK_COLUMNS % TILE_COLUMNS == 0, "blocks are whole tiles");
_Static_assert(BLOCK_ROWS * BLOCK_K + BLOCK_K * BLOCK_COLUMNS <= PPT_GEMM_WORKSPACE_FLOATS, "both blocks fit");

/// A block of C, from row i and column j on, and the run of k from p on that is added to it.
typedef struct {
    long i, j, p, rows, columns, k;
} block;

/// The tiles of one panel of B by all panels of a block of A. Between tiles, `next_columns` of B after this panel are
/// fetched, to be packed next: without that, packing would wait for memory.
static void multiply_panel(const ppt_gemm *g, const block *at, const float *packed_a, const float *panel, long j,
                           factor b, long next_columns) {
    const long tiles = (at->rows + TILE_ROWS - 1) / TILE_ROWS;
    const tile_output first = {
        .c = g->c + at->i * g->ldc + j, .ldc = g->ldc, .alpha = g->alpha,
        .bias = g->bias && at->p == 0 ? g->bias + j : NULL, .adds = g->accumulate || at->p > 0};
    for (long tile = 0; tile < tiles; tile++) {
        if (next_columns > 0) fetch(b, j + TILE_COLUMNS, at->p, next_columns, at->k, tile, tiles);
        const long i = tile * TILE_ROWS;
        tile_output out = first;
        out.c += i * g->ldc;
        multiply_panels(at->k, packed_a + i * at->k, panel, at->rows - i, at->j + at->columns - j, &out);
    }
}

/// All tiles of a block. The panels of B are packed at the first block of rows, each just before its use, and are there
/// for the blocks below.
static void multiply_block(const ppt_gemm *g, const block *at, const float *packed_a, float *packed_b) {
    const factor b = {g->b, g->ldb, !g->transpose_b};
    const int is_packing = at->i == 0;
    for (long done = 0; done < at->columns; done += TILE_COLUMNS) {
        const long columns = smaller(TILE_COLUMNS, at->columns - done);
        const long next_columns = is_packing ? smaller(TILE_COLUMNS, at->columns - done - columns) : 0;
        float *panel = packed_b + done * at->k;
        if (is_packing) pack(b, at->j + done, at->p, columns, at->k, panel, TILE_COLUMNS);
        multiply_panel(g, at, packed_a, panel, at->j + done, b, next_columns);
    }
}

static void gemm(const ppt_gemm *g) {
    const factor a = {g->a, g->lda, g->transpose_a};
    float *packed_a = g->workspace, *packed_b = g->workspace + BLOCK_ROWS * BLOCK_K;
    // Runs of k of about equal length, the last one not longer.
    const long runs = (g->k + BLOCK_K - 1) / BLOCK_K, run = (g->k + runs - 1) / runs;
    for (long p = 0; p < g->k; p += run) {
        for (long j = 0; j < g->n; j += BLOCK_COLUMNS) {
            for (long i = 0; i < g->m; i += BLOCK_ROWS) {
                const block at = {
                    i, j, p, smaller(BLOCK_ROWS, g->m - i), smaller(BLOCK_COLUMNS, g->n - j), smaller(run, g->k - p)};
                // A that is one block high stays packed while the blocks of B change.
                if (j == 0 || g->m > BLOCK_ROWS) pack(a, i, p, at.rows, at.k, packed_a, TILE_ROWS);
                multiply_block(g, &at, packed_a, packed_b);
            }
        }
    }
}
