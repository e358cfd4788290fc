// SPDX-License-Identifier: Apache-2.0

// All kernels at every level that this CPU has beside plain loops, and the C of Threads beside the system.
#include <stdio.h>
#include <string.h>

#include "CThreads.h"
#include "Check.h"

static void test_kernels(const ppt_kernels *k) {
    test_elementwise(k);
    test_optimizers(k);
    test_dropout(k);
    test_row_sums(k);
    test_layer_norm(k);
    test_softmax(k);
    test_packing(k);
    test_products(k);
    test_peak(k);
    report(k->name);
}

/// Levels up to the best one are there, and no others: not on x86-64, that is the first alone.
static void test_levels(void) {
    static const char *const names[] = {"portable", "avx2", "avx512"};
    for (int level = PPT_SIMD_PORTABLE; level <= PPT_SIMD_AVX512; level++) {
        const ppt_kernels *k = ppt_kernels_at((ppt_simd_level)level);
        begin("level %s", names[level]);
        CHECK((k != NULL) == (level <= (int)ppt_simd_best()));
        if (!k) continue;
        CHECK(strcmp(k->name, names[level]) == 0);
        test_kernels(k);
    }
#if !defined(__x86_64__)
    CHECK(ppt_simd_best() == PPT_SIMD_PORTABLE);
#endif
}

static void test_arguments(int count, char **arguments) {
    begin("arguments");
    for (int index = 0; index < count; index++) CHECK(strcmp(ppt_argument(index), arguments[index]) == 0);
    CHECK(ppt_argument(count) == NULL);
}

int main(int count, char **arguments) {
    watch_memory();
    test_levels();
    test_arguments(count, arguments);
    test_waiting();
    test_threads();
    test_processes();
    test_signals();
    test_partial_files();
    if (failure_count() == 0) return 0;
    fprintf(stderr, "%d failures\n", failure_count());
    return 1;
}
