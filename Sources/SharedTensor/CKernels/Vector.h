// Vectors of LANES floats and what every kernel is built from. Included once for each SIMD level, after LANES is set.
//
// Bits: an element's result must not depend on where it stands in the array. So the last, partial vector goes through the
// same operations as a full one (padded with zeros), and no expression is left to the compiler to fuse or not: products
// that are added go through fused_multiply_add, and contraction is off.
#pragma STDC FP_CONTRACT OFF

#define INLINE static inline __attribute__((always_inline))

typedef float vector __attribute__((vector_size(LANES * 4)));
typedef int32_t ivector __attribute__((vector_size(LANES * 4)));

INLINE vector splat(float value) { return value - (vector){0}; }

INLINE vector load(const float *from) {
    vector v;
    __builtin_memcpy(&v, from, sizeof v);
    return v;
}

INLINE void store(float *to, vector v) { __builtin_memcpy(to, &v, sizeof v); }

/// The first `count` lanes; the others are 0.
INLINE vector load_part(const float *from, long count) {
    vector v = {0};
    __builtin_memcpy(&v, from, (size_t)count * sizeof(float));
    return v;
}

INLINE void store_part(float *to, vector v, long count) { __builtin_memcpy(to, &v, (size_t)count * sizeof(float)); }

/// a * b + c with one rounding where the level has the instruction, and with two, always, where it has not.
INLINE vector fused_multiply_add(vector a, vector b, vector c) {
#if HAS_FMA
    return __builtin_elementwise_fma(a, b, c);
#else
    return a * b + c;
#endif
}

INLINE vector select(ivector condition, vector yes, vector no) {
    return (vector)((condition & (ivector)yes) | (~condition & (ivector)no));
}

INLINE vector larger(vector a, vector b) { return select(a > b, a, b); }

/// The sum of all lanes, halves first: one order for every caller.
INLINE float sum_lanes(vector v) {
    float lanes[LANES];
    store(lanes, v);
    for (int half = LANES / 2; half > 0; half /= 2) {
        for (int lane = 0; lane < half; lane++) lanes[lane] += lanes[lane + half];
    }
    return lanes[0];
}

INLINE float largest_lane(vector v) {
    float lanes[LANES];
    store(lanes, v);
    float largest = lanes[0];
    for (int lane = 1; lane < LANES; lane++) largest = lanes[lane] > largest ? lanes[lane] : largest;
    return largest;
}

/// Runs BODY for each vector of n elements, the last one perhaps partial. BODY sees `at`, the first element's index, and
/// reads with GET and writes with PUT.
#define FOR_EACH_VECTOR(n, BODY)                                  \
    do {                                                          \
        long at = 0;                                              \
        for (; at + LANES <= (n); at += LANES) {                  \
            _Pragma("clang diagnostic push")                      \
            _Pragma("clang diagnostic ignored \"-Wunused-variable\"") \
            const long part = LANES;                              \
            _Pragma("clang diagnostic pop")                       \
            const int is_whole = 1;                               \
            BODY                                                  \
        }                                                         \
        if (at < (n)) {                                           \
            const long part = (n) - at;                           \
            const int is_whole = 0;                               \
            BODY                                                  \
        }                                                         \
    } while (0)
#define GET(array) (is_whole ? load((array) + at) : load_part((array) + at, part))
#define PUT(array, value) (is_whole ? store((array) + at, (value)) : store_part((array) + at, (value), part))

/// e^x, at most 2 ulp off for x in [-87.3, 88.3]; 0 below, and the value at 88.3 above.
/// x = n ln 2 + r with |r| <= ln 2 / 2; e^r by the polynomial of Cephes' expf (S. Moshier).
INLINE vector exponential(vector x) {
    const vector lowest = splat(-87.33f);
    const ivector vanishes = x < lowest;
    const vector bounded = select(x > splat(88.3f), splat(88.3f), select(vanishes, lowest, x));
    // Adding and taking off 1.5 * 2^23 rounds to the nearest integer.
    const vector shift = splat(12582912.0f);
    const vector n = fused_multiply_add(bounded, splat(1.44269504f), shift) - shift;
    vector r = fused_multiply_add(n, splat(-0.693359375f), bounded);
    r = fused_multiply_add(n, splat(2.12194440e-4f), r);
    vector p = splat(1.9875691500e-4f);
    p = fused_multiply_add(p, r, splat(1.3981999507e-3f));
    p = fused_multiply_add(p, r, splat(8.3334519073e-3f));
    p = fused_multiply_add(p, r, splat(4.1665795894e-2f));
    p = fused_multiply_add(p, r, splat(1.6666665459e-1f));
    p = fused_multiply_add(p, r, splat(5.0000001201e-1f));
    p = fused_multiply_add(p, r * r, r) + splat(1.0f);
    const ivector power = (__builtin_convertvector(n, ivector) + 127) << 23;
    return select(vanishes, splat(0.0f), p * (vector)power);
}

/// 1 / (1 + e^-x).
INLINE vector logistic(vector x) { return splat(1.0f) / (splat(1.0f) + exponential(-x)); }
