// SPDX-License-Identifier: Apache-2.0

// The most multiplications and additions that a core can do at this level: what products are compared with.

#ifdef KERNEL

/// Does `steps` times as many multiplications and additions as `peak_flops_a_step` says, in registers, as fast as the core
/// can. Returns something that depends on all of them.
KERNEL(float, peak_work, (long steps, float factor))
KERNEL(long, peak_flops_a_step, (void))

#else

// Enough sums that none waits for itself, few enough that all stay in registers.
#define PEAK_SUMS (TILE_ROWS + 6)

/// `steps` times PEAK_SUMS fused multiplications and additions of whole vectors, nothing else.
static float peak_work(long steps, float factor) {
    vector sums[PEAK_SUMS];
    for (int i = 0; i < PEAK_SUMS; i++) sums[i] = splat((float)i);
    for (long step = 0; step < steps; step++) {
#pragma clang loop unroll(full)
        for (int i = 0; i < PEAK_SUMS; i++) sums[i] = fused_multiply_add(sums[i], splat(factor), splat(1.0f));
    }
    vector sum = sums[0];
    for (int i = 1; i < PEAK_SUMS; i++) sum = sum + sums[i];
    return sum_lanes(sum);
}

static long peak_flops_a_step(void) { return 2 * LANES * PEAK_SUMS; }

#endif
