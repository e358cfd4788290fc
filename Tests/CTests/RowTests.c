// SPDX-License-Identifier: Apache-2.0

// Sums over rows, rows that tokens name, and layer norm.
#include <math.h>
#include <string.h>

#include "Check.h"

enum { row_count = 5 };

/// Rows ascending: a float is added at a time, in any arithmetic. Rows lie apart.
static void test_column_sum(const ppt_kernels *k, long columns) {
    begin("column_sum columns=%ld", columns);
    const long ldx = columns + 3;
    float *x = numbers(row_count * ldx), *sums = numbers(columns), wanted[columns];
    memcpy(wanted, sums, sizeof wanted);
    for (long r = 0; r < row_count; r++) {
        for (long c = 0; c < columns; c++) wanted[c] += x[r * ldx + c];
    }
    k->column_sum(row_count, columns, x, ldx, sums);
    same(OF_column_sum, columns, sums, wanted);
}

/// Fewer rows in the table than tokens, so that some come twice.
static void test_embedding(const ppt_kernels *k, long columns) {
    begin("embedding columns=%ld", columns);
    enum { words = 3 };
    const int32_t *tokens = some_tokens(row_count, words);
    float *table = numbers(words * columns), *out = blank(row_count * columns);
    float *dy = numbers(row_count * columns), *gradient = numbers(words * columns), wanted[words * columns];
    memcpy(wanted, gradient, sizeof wanted);
    k->embedding(row_count, columns, tokens, table, out);
    k->embedding_backward(row_count, columns, tokens, dy, gradient);
    for (long r = 0; r < row_count; r++) {
        same(OF_embedding, columns, out + r * columns, table + tokens[r] * columns);
        for (long c = 0; c < columns; c++) wanted[tokens[r] * columns + c] += dy[r * columns + c];
    }
    same(OF_embedding_backward, words * columns, gradient, wanted);
}

static const double epsilon = 1e-5f;

/// A row's mean and the inverse of its deviation. A sum of n is n - 1 roundings off, each of at most all magnitudes together.
/// What the mean is off counts squared in the variance, of which an inverse root takes half.
static void moments(long n, const float *x, oracle *mean, oracle *rstd) {
    double sum = 0, magnitude = 0, variance = 0;
    for (long c = 0; c < n; c++) sum += x[c];
    for (long c = 0; c < n; c++) magnitude += fabs(x[c]);
    *mean = (oracle){sum / (double)n, (double)n * U * magnitude / (double)n};
    for (long c = 0; c < n; c++) variance += pow(x[c] - mean->value, 2) / (double)n;
    const double relative = (double)(n + 10) * U / 2 + pow(mean->slack, 2) / (2 * (variance + epsilon));
    rstd->value = 1 / sqrt(variance + epsilon);
    rstd->slack = relative * rstd->value;
}

/// x_hat gamma + beta, off by what the moments are, and by four roundings.
static void wanted_norm(long n, const float *x, const float *gamma, const float *beta, oracle *y) {
    oracle mean, rstd;
    moments(n, x, &mean, &rstd);
    for (long c = 0; c < n; c++) {
        const double distance = x[c] - mean.value, product = distance * rstd.value * gamma[c];
        const double moved = fabs(gamma[c]) * (mean.slack * rstd.value + fabs(distance) * rstd.slack);
        y[c] = (oracle){product + beta[c], moved + U * (4 * fabs(product) + fabs(beta[c]))};
    }
}

/// From the moments that the forward wrote. Both means are n + 4 roundings off, of their magnitudes.
static void wanted_input_gradient(long n, const float *dy, const float *x, const float *gamma, double mean, double rstd,
                                  oracle *dx) {
    double sum = 0, dot = 0, sum_size = 0, dot_size = 0;
    for (long c = 0; c < n; c++) {
        const double g = (double)dy[c] * gamma[c] / (double)n, product = g * (x[c] - mean) * rstd;
        sum += g;
        dot += product;
        sum_size += fabs(g);
        dot_size += fabs(product);
    }
    for (long c = 0; c < n; c++) {
        const double g = (double)dy[c] * gamma[c], x_hat = (x[c] - mean) * rstd;
        const double size = (double)(n + 8) * (sum_size + fabs(x_hat) * dot_size) + 4 * fabs(g);
        dx[c] = (oracle){rstd * (g - sum - x_hat * dot), U * rstd * size};
    }
}

/// One column's sums: of products with three roundings each, and two more when they are added. Those of dy are exact.
static void wanted_weight_gradients(long n, long c, long ld, const float *dy, const float *x, const float *mean,
                                    const float *rstd, oracle *dgamma, float *dbeta) {
    double size = fabs(dgamma->value);
    for (long r = 0; r < n; r++) {
        const double product = (double)dy[r * ld + c] * ((double)x[r * ld + c] - mean[r]) * rstd[r];
        dgamma->value += product;
        size += fabs(product);
        *dbeta += dy[r * ld + c];
    }
    dgamma->slack = (double)(2 * n + 3) * U * size;
}

static void test_norm(const ppt_kernels *k, long n) {
    begin("layer_norm columns=%ld", n);
    const long all = row_count * n;
    float *x = numbers(all), *gamma = numbers(n), *beta = numbers(n), *y = blank(all);
    float *mean = blank(row_count), *rstd = blank(row_count), *dy = numbers(all), *dx = blank(all);
    for (long i = 0; i < all; i++) x[i] += 10;
    k->layer_norm(row_count, n, x, gamma, beta, (float)epsilon, y, mean, rstd);
    k->layer_norm_backward_input(row_count, n, dy, x, gamma, mean, rstd, dx);
    for (long r = 0; r < row_count; r++) {
        oracle wanted[n], wanted_mean, wanted_rstd;
        moments(n, x + r * n, &wanted_mean, &wanted_rstd);
        near(OF_layer_norm, 1, mean + r, &wanted_mean);
        near(OF_layer_norm, 1, rstd + r, &wanted_rstd);
        wanted_norm(n, x + r * n, gamma, beta, wanted);
        near(OF_layer_norm, n, y + r * n, wanted);
        wanted_input_gradient(n, dy + r * n, x + r * n, gamma, mean[r], rstd[r], wanted);
        near(OF_layer_norm_backward_input, n, dx + r * n, wanted);
    }
    k->layer_norm_backward_input(row_count, n, dy, x, gamma, mean, rstd, dy);
    same(OF_layer_norm_backward_input, all, dy, dx);
}

static void test_norm_weights(const ppt_kernels *k, long n) {
    begin("layer_norm_backward_weights columns=%ld", n);
    const long ld = n + 5;
    const float *x = numbers(row_count * ld), *dy = numbers(row_count * ld);
    const float *mean = numbers(row_count), *rstd = numbers(row_count);
    float *dgamma = numbers(n), *dbeta = numbers(n), sums[n];
    oracle wanted[n];
    for (long c = 0; c < n; c++) {
        wanted[c].value = dgamma[c];
        sums[c] = dbeta[c];
        wanted_weight_gradients(row_count, c, ld, dy, x, mean, rstd, wanted + c, sums + c);
    }
    k->layer_norm_backward_weights(row_count, n, ld, dy, x, mean, rstd, dgamma, dbeta);
    near(OF_layer_norm_backward_weights, n, dgamma, wanted);
    same(OF_layer_norm_backward_weights, n, dbeta, sums);
}

void test_row_sums(const ppt_kernels *k) {
    at_each_size(k, test_column_sum);
    at_each_size(k, test_embedding);
}

void test_layer_norm(const ppt_kernels *k) {
    at_each_size(k, test_norm);
    at_each_size(k, test_norm_weights);
}
