// SPDX-License-Identifier: Apache-2.0

// The compute kernels behind one table.
//
// Everything a layer computes goes through a `ppt_kernels` table. There is one table for each SIMD level; all are built
// from the same source (KernelBody.h) under different target attributes, and one is chosen once, at start, by
// ppt_kernels_at. KernelList.h says what is in it. There is no ifunc and no target_clones: their resolvers run before the thread sanitizer does.
//
// What every kernel promises:
// - fp32, row-major. `rows`, `columns`, `m`, `n`, `k` count elements; a stride (`ld...`) is in elements between row
//   starts.
// - No allocation, no global state, no system call; callable from any thread at the same time on different outputs.
// - Bits: an output element depends on the values that define it and on the length of its reduction alone (of a product,
//   also on whether A is transposed); not on the pointer's alignment, the element's index in the array, or how many rows
//   and columns are computed beside it. So splitting rows or columns over ranks or threads never changes a bit within one SIMD level.
// - Any size from 1 up, round or not; no alignment is required. Inputs and outputs overlap only where a comment says
//   so.
#ifndef CKERNELS_H
#define CKERNELS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Floats of scratch that `gemm` packs its panels into; one such buffer for each thread that calls it, 64-byte aligned.
#define PPT_GEMM_WORKSPACE_FLOATS 331776
/// Where some columns of C may start: at a multiple of this, at every level.
#define PPT_GEMM_PANEL_COLUMNS 48
/// Columns that a packed matrix has room for are a multiple of this, at every level.
#define PPT_GEMM_PACKED_COLUMNS 16
/// Rows of C that are fast to compute together, at every level, are a multiple of this.
#define PPT_GEMM_ROW_GRAIN 4

/// What a product does with finished sums before it writes them: saves another pass over C.
typedef enum ppt_ending {
    PPT_PLAIN,
    PPT_RECTIFIED, ///< the larger of the sum and 0; NaN stays NaN
    PPT_GATED      ///< the sum where the gate is positive, else 0; there is no bias then
} ppt_ending;

/// Some of the rows or columns of a matrix.
typedef struct ppt_range {
    long from, to;
} ppt_range;

/// C [m, n] = ending(op(A) op(B) + bias), or of C + op(A) op(B) + bias. Only the given part of C is computed; the rest is
/// not touched.
typedef struct ppt_gemm {
    long m, n, k;
    ppt_range rows;    ///< of C
    ppt_range columns; ///< of C; `from` is a multiple of PPT_GEMM_PANEL_COLUMNS
    const float *a;    ///< op(A) is [m, k]: A itself, or A stored as [k, m] when transpose_a is set
    long lda;
    int transpose_a;
    const float *b;    ///< op(B) is [k, n]: B itself, or B stored as [n, k] when transpose_b is set
    long ldb;
    int transpose_b;
    const float *packed_b; ///< op(B) as `pack_b` packs it, and then b, ldb and transpose_b are not looked at; or NULL
    float *packed_transpose; ///< where packed_b's transpose is packed on the way (by whoever computes row 0 of C), as by
                             ///< `pack_transpose`; or NULL
    float *c;
    long ldc;
    float *packed_c;   ///< C as `pack_b` packs it, its padding left alone, and then c and ldc are not looked at; or NULL
    int accumulate;    ///< 0: C is overwritten (and may hold NaN before); 1: added to
    float *column_sums; ///< n values, to which a B that is not packed has the sums of its columns added (by whoever computes
                        ///< row 0 of C), the same bits as from `column_sum`; or NULL
    const float *bias; ///< n values added to each row of C, or NULL
    ppt_ending ending;
    const float *gate; ///< [m, n] for PPT_GATED, else NULL
    long ldgate;
    float *workspace;  ///< PPT_GEMM_WORKSPACE_FLOATS floats
} ppt_gemm;

/// Adam as torch.optim.Adam computes it (no decay, no amsgrad); the caller computes the two corrections for its step t.
typedef struct ppt_adam {
    float beta1, beta2, epsilon;
    float rest1, rest2; ///< 1 - beta1, 1 - beta2, rounded from double: in fp32 the subtraction would lose digits
    float step_size;  ///< lr / (1 - beta1^t)
    float root_scale; ///< 1 / sqrt(1 - beta2^t)
} ppt_adam;

/// Which elements dropout keeps: element e of a tensor takes a word of Philox4x32-10 with this key, at counter
/// (16 (e / 64) + e % 16 as 64 bits, microbatch, step), output word e % 64 / 16; it is kept unless that word is below
/// `threshold`. The same at every SIMD level.
typedef struct ppt_dropout {
    uint32_t key[2];
    uint32_t microbatch, step;
    uint64_t first;     ///< number of x[0] in the tensor that x is a part of
    uint32_t threshold; ///< 2^32 times the share that is dropped
    float scale;        ///< of what is kept
} ppt_dropout;

/// What one SIMD level computes with. Each kernel's file (KernelList.h) says what the kernel promises.
typedef struct ppt_kernels {
    const char *name; ///< "portable", "avx2" or "avx512"
#define KERNEL(result, name, parameters) result(*name) parameters;
#include "../KernelList.h"
#undef KERNEL
} ppt_kernels;

typedef enum ppt_simd_level { PPT_SIMD_PORTABLE = 0, PPT_SIMD_AVX2 = 1, PPT_SIMD_AVX512 = 2 } ppt_simd_level;

/// The highest level this CPU (and its operating system's saved state) can run.
ppt_simd_level ppt_simd_best(void);
/// The table of a level, or NULL when this CPU, or this build's architecture, cannot run it.
const ppt_kernels *ppt_kernels_at(ppt_simd_level level);

#ifdef __cplusplus
}
#endif
#endif
