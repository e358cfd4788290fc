// SPDX-License-Identifier: Apache-2.0

// What a thread may run on, what it is called and how it computes; errors' names.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "CThreads.h"
#include "Check.h"
#include "Process.h"

enum { words = 16, cpu_max = 64 * words };

static int has(const uint64_t *bits, int cpu) { return bits[cpu / 64] >> (cpu % 64) & 1; }

/// As the kernel's list tells them, such as 0-2,8.
static void read_allowed(uint64_t *bits) {
    FILE *file = fopen("/proc/self/status", "r");
    char line[4096];
    const char label[] = "Cpus_allowed_list:";
    while (file && fgets(line, sizeof line, file) && strncmp(line, label, strlen(label)) != 0) {}
    if (file) fclose(file);
    for (char *at = line + strlen(label); *at && *at != '\n'; at += *at == ',') {
        const long first = strtol(at, &at, 10), last = *at == '-' ? strtol(at + 1, &at, 10) : first;
        for (long cpu = first; cpu <= last && cpu < cpu_max; cpu++) bits[cpu / 64] |= (uint64_t)1 << (cpu % 64);
    }
}

static void pin_everywhere(void) {
    uint64_t all[words] = {0}, wanted[words] = {0}, few[2] = {0, 5};
    read_allowed(wanted);
    CHECK(ppt_allowed_cpus(all, words) == 0 && memcmp(all, wanted, sizeof all) == 0);
    CHECK(ppt_allowed_cpus(few, 0) == 0 && few[0] == 0); // nothing is written behind the array
    CHECK(ppt_allowed_cpus(few, 1) == 0 && few[0] == all[0] && few[1] == 5);
    for (int cpu = 0; cpu < cpu_max; cpu++) {
        if (!has(all, cpu)) continue;
        uint64_t now[words] = {0}, only[words] = {0};
        only[cpu / 64] = (uint64_t)1 << (cpu % 64);
        CHECK(ppt_pin_to_cpu(cpu) == 0 && ppt_current_cpu() == cpu);
        CHECK(ppt_allowed_cpus(now, words) == 0 && memcmp(now, only, sizeof now) == 0);
    }
    CHECK(ppt_pin_to_cpu(-1) == EINVAL && ppt_pin_to_cpu(1 << 20) == EINVAL);
}

/// In what a thread computes itself, and in the kernels' vectors.
static void flush_subnormals(void) {
    volatile float smallest_normal = 0x1p-126f, subnormal = 0x1p-130f;
    CHECK(smallest_normal * 0.5f > 0 && subnormal * 0x1p10f > 0);
    ppt_flush_subnormals();
    CHECK(!(smallest_normal * 0.5f > 0) && !(subnormal * 0x1p10f > 0));
    float *x = filled(21, 0x1p-126f), *minus_more = filled(21, -0x1.8p-126f), *sums = blank(21);
    for (int level = PPT_SIMD_PORTABLE; level <= (int)ppt_simd_best(); level++) {
        ppt_kernels_at((ppt_simd_level)level)->add(21, x, minus_more, sums);
        for (int i = 0; i < 21; i++) CHECK(memcmp(sums + i, &(float){-0.0f}, sizeof(float)) == 0);
    }
}

static void test_name(void) {
    char name[16];
    CHECK(ppt_name_thread("fifteen letters and more") == 0);
    CHECK(pthread_getname_np(pthread_self(), name, sizeof name) == 0 && strcmp(name, "fifteen letters") == 0);
    CHECK(ppt_name_thread("few") == 0);
    CHECK(pthread_getname_np(pthread_self(), name, sizeof name) == 0 && strcmp(name, "few") == 0);
}

static void test_errors(void) {
    CHECK(strcmp(ppt_error_name(ENOENT), "ENOENT") == 0 && ppt_error_name(99999) == NULL);
    CHECK(strcmp(ppt_error_sentence(ENOENT), "No such file or directory") == 0 && ppt_error_sentence(99999) == NULL);
}

void test_threads(void) {
    begin("pinning");
    expect_end(pin_everywhere, 0, "");
    begin("subnormal numbers");
    expect_end(flush_subnormals, 0, "");
    begin("names of threads");
    test_name();
    begin("names of errors");
    test_errors();
    begin("nobody counts allocations or adds threads");
    CHECK(ppt_thread_allocations() == -1 && ppt_sanitizer_threads() == 0);
}
