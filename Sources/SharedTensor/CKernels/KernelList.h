// SPDX-License-Identifier: Apache-2.0

// All kernels, by the files that have them. Each file of this list is two: where KERNEL is defined, what its kernels promise,
// as KERNEL(result, name, parameters); and where it is not, their code, for one SIMD level.
//
// A new kernel is a file like these and a line here, and `extension Kernels` in a Swift file.

#include "Elementwise.h"
#include "RowSums.h"

#include "Activations.h"
#include "Dropout.h"
#include "Embedding.h"
#include "LayerNorm.h"
#include "Softmax.h"

#include "Panels.h"

#include "Gemm.h"

#include "Optimizers.h"

#include "Peak.h"
