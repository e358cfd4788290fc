// SPDX-License-Identifier: Apache-2.0

// Softmax with its two other passes, and the loss that ends in one.
//
// How far an exponential e^t is off, t being (x - shift) scale: both roundings of t come out as a share of the result, and
// e^t itself is 1.01 ulp off, which is at most as many roundings twice. Sums of n of them add n roundings, and what is off in
// each, weighted: the mean of |t| does.
#include <math.h>

#include "Check.h"

enum { row_count = 4 };

/// Below this e^t is 0.
static const double smallest = 1.2e-38;

/// One row's softmax, of its first columns. Returns the log of the sum, as cross-entropy needs it.
static oracle softmax_of(long seen, const float *x, double scale, oracle *p) {
    double most = -INFINITY, sum = 0, mean_size = 0;
    for (long c = 0; c < seen; c++) most = fmax(most, scale * x[c]);
    for (long c = 0; c < seen; c++) sum += exp(scale * x[c] - most);
    for (long c = 0; c < seen; c++) mean_size += fabs(scale * x[c] - most) * exp(scale * x[c] - most) / sum;
    const double off = (double)seen + 8 + 2 * mean_size;
    for (long c = 0; c < seen; c++) {
        const double t = scale * x[c] - most, value = exp(t) / sum;
        p[c] = (oracle){value, U * value * (off + 2 * fabs(t)) + smallest};
    }
    return (oracle){log(sum) + most, U * off};
}

typedef struct scores {
    float offset, spread, scale;
    long diagonal;
} scores;

/// Rows lie apart, and what is between them stays. Whatever was forgotten is computed again.
static void compare_softmax(const ppt_kernels *k, long n, scores of) {
    begin("softmax n=%ld around %g within %g scale %g diagonal %ld", n, (double)of.offset, (double)of.spread,
          (double)of.scale, of.diagonal);
    const long ld = n + 7;
    float *x = blank(row_count * ld), *normalizers = blank(2 * row_count);
    for (long r = 0; r < row_count; r++) {
        const float *row = numbers(n);
        for (long c = 0; c < n; c++) x[r * ld + c] = row[c] * of.spread + of.offset;
    }
    const float *before = copy_of(x, row_count * ld);
    float *again = copy_of(x, row_count * ld);
    k->softmax(row_count, n, x, ld, of.scale, of.diagonal, normalizers);
    k->softmax_again(row_count, n, again, ld, of.scale, of.diagonal, normalizers);
    for (long r = 0; r < row_count; r++) {
        oracle wanted[n];
        const long seen = of.diagonal < 0 || of.diagonal + r >= n ? n : of.diagonal + r + 1;
        softmax_of(seen, before + r * ld, of.scale, wanted);
        for (long c = seen; c < n; c++) wanted[c] = (oracle){0, 0};
        near(OF_softmax, n, x + r * ld, wanted);
        same(OF_softmax_again, n, again + r * ld, x + r * ld);
        untouched(OF_softmax, ld - n, x + r * ld + n);
        untouched(OF_softmax_again, ld - n, again + r * ld + n);
    }
}

static void test_forward(const ppt_kernels *k, long n) {
    const scores all[] = {{0, 1, 1, -1},           {0, 1, 0.7f, 0},      {-1000, 4, 1, -1},
                          {-1000, 4, 0.7f, n / 2}, {1000, 4, -0.7f, -1}, {-1000, 4, -0.7f, -1},
                          {0, 4, -1, n / 2},       {0, 120, 1, 1},       {0, 120, -1, -1}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) compare_softmax(k, n, all[i]);
}

/// All that its row sees, and nothing else.
static void test_nan(const ppt_kernels *k, long n) {
    begin("softmax of NaN n=%ld", n);
    float *x = numbers(2 * n), *normalizers = blank(4);
    const long seen = (n + 1) / 2;
    x[seen / 2] = NAN;
    oracle wanted[n];
    for (long c = 0; c < n; c++) wanted[c] = (oracle){c < seen ? NAN : 0, 0};
    k->softmax(2, n, x, n, 1, seen - 1, normalizers);
    near(OF_softmax, n, x, wanted);
    for (long c = 0; c < n; c++) {
        if (isnan(x[n + c])) return fail("a row's NaN is in the next one");
    }
}

/// The dot product is n + 1 roundings off, of its magnitude; three more come after it.
static void test_backward(const ppt_kernels *k, long n) {
    begin("softmax_backward n=%ld", n);
    const long ldp = n + 2, ld = n + 5;
    const float *p = numbers(row_count * ldp), scale = 0.7f;
    float *dp = numbers(row_count * ld);
    const float *before = copy_of(dp, row_count * ld);
    k->softmax_backward(row_count, n, p, ldp, dp, ld, scale);
    for (long r = 0; r < row_count; r++) {
        const float *row = p + r * ldp, *gradient = before + r * ld;
        double dot = 0, size = 0;
        for (long c = 0; c < n; c++) dot += (double)row[c] * gradient[c];
        for (long c = 0; c < n; c++) size += fabs((double)row[c] * gradient[c]);
        oracle wanted[n];
        for (long c = 0; c < n; c++) {
            const double factor = (double)scale * row[c], distance = gradient[c] - dot;
            wanted[c] = (oracle){factor * distance, U * fabs(factor) * ((double)(n + 1) * size + 4 * fabs(distance))};
        }
        near(OF_softmax_backward, n, dp + r * ld, wanted);
        same(OF_softmax_backward, ld - n, dp + r * ld + n, before + r * ld + n);
    }
}

/// The losses of rows one by one, added as doubles.
static double loss_by_rows(const ppt_kernels *k, long n, const float *logits, const int32_t *targets, float scale) {
    double loss = 0;
    for (long r = 0; r < row_count; r++) {
        loss += k->cross_entropy(1, n, copy_of(logits + r * n, n), targets + r, scale);
    }
    return loss;
}

/// The sum of all rows' losses is a double, and only the sums of exponentials that it is made of are not.
static void test_cross_entropy(const ppt_kernels *k, long n) {
    begin("cross_entropy vocabulary=%ld", n);
    const double scale = 0.25;
    const int32_t *targets = some_tokens(row_count, (int32_t)n);
    float *x = numbers(row_count * n);
    const float *before = copy_of(x, row_count * n);
    const double got = k->cross_entropy(row_count, n, x, targets, (float)scale);
    if (got != loss_by_rows(k, n, before, targets, (float)scale)) fail("the loss is not the sum of its rows'");
    oracle loss = {0, 0};
    for (long r = 0; r < row_count; r++) {
        oracle wanted[n];
        const oracle log_of_sum = softmax_of(n, before + r * n, 1, wanted);
        loss.value += log_of_sum.value - before[r * n + targets[r]];
        loss.slack += log_of_sum.slack;
        for (long c = 0; c < n; c++) {
            const double exact = scale * (wanted[c].value - (c == targets[r]));
            wanted[c] = (oracle){exact, scale * wanted[c].slack + U * fabs(exact)};
        }
        near(OF_cross_entropy, n, x + r * n, wanted);
    }
    if (fabs(got - loss.value) > loss.slack) fail("the loss is %.9g, not %.9g within %.2g", got, loss.value, loss.slack);
}

void test_softmax(const ppt_kernels *k) {
    at_each_size(k, test_forward);
    at_each_size(k, test_nan);
    at_each_size(k, test_backward);
    at_each_size(k, test_cross_entropy);
}
