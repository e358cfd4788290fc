// SPDX-License-Identifier: Apache-2.0

// Which kernels this CPU can run. Asked once, at start; no ifunc and no constructor (see CKernels.h).
#include <stddef.h>

#include "CKernels.h"

extern const ppt_kernels ppt_kernels_portable;
#if defined(__x86_64__)
extern const ppt_kernels ppt_kernels_avx2;
extern const ppt_kernels ppt_kernels_avx512;
#endif

ppt_simd_level ppt_simd_best(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    const int has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw")) {
        return PPT_SIMD_AVX512;
    }
    if (has_avx2) return PPT_SIMD_AVX2;
#endif
    return PPT_SIMD_PORTABLE;
}

const ppt_kernels *ppt_kernels_at(ppt_simd_level level) {
    if (level > ppt_simd_best()) return NULL;
#if defined(__x86_64__)
    if (level == PPT_SIMD_AVX512) return &ppt_kernels_avx512;
    if (level == PPT_SIMD_AVX2) return &ppt_kernels_avx2;
#endif
    return level == PPT_SIMD_PORTABLE ? &ppt_kernels_portable : NULL;
}
