// SPDX-License-Identifier: Apache-2.0

// Kernels for x86-64 CPUs with AVX2 and FMA: vectors of eight, sixteen registers.
#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>
#include <stddef.h>

#include "CKernels.h"

#define LEVEL_NAME "avx2"
#define LANES 8
#define TILE_ROWS 6 // of 3 vectors, 4 rows would take all sixteen registers
#define TILE_VECTORS 2
#define NARROW_ROWS TILE_ROWS
#define LOW_ROWS 2
#define HAS_FMA 1
#define TABLE ppt_kernels_avx2

// Masked accesses, the only intrinsics here: a lane that is masked off touches no memory.
#define LOAD_PART(from, count) _mm256_maskload_ps(from, (__m256i)first_lanes(count))
#define STORE_PART(to, v, count) _mm256_maskstore_ps(to, (__m256i)first_lanes(count), v)

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "KernelBody.h"
#pragma clang attribute pop
#else
typedef int nothing_here_for_this_architecture;
#endif
