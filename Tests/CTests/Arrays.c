// SPDX-License-Identifier: Apache-2.0

// Arrays at the end of accessible memory: a kernel that reads or writes one float too many does not get away with it.
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "Check.h"

enum { array_max = 24, in_front = 19, slot_bytes = 2 << 20, guard_bytes = 64 << 10 }; // no page is larger than the guard

static const uint32_t blank_bits = 0x7fc5a5a5;

static char *slots;
static float *arrays[array_max];
static int array_count;
static uint64_t random_state;

static void map_slots(void) {
    slots = mmap(NULL, (size_t)array_max * slot_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (slots == MAP_FAILED) abort();
    for (long slot = 1; slot <= array_max; slot++) {
        if (mprotect(slots + slot * slot_bytes - guard_bytes, guard_bytes, PROT_NONE) != 0) abort();
    }
}

float *blank(long count) {
    if (!slots) map_slots();
    const long own = count + in_front;
    if (array_count == array_max || own * (long)sizeof(float) > slot_bytes - guard_bytes) abort();
    float *const end = (float *)(slots + (array_count + 1L) * slot_bytes - guard_bytes);
    for (float *at = end - own; at < end; at++) memcpy(at, &blank_bits, sizeof blank_bits);
    return arrays[array_count++] = end - count;
}

long count_written(long count, const float *from) {
    long written = 0;
    for (long i = 0; i < count; i++) written += memcmp(from + i, &blank_bits, sizeof blank_bits) != 0;
    return written;
}

void reset_arrays(uint64_t seed) {
    for (; array_count > 0; array_count--) {
        if (count_written(in_front, arrays[array_count - 1] - in_front) > 0) fail("writes in front of an array");
    }
    random_state = seed;
}

/// Knuth's generator of 64 bits, of which the upper ones are the random ones.
static uint32_t random_bits(void) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 32);
}

float *numbers(long count) {
    float *const all = blank(count);
    for (long i = 0; i < count; i++) all[i] = (float)((int32_t)random_bits() >> 8) * 0x1p-22f; // exact: 24 bits
    return all;
}

float *filled(long count, float value) {
    float *const all = blank(count);
    for (long i = 0; i < count; i++) all[i] = value;
    return all;
}

float *copy_of(const float *values, long count) {
    return memcpy(blank(count), values, (size_t)count * sizeof(float));
}

int32_t *some_tokens(long count, int32_t bound) {
    int32_t *const all = (int32_t *)blank(count); // of the same size, and nothing may be read behind them either
    for (long i = 0; i < count; i++) all[i] = (int32_t)(random_bits() % (uint32_t)bound);
    return all;
}
