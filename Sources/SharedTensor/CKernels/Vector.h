// SPDX-License-Identifier: Apache-2.0

// Vectors of LANES floats, and what every kernel is built from. Included once for each SIMD level, after LANES is set.
//
// Bits: an element's result must not depend on where it stands in the array. So the last, partial vector goes through
// the same operations as a full one (padded with zeros), and no expression is left to the compiler to fuse or not:
// products that are added go through `fused_multiply_add`, and contraction is off.
#pragma STDC FP_CONTRACT OFF

#define INLINE static inline __attribute__((always_inline))

typedef float vector __attribute__((ext_vector_type(LANES)));
typedef int32_t ivector __attribute__((ext_vector_type(LANES)));
typedef uint32_t uvector __attribute__((ext_vector_type(LANES)));
typedef float quad __attribute__((ext_vector_type(4)));

INLINE long smaller(long a, long b) { return a < b ? a : b; }

INLINE vector splat(float value) { return (vector)value; }

INLINE vector load(const float *from) {
    vector v;
    __builtin_memcpy(&v, from, sizeof v);
    return v;
}

INLINE void store(float *to, vector v) { __builtin_memcpy(to, &v, sizeof v); }

/// All ones in the first `count` lanes, 0 in the others.
INLINE ivector first_lanes(long count) {
    static const int32_t numbers[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    ivector lane;
    __builtin_memcpy(&lane, numbers, sizeof lane);
    return lane < (ivector)(int32_t)count;
}

/// The first `count` lanes; the others are 0. Reads nothing beyond them. `count` is from 0 to LANES.
INLINE vector load_part(const float *from, long count) {
#ifdef LOAD_PART
    return LOAD_PART(from, count);
#else
    vector v = {0};
    for (long lane = 0; lane < LANES; lane++) {
        if (lane < count) v[lane] = from[lane];
    }
    return v;
#endif
}

/// Writes the first `count` lanes and touches nothing beyond them.
INLINE void store_part(float *to, vector v, long count) {
#ifdef STORE_PART
    STORE_PART(to, v, count);
#else
    for (long lane = 0; lane < LANES; lane++) {
        if (lane < count) to[lane] = v[lane];
    }
#endif
}

/// The elements of an array that one vector holds: LANES of them, or fewer at the array's end.
typedef struct {
    long first, count;
} span;

INLINE span span_at(long first, long n) { return (span){first, smaller(LANES, n - first)}; }

/// Runs its block for every span `s` of `n` elements, in ascending order. The outer loop's two rounds are compiled one by
/// one: the spans of LANES elements, in which nothing asks for the count, and what is left.
#define FOR_EACH_SPAN(s, n)                                                                                            \
    _Pragma("clang loop unroll(full)") for (int whole_##s = 1; whole_##s >= 0; whole_##s--)                            \
        for (span s = whole_##s ? (span){0, LANES} : span_at((n) / LANES * LANES, n);                                  \
             whole_##s ? s.first + LANES <= (n) : s.count > 0;                                                         \
             s.first += LANES, s.count = whole_##s ? LANES : 0)

INLINE vector get(const float *array, span s) {
    return s.count == LANES ? load(array + s.first) : load_part(array + s.first, s.count);
}

INLINE void put(float *array, span s, vector v) {
    if (s.count == LANES) {
        store(array + s.first, v);
    } else {
        store_part(array + s.first, v, s.count);
    }
}

/// `v` in the lanes that the span has, `other` in the rest: before a reduction, the value that changes nothing.
INLINE vector kept(vector v, span s, float other) { return first_lanes(s.count) ? v : splat(other); }

/// a * b + c with one rounding where the level has the instruction, and with two, always, where it has not.
INLINE vector fused_multiply_add(vector a, vector b, vector c) {
#if HAS_FMA
    return __builtin_elementwise_fma(a, b, c);
#else
    return a * b + c;
#endif
}

/// The larger of each pair of lanes; b where either is NaN.
INLINE vector larger(vector a, vector b) { return a > b ? a : b; }

/// The sum of all lanes, halves first: one order for every caller.
INLINE float sum_lanes(vector v) {
#if LANES == 16
    const __attribute__((ext_vector_type(8))) float eight = v.lo + v.hi;
    const quad four = eight.lo + eight.hi;
#elif LANES == 8
    const quad four = v.lo + v.hi;
#else
    const quad four = v;
#endif
    return (four.x + four.z) + (four.y + four.w);
}

/// The largest of all lanes, none of which is NaN. Halves again: the builtin goes from lane to lane.
INLINE float largest_lane(vector v) {
#if LANES == 16
    const __attribute__((ext_vector_type(8))) float eight = v.lo > v.hi ? v.lo : v.hi;
    const quad four = eight.lo > eight.hi ? eight.lo : eight.hi;
#elif LANES == 8
    const quad four = v.lo > v.hi ? v.lo : v.hi;
#else
    const quad four = v;
#endif
    const __attribute__((ext_vector_type(2))) float two = four.lo > four.hi ? four.lo : four.hi;
    return two.x > two.y ? two.x : two.y;
}
