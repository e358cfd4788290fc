// SPDX-License-Identifier: Apache-2.0

// Dropout, with a mask that can be made again at any time: random numbers by index from Philox4x32-10, a counter-based
// generator (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11).
//
// A counter gives four words, an element takes one. Elements stand in groups of 64, which share 16 counters: element
// 64 g + 16 w + c takes word w of counter 16 g + c. So LANES counters at once give LANES neighbours at once, four times
// over, at every level, and which word an element takes does not depend on the level.

#ifdef KERNEL

/// y[i] = x[i] * scale where element first + i is kept, else 0; y may be x. The backward is the same on dy.
KERNEL(void, dropout, (long n, const float *x, float *y, const ppt_dropout *d))

#else

enum { GROUP_ELEMENTS = 64, GROUP_COUNTERS = 16, PHILOX_ROUNDS = 10 };

/// A 32-bit word in the lower half of each lane; the upper half holds anything. Here products find their factors.
typedef uint64_t wide __attribute__((ext_vector_type(LANES / 2)));

INLINE wide low_halves(wide v) { return v & (wide)(uint64_t)0xffffffff; }

/// Turns counters into random words.
INLINE void philox(wide c[4], const uint32_t key[2]) {
    uint32_t key0 = key[0], key1 = key[1];
    for (int round = 0; round < PHILOX_ROUNDS; round++, key0 += 0x9e3779b9, key1 += 0xbb67ae85) {
        const wide product0 = low_halves(c[0]) * (wide)(uint64_t)0xd2511f53;
        const wide product1 = low_halves(c[2]) * (wide)(uint64_t)0xcd9e8d57;
        c[0] = (product1 >> 32) ^ c[1] ^ (wide)(uint64_t)key0;
        c[1] = product1;
        c[2] = (product0 >> 32) ^ c[3] ^ (wide)(uint64_t)key1;
        c[3] = product0;
    }
}

/// A group's words, in the order of its elements.
INLINE void group_words(uint64_t group, const ppt_dropout *d, uint32_t *words) {
    static const uint64_t numbers[8] = {0, 2, 4, 6, 8, 10, 12, 14};
    wide evens;
    __builtin_memcpy(&evens, numbers, sizeof evens);
    for (long first = 0; first < GROUP_COUNTERS; first += LANES) {
        const wide counter = evens + (wide)(group * GROUP_COUNTERS + (uint64_t)first);
        const wide microbatch = (wide)(uint64_t)d->microbatch, step = (wide)(uint64_t)d->step;
        // All 16 counters have the same upper word. The odd ones are the even ones plus one.
        wide even[4] = {counter, counter >> 32, microbatch, step};
        wide odd[4] = {counter + (wide)(uint64_t)1, counter >> 32, microbatch, step};
        philox(even, d->key);
        philox(odd, d->key);
        for (long w = 0; w < 4; w++) {
            const wide both = low_halves(even[w]) | (odd[w] << 32);
            __builtin_memcpy(words + GROUP_COUNTERS * w + first, &both, sizeof both);
        }
    }
}

/// y = x * scale where an element's word is not below the threshold, else 0.
INLINE void drop(long n, const float *x, float *y, const uint32_t *words, const ppt_dropout *d) {
    FOR_EACH_SPAN(s, n) {
        uvector word;
        __builtin_memcpy(&word, words + s.first, sizeof word);
        put(y, s, word >= (uvector)d->threshold ? get(x, s) * splat(d->scale) : splat(0.0f));
    }
}

static void dropout(long n, const float *x, float *y, const ppt_dropout *d) {
    uint32_t words[GROUP_ELEMENTS + LANES] = {0}; // a partial vector's words are read like a whole one's
    for (long done = 0, count; done < n; done += count) {
        const uint64_t element = d->first + (uint64_t)done;
        const long skipped = (long)(element % GROUP_ELEMENTS);
        count = smaller(n - done, GROUP_ELEMENTS - skipped);
        group_words(element / GROUP_ELEMENTS, d, words);
        drop(count, x + done, y + done, words + skipped, d);
    }
}

#endif
