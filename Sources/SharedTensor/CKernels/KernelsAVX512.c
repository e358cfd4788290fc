// SPDX-License-Identifier: Apache-2.0

// Kernels for x86-64 CPUs with AVX-512: vectors of sixteen, thirty-two registers.
#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>
#include <stddef.h>

#include "CKernels.h"

#define LEVEL_NAME "avx512"
#define LANES 16
#define TILE_ROWS 8
#define TILE_VECTORS 3
#define NARROW_ROWS 12
#define LOW_ROWS 4
#define HAS_FMA 1
#define TABLE ppt_kernels_avx512

// Masked accesses, the only intrinsics here: a lane that is masked off touches no memory.
#define LOW_BITS(count) ((__mmask16)((1u << (count)) - 1))
#define LOAD_PART(from, count) _mm512_maskz_loadu_ps(LOW_BITS(count), from)
#define STORE_PART(to, v, count) _mm512_mask_storeu_ps(to, LOW_BITS(count), v)

#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,fma"))), apply_to = function)
#include "KernelBody.h"
#pragma clang attribute pop
#else
typedef int nothing_here_for_this_architecture;
#endif
