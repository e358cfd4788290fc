// SPDX-License-Identifier: Apache-2.0

// Dropout beside its generator, as Salmon et al. define it.
#include <string.h>

#include "Check.h"

/// Philox4x32-10.
static void philox(uint32_t c[4], uint32_t key0, uint32_t key1) {
    for (int round = 0; round < 10; round++, key0 += 0x9e3779b9, key1 += 0xbb67ae85) {
        const uint64_t first = (uint64_t)c[0] * 0xd2511f53, second = (uint64_t)c[2] * 0xcd9e8d57;
        const uint32_t next[4] = {(uint32_t)(second >> 32) ^ c[1] ^ key0, (uint32_t)second,
                                  (uint32_t)(first >> 32) ^ c[3] ^ key1, (uint32_t)first};
        memcpy(c, next, sizeof next);
    }
}

/// Random123's, for a counter and a key of digits of pi.
static void test_known_answer(void) {
    uint32_t c[4] = {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344};
    const uint32_t wanted[4] = {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1};
    philox(c, 0xa4093822, 0x299f31d0);
    CHECK(memcmp(c, wanted, sizeof c) == 0);
}

static int is_kept(uint64_t element, const ppt_dropout *d) {
    const uint64_t counter = element / 64 * 16 + element % 16;
    uint32_t words[4] = {(uint32_t)counter, (uint32_t)(counter >> 32), d->microbatch, d->step};
    philox(words, d->key[0], d->key[1]);
    return words[element % 64 / 16] >= d->threshold;
}

static void compare(const ppt_kernels *k, long n, uint64_t first) {
    begin("dropout n=%ld from %llu on", n, (unsigned long long)first);
    const ppt_dropout mask = {.key = {0x9abcdef0, 0x12345678}, .microbatch = 3, .step = 5, .first = first,
                              .threshold = 1u << 30, .scale = 1 / 0.75f};
    float *x = numbers(n), *y = blank(n), wanted[n];
    for (long i = 0; i < n; i++) wanted[i] = is_kept(first + (uint64_t)i, &mask) ? x[i] * mask.scale : 0;
    k->dropout(n, x, y, &mask);
    same(OF_dropout, n, y, wanted);
    k->dropout(n, x, x, &mask);
    same(OF_dropout, n, x, wanted);
}

static void from_the_first(const ppt_kernels *k, long n) { compare(k, n, 0); }
static void from_the_midst(const ppt_kernels *k, long n) { compare(k, n, 61); }
static void from_far_out(const ppt_kernels *k, long n) { compare(k, n, ((uint64_t)1 << 34) + 13); }

void test_dropout(const ppt_kernels *k) {
    begin("philox");
    test_known_answer();
    at_each_size(k, from_the_first);
    at_each_size(k, from_the_midst);
    at_each_size(k, from_far_out);
}
