// SPDX-License-Identifier: Apache-2.0

// Layer norm, forward and backward.

#ifdef KERNEL

/// Layer norm over each row of x [rows, columns]: y = (x - mean) * rstd * gamma + beta, with
/// rstd = 1/sqrt(var + epsilon), var the biased variance, computed around the mean. Writes mean[rows] and
/// rstd[rows] for the backward.
KERNEL(void, layer_norm, (long rows, long columns, const float *x, const float *gamma, const float *beta,
                          float epsilon, float *y, float *mean, float *rstd))

/// dx [rows, columns], overwritten; dx may be dy.
KERNEL(void, layer_norm_backward_input, (long rows, long columns, const float *dy, const float *x, const float *gamma,
                                         const float *mean, const float *rstd, float *dx))

/// dgamma[c] += sum_r dy x_hat, dbeta[c] += sum_r dy, rows ascending. Rows of dy and of x are `ld` apart.
KERNEL(void, layer_norm_backward_weights, (long rows, long columns, long ld, const float *dy, const float *x,
                                           const float *mean, const float *rstd, float *dgamma, float *dbeta))

#else

INLINE vector normalized(vector x, float mean, float rstd) { return (x - splat(mean)) * splat(rstd); }

INLINE float mean_of(long n, const float *x) {
    row_sums sums = {0};
    FOR_EACH_SPAN(s, n) add_to(&sums, get(x, s));
    return total(&sums) / (float)n;
}

/// The mean of the squared distances from `mean`.
INLINE float variance_of(long n, const float *x, float mean) {
    row_sums sums = {0};
    FOR_EACH_SPAN(s, n) {
        const vector distance = kept(get(x, s) - splat(mean), s, 0.0f);
        add_to(&sums, distance * distance);
    }
    return total(&sums) / (float)n;
}

static void layer_norm(long rows, long columns, const float *x, const float *gamma, const float *beta, float epsilon,
                       float *y, float *mean, float *rstd) {
    for (long r = 0; r < rows; r++, x += columns, y += columns) {
        mean[r] = mean_of(columns, x);
        rstd[r] = 1.0f / __builtin_elementwise_sqrt(variance_of(columns, x, mean[r]) + epsilon);
        const float row_mean = mean[r], row_rstd = rstd[r];
        FOR_EACH_SPAN(s, columns) {
            put(y, s, fused_multiply_add(normalized(get(x, s), row_mean, row_rstd), get(gamma, s), get(beta, s)));
        }
    }
}

/// With g = dy gamma: dx = rstd (g - mean(g) - x_hat mean(g x_hat)).
static void layer_norm_backward_input(long rows, long columns, const float *dy, const float *x, const float *gamma,
                                      const float *mean, const float *rstd, float *dx) {
    for (long r = 0; r < rows; r++, x += columns, dy += columns, dx += columns) {
        const float row_mean = mean[r], row_rstd = rstd[r];
        row_sums sums = {0}, products = {0};
        // Lanes beyond the row have dy = 0 and add nothing.
        FOR_EACH_SPAN(s, columns) {
            const vector g = get(dy, s) * get(gamma, s);
            add_to(&sums, g);
            add_to(&products, g * normalized(get(x, s), row_mean, row_rstd));
        }
        const vector mean_g = splat(total(&sums) / (float)columns);
        const vector mean_product = splat(total(&products) / (float)columns);
        FOR_EACH_SPAN(s, columns) {
            const vector g = get(dy, s) * get(gamma, s), x_hat = normalized(get(x, s), row_mean, row_rstd);
            put(dx, s, splat(row_rstd) * fused_multiply_add(-x_hat, mean_product, g - mean_g));
        }
    }
}

static void layer_norm_backward_weights(long rows, long columns, long ld, const float *dy, const float *x,
                                        const float *mean, const float *rstd, float *dgamma, float *dbeta) {
    FOR_EACH_SPAN(s, columns) {
        vector gamma_sum = get(dgamma, s), beta_sum = get(dbeta, s);
        for (long r = 0; r < rows; r++) {
            const vector gradient = get(dy + r * ld, s);
            const vector x_hat = normalized(get(x + r * ld, s), mean[r], rstd[r]);
            gamma_sum = fused_multiply_add(gradient, x_hat, gamma_sum);
            beta_sum = beta_sum + gradient;
        }
        put(dgamma, s, gamma_sum);
        put(dbeta, s, beta_sum);
    }
}

#endif
