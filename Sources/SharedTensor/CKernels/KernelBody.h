// One SIMD level's kernels, from the one source for all levels. The including file sets LEVEL_NAME, LANES, TILE_ROWS,
// HAS_FMA and TABLE, and the target attributes around it.
#include "CKernels.h"

#include <math.h>
#include <stddef.h>

#include "Vector.h"

#include "Elementwise.h"
#include "Gemm.h"
#include "Rows.h"

const ppt_kernels TABLE = {
    .name = LEVEL_NAME,
    .gemm = gemm,
    .add = add,
    .column_sum = column_sum,
    .relu = relu,
    .relu_backward = relu_backward,
    .gelu = gelu,
    .gelu_backward = gelu_backward,
    .layer_norm = layer_norm,
    .layer_norm_backward_input = layer_norm_backward_input,
    .layer_norm_backward_weights = layer_norm_backward_weights,
    .softmax = softmax,
    .softmax_backward = softmax_backward,
    .cross_entropy = cross_entropy,
    .embedding = embedding,
    .embedding_backward = embedding_backward,
    .adam = adam,
    .sgd = sgd,
};
