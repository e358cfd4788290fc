// SPDX-License-Identifier: Apache-2.0

// Kernels in which every element is on its own: sums and activations. What may be computed in place is, too.
#include <math.h>

#include "Check.h"

/// The distance from a number to the next float.
static double ulp(double value) { return value == 0 ? 0x1p-149 : fmax(ldexp(1, ilogb(value) - 23), 0x1p-149); }

static void test_add(const ppt_kernels *k, long n) {
    begin("add n=%ld", n);
    float *a = numbers(n), *b = numbers(n), *out = blank(n), wanted[n];
    for (long i = 0; i < n; i++) wanted[i] = a[i] + b[i];
    k->add(n, a, b, out);
    same(OF_add, n, out, wanted);
    k->add(n, a, b, b);
    same(OF_add, n, b, wanted);
}

static void test_relu(const ppt_kernels *k, long n) {
    begin("relu n=%ld", n);
    float *x = numbers(n), *y = blank(n), *dy = numbers(n), *dx = blank(n), wanted[n], slope[n];
    for (long i = 0; i < n; i++) {
        if (i % 5 == 4) x[i] = 0;
        wanted[i] = x[i] > 0 ? x[i] : 0;
        slope[i] = x[i] > 0 ? dy[i] : 0;
    }
    k->relu(n, x, y);
    same(OF_relu, n, y, wanted);
    k->relu(n, x, x);
    same(OF_relu, n, x, wanted);
    k->relu_backward(n, y, dy, dx);
    same(OF_relu_backward, n, dx, slope);
    k->relu_backward(n, y, dy, y);
    same(OF_relu_backward, n, y, slope);
}

static void test_relu_of_nan(const ppt_kernels *k) {
    begin("relu of NaN and infinity");
    const float inputs[] = {NAN, -1, 2, -NAN, 3, NAN, -INFINITY, INFINITY, 0, NAN, 1};
    enum { n = sizeof inputs / sizeof *inputs };
    float *y = blank(n);
    oracle wanted[n];
    for (long i = 0; i < n; i++) wanted[i] = (oracle){isnan(inputs[i]) ? NAN : fmax(inputs[i], 0), 0};
    k->relu(n, copy_of(inputs, n), y);
    near(OF_relu, n, y, wanted);
}

static const double root_2_over_pi = 0.79788456080286535588;

/// The kernel's own limits: 2 ulp where x > 0, and 5e-8 below.
static oracle gelu(double x) {
    const double y = 0.5 * x * (1 + tanh(root_2_over_pi * (x + 0.044715 * x * x * x)));
    return (oracle){y, x > 0 ? 2 * ulp(y) : 5e-8};
}

/// dy times the slope, whose own limit is 2.1e-7; the multiplication rounds too.
static oracle gelu_backward(double x, double dy) {
    if (fabs(x) > 20) return (oracle){x < 0 ? 0 : dy, 2.1e-7 * fabs(dy)}; // as far as a double tells
    const double t = tanh(root_2_over_pi * (x + 0.044715 * x * x * x));
    const double slope = 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * root_2_over_pi * (1 + 3 * 0.044715 * x * x);
    return (oracle){dy * slope, (2.1e-7 + U * fabs(slope)) * fabs(dy)};
}

static void compare_gelu(const ppt_kernels *k, long n, const float *x) {
    float *y = blank(n), *dy = numbers(n), *dx = blank(n), *again = copy_of(x, n);
    oracle wanted[n], slopes[n];
    for (long i = 0; i < n; i++) {
        wanted[i] = gelu(x[i]);
        slopes[i] = gelu_backward(x[i], dy[i]);
    }
    k->gelu(n, x, y);
    near(OF_gelu, n, y, wanted);
    k->gelu(n, again, again);
    same(OF_gelu, n, again, y);
    k->gelu_backward(n, x, dy, dx);
    near(OF_gelu_backward, n, dx, slopes);
    k->gelu_backward(n, x, dy, dy);
    same(OF_gelu_backward, n, dy, dx);
}

static void test_gelu(const ppt_kernels *k, long n) {
    begin("gelu n=%ld", n);
    compare_gelu(k, n, numbers(n));
}

static void test_gelu_far_out(const ppt_kernels *k) {
    begin("gelu far out");
    const float inputs[] = {-1e30f, -100, -50, -30, -9.9f, -9, -5, -3.5f, -3, -1e-6f, 0,
                            1e-6f,  3,    3.5f, 5,  9,    30, 50, 100,   1e30f};
    compare_gelu(k, sizeof inputs / sizeof *inputs, inputs);
}

/// The bits do not depend on where an element stands.
static void test_parts(const ppt_kernels *k) {
    enum { n = 133 };
    for (long cut = 1; cut < n; cut += 11) {
        begin("cut at %ld", cut);
        const float *x = numbers(n), *dy = numbers(n);
        float *whole = blank(n), *parts = blank(n);
        k->gelu(n, x, whole);
        k->gelu(cut, x, parts);
        k->gelu(n - cut, x + cut, parts + cut);
        same(OF_gelu, n, parts, whole);
        k->gelu_backward(n, x, dy, whole);
        k->gelu_backward(cut, x, dy, parts);
        k->gelu_backward(n - cut, x + cut, dy + cut, parts + cut);
        same(OF_gelu_backward, n, parts, whole);
    }
}

void test_elementwise(const ppt_kernels *k) {
    at_each_size(k, test_add);
    at_each_size(k, test_relu);
    at_each_size(k, test_gelu);
    test_relu_of_nan(k);
    test_gelu_far_out(k);
    test_parts(k);
}
