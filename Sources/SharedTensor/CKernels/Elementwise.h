// SPDX-License-Identifier: Apache-2.0

// Sums of two tensors, element by element.

#ifdef KERNEL

/// out[i] = a[i] + b[i]; out may be a or b.
KERNEL(void, add, (long n, const float *a, const float *b, float *out))

#else

static void add(long n, const float *a, const float *b, float *out) {
    FOR_EACH_SPAN(s, n) put(out, s, get(a, s) + get(b, s));
}

#endif
