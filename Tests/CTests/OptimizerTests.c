// SPDX-License-Identifier: Apache-2.0

// One step of each optimizer, from any state on.
#include <math.h>

#include "Check.h"

/// What a step makes of one element. Each moment is three roundings off, of parts no larger than these. The step's quotient
/// takes that on (of the second moment half, and relative to it: its parts are positive), with four roundings of its own.
static void adam_step(const ppt_adam *a, double w, double g, double m, double v, oracle out[3]) {
    const double new_m = m + a->rest1 * (g - m), m_slack = 3 * U * (fabs(m) + fabs(g));
    const double new_v = a->beta2 * v + a->rest2 * g * g;
    const double factor = a->step_size / (sqrt(new_v) * a->root_scale + a->epsilon);
    const double step = factor * new_m;
    out[0] = (oracle){w - step, U * fabs(w - step) + 6 * U * fabs(step) + factor * m_slack};
    out[1] = (oracle){new_m, m_slack};
    out[2] = (oracle){new_v, 3 * U * new_v};
}

static void test_adam(const ppt_kernels *k, long n) {
    begin("adam n=%ld", n);
    const int steps = 3; // that were made before
    const ppt_adam parameters = {.beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 0.01f, .rest1 = 0.1f, .rest2 = 0.001f,
                                 .step_size = 0.01f / (1 - powf(0.9f, steps)),
                                 .root_scale = 1 / sqrtf(1 - powf(0.999f, steps))};
    float *w = numbers(n), *g = numbers(n), *m = numbers(n), *v = numbers(n), *zeros = filled(n, 0);
    oracle weights[n], first[n], second[n];
    for (long i = 0; i < n; i++) {
        v[i] = fabsf(v[i]);
        oracle wanted[3];
        adam_step(&parameters, w[i], g[i], m[i], v[i], wanted);
        weights[i] = wanted[0];
        first[i] = wanted[1];
        second[i] = wanted[2];
    }
    k->adam(n, w, g, m, v, &parameters);
    near(OF_adam, n, w, weights);
    near(OF_adam, n, m, first);
    near(OF_adam, n, v, second);
    same(OF_adam, n, g, zeros);
}

/// Two operations, each of which rounds: in this order in any arithmetic.
static void test_sgd(const ppt_kernels *k, long n) {
    begin("sgd n=%ld", n);
    float *w = numbers(n), *g = numbers(n), *zeros = filled(n, 0), wanted[n];
    for (long i = 0; i < n; i++) {
        const float step = 0.3f * g[i];
        wanted[i] = w[i] - step;
    }
    k->sgd(n, w, g, 0.3f);
    same(OF_sgd, n, w, wanted);
    same(OF_sgd, n, g, zeros);
}

void test_optimizers(const ppt_kernels *k) {
    at_each_size(k, test_adam);
    at_each_size(k, test_sgd);
}
