// SPDX-License-Identifier: Apache-2.0

// Kernels for any CPU that clang knows: vectors of four, which are SSE on x86-64 and NEON on arm64.
#include <math.h>
#include <stddef.h>

#include "CKernels.h"

#define LEVEL_NAME "portable"
#define LANES 4
#define TILE_VECTORS 3
#define NARROW_ROWS TILE_ROWS
#define LOW_ROWS 4
#define TABLE ppt_kernels_portable
#if defined(__aarch64__)
#define HAS_FMA 1
#define TILE_ROWS 8
#else
#define HAS_FMA 0
#define TILE_ROWS 4
#endif

#include "KernelBody.h"
