// SPDX-License-Identifier: Apache-2.0

// One step of an optimizer, element by element.

#ifdef KERNEL

/// One fused update: m, v and w are updated from gradient g, and g is cleared to 0.
KERNEL(void, adam, (long n, float *w, float *g, float *m, float *v, const ppt_adam *parameters))

/// w[i] -= rate * g[i], and g is cleared to 0.
KERNEL(void, sgd, (long n, float *w, float *g, float rate))

#else

static void adam(long n, float *w, float *g, float *m, float *v, const ppt_adam *a) {
    FOR_EACH_SPAN(s, n) {
        const vector gradient = get(g, s), old_m = get(m, s), old_v = get(v, s);
        const vector new_m = fused_multiply_add(gradient - old_m, splat(a->rest1), old_m);
        const vector new_v = fused_multiply_add(gradient * splat(a->rest2), gradient, old_v * splat(a->beta2));
        // One division: with another the divider would be the limit wherever memory is not.
        const vector root =
            fused_multiply_add(__builtin_elementwise_sqrt(new_v), splat(a->root_scale), splat(a->epsilon));
        put(w, s, get(w, s) - splat(a->step_size) * (new_m / root));
        put(m, s, new_m);
        put(v, s, new_v);
        put(g, s, splat(0.0f));
    }
}

static void sgd(long n, float *w, float *g, float rate) {
    FOR_EACH_SPAN(s, n) {
        put(w, s, get(w, s) - splat(rate) * get(g, s));
        put(g, s, splat(0.0f));
    }
}

#endif
