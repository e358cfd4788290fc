// One SIMD level's kernels, from the one source for all levels. The including file includes CKernels.h, math.h and
// stddef.h, sets LEVEL_NAME, LANES, TILE_ROWS, TILE_VECTORS, NARROW_ROWS, LOW_ROWS, HAS_FMA and TABLE, may set LOAD_PART and
// STORE_PART, and puts the target attributes around this. Everything but the table is static: the same names exist once for
// each level.
#include "Vector.h"
#include "VectorMath.h"

#include "Elementwise.h"
#include "RowSums.h"

#include "Dropout.h"

#include "LayerNorm.h"
#include "Softmax.h"

#include "Packing.h"

#include "GemmTile.h"

#include "Panels.h"

#include "Gemm.h"

#include "Peak.h"

const ppt_kernels TABLE = {
    .name = LEVEL_NAME,
    .gemm = gemm,
    .pack_b = pack_b,
    .unpack_b = unpack_b,
    .pack_transpose = pack_transpose,
    .add = add,
    .column_sum = column_sum,
    .relu = relu,
    .relu_backward = relu_backward,
    .gelu = gelu,
    .gelu_backward = gelu_backward,
    .layer_norm = layer_norm,
    .layer_norm_backward_input = layer_norm_backward_input,
    .layer_norm_backward_weights = layer_norm_backward_weights,
    .dropout = dropout,
    .softmax = softmax,
    .softmax_again = softmax_again,
    .softmax_backward = softmax_backward,
    .cross_entropy = cross_entropy,
    .embedding = embedding,
    .embedding_backward = embedding_backward,
    .adam = adam,
    .sgd = sgd,
    .peak_work = peak_work,
    .peak_flops_a_step = 2 * LANES * PEAK_SUMS,
};
