// Kernels for x86-64 CPUs with AVX-512: vectors of sixteen, thirty-two registers.
#if defined(__x86_64__)
#include <math.h>
#include <stddef.h>
#include "CKernels.h"

#define LEVEL_NAME "avx512"
#define LANES 16
#define TILE_ROWS 12
#define HAS_FMA 1
#define TABLE ppt_kernels_avx512
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,fma"))), apply_to = function)
#include "KernelBody.h"
#pragma clang attribute pop
#else
typedef int nothing_here_for_this_architecture;
#endif
