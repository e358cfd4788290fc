// SPDX-License-Identifier: Apache-2.0

// One SIMD level's kernels, from the one source for all levels. The including file includes CKernels.h, math.h and
// stddef.h, sets LEVEL_NAME, LANES, TILE_ROWS, TILE_VECTORS, NARROW_ROWS, LOW_ROWS, HAS_FMA and TABLE, may set LOAD_PART and
// STORE_PART, and puts the target attributes around this. Everything but the table is static: the same names exist once for
// each level.
#include "Vector.h"
#include "VectorMath.h"

#include "Packing.h"

#include "GemmTile.h"

#include "KernelList.h"

const ppt_kernels TABLE = {
    .name = LEVEL_NAME,
#define KERNEL(result, kernel, parameters) .kernel = kernel,
#include "KernelList.h"
#undef KERNEL
};
