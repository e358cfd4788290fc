// SPDX-License-Identifier: Apache-2.0

// The matrix product beside three plain loops: all transposes, bias, endings and accumulating; and then what must not change
// its bits: one part computed after the other, packed factors, packed results.
#include <math.h>
#include <string.h>

#include "Check.h"

/// Sizes, how far rows of A are apart where it is transposed (0: a little more than they are long), and every which variant
/// is tried.
typedef struct shape {
    long m, n, k, lda;
    int step;
} shape;

typedef struct variant {
    int transpose_a, transpose_b, has_bias, accumulates;
    ppt_ending ending;
} variant;
enum { variant_count = 48 };

static variant variant_at(int index) {
    return (variant){index & 1, index >> 1 & 1, index >> 2 & 1, index >> 3 & 1, (ppt_ending)(index >> 4)};
}

enum { room = 280000 };

/// A product as it is on paper: its factors row by row, its sums in double, and the sums of the terms' magnitudes.
static shape of;
static float a[room], b[room], bias[room], gate[room], old[room];
static double sums[room], sizes[room];

static void fill(float *to, long count) { memcpy(to, numbers(count), (size_t)count * sizeof *to); }

static void make_product(shape next) {
    begin("[%ld, %ld, %ld]", next.m, next.n, next.k);
    of = next;
    fill(a, of.m * of.k);
    fill(b, of.k * of.n);
    fill(bias, of.n);
    fill(gate, of.m * of.n);
    for (long i = 4; i < of.m * of.n; i += 5) gate[i] = 0;
    fill(old, of.m * of.n);
    memset(sums, 0, sizeof(double) * (size_t)(of.m * of.n));
    memset(sizes, 0, sizeof(double) * (size_t)(of.m * of.n));
    for (long i = 0; i < of.m; i++) {
        for (long p = 0; p < of.k; p++) {
            for (long j = 0; j < of.n; j++) {
                const double term = (double)a[i * of.k + p] * b[p * of.n + j];
                sums[i * of.n + j] += term;
                sizes[i * of.n + j] += fabs(term);
            }
        }
    }
}

/// Rows in memory, with what is not theirs between them and nothing behind the last.
typedef struct rows {
    float *at;
    long ld;
} rows;

enum { apart = 3 };

static rows laid_out(const float *values, long height, long width, long ld) {
    const rows to = {blank((height - 1) * ld + width), ld};
    if (!values) return to;
    for (long row = 0; row < height; row++) {
        memcpy(to.at + row * ld, values + row * width, (size_t)width * sizeof *values);
    }
    return to;
}

static rows laid_out_transposed(const float *values, long height, long width, long ld) {
    const rows to = {blank((width - 1) * ld + height), ld};
    for (long row = 0; row < height; row++) {
        for (long column = 0; column < width; column++) to.at[column * ld + row] = values[row * width + column];
    }
    return to;
}

/// A C as it is before a product: NaN unless it is added to.
static rows c_before(int accumulates) { return laid_out(accumulates ? old : NULL, of.m, of.n, of.n + apart); }

static ppt_gemm call_of(variant v, rows c) {
    const long lda = of.lda ? of.lda : of.m + apart;
    const rows stored_a =
        v.transpose_a ? laid_out_transposed(a, of.m, of.k, lda) : laid_out(a, of.m, of.k, of.k + apart);
    const rows stored_b =
        v.transpose_b ? laid_out_transposed(b, of.k, of.n, of.k + apart) : laid_out(b, of.k, of.n, of.n + apart);
    const rows gates = laid_out(gate, of.m, of.n, of.n + apart);
    const int is_gated = v.ending == PPT_GATED;
    return (ppt_gemm){.m = of.m, .n = of.n, .k = of.k, .rows = {0, of.m}, .columns = {0, of.n},
                      .a = stored_a.at, .lda = stored_a.ld, .transpose_a = v.transpose_a,
                      .b = stored_b.at, .ldb = stored_b.ld, .transpose_b = v.transpose_b,
                      .c = c.at, .ldc = c.ld, .accumulate = v.accumulates,
                      .bias = v.has_bias && !is_gated ? copy_of(bias, of.n) : NULL,
                      .ending = v.ending, .gate = is_gated ? gates.at : NULL, .ldgate = gates.ld,
                      .workspace = blank(PPT_GEMM_WORKSPACE_FLOATS)};
}

/// A term is one rounding off, or two, and what it is added to another, each of at most all magnitudes; a run's sum, what C
/// held and the bias are some more.
static oracle wanted_at(variant v, long i, long j) {
    const long at = i * of.n + j;
    const double added = (v.has_bias && v.ending != PPT_GATED ? bias[j] : 0.0) + (v.accumulates ? old[at] : 0.0);
    const oracle sum = {sums[at] + added, (double)(2 * of.k + 10) * U * (sizes[at] + fabs(added) + 1)};
    if (v.ending == PPT_RECTIFIED && sum.value < 0) return (oracle){0, sum.slack};
    if (v.ending == PPT_GATED && !(gate[at] > 0)) return (oracle){0, 0};
    return sum;
}

static void same_rows(kernel kernel, rows got, rows wanted) {
    for (long i = 0; i < of.m; i++) same(kernel, of.n, got.at + i * got.ld, wanted.at + i * wanted.ld);
    for (long i = 0; i + 1 < of.m; i++) untouched(kernel, got.ld - of.n, got.at + i * got.ld + of.n);
}

/// Four parts of C, each with nothing of the others.
static void compute_in_parts(const ppt_kernels *table, ppt_gemm call) {
    const long row = of.m * 2 / 3, column = of.n / 2 / PPT_GEMM_PANEL_COLUMNS * PPT_GEMM_PANEL_COLUMNS;
    for (int part = 3; part >= 0; part--) {
        call.rows = part & 1 ? (ppt_range){row, of.m} : (ppt_range){0, row};
        call.columns = part & 2 ? (ppt_range){column, of.n} : (ppt_range){0, column};
        table->gemm(&call);
    }
}

static void test_variant(const ppt_kernels *table, variant v) {
    begin("gemm [%ld, %ld, %ld] A%s B%s bias %d accumulate %d ending %d", of.m, of.n, of.k, v.transpose_a ? "'" : "",
          v.transpose_b ? "'" : "", v.has_bias, v.accumulates, v.ending);
    const rows whole = c_before(v.accumulates), parts = c_before(v.accumulates);
    ppt_gemm call = call_of(v, whole);
    table->gemm(&call);
    oracle wanted[of.n];
    for (long i = 0; i < of.m; i++) {
        for (long j = 0; j < of.n; j++) wanted[j] = wanted_at(v, i, j);
        near(OF_gemm, of.n, whole.at + i * whole.ld, wanted);
    }
    call.c = parts.at;
    compute_in_parts(table, call);
    same_rows(OF_gemm, parts, whole);
}

static long packed_floats(long k, long n) {
    return k * ((n + PPT_GEMM_PACKED_COLUMNS - 1) / PPT_GEMM_PACKED_COLUMNS * PPT_GEMM_PACKED_COLUMNS);
}

/// B packed before, and its transpose on the way.
static void test_packed_factor(const ppt_kernels *table, variant v, rows plain) {
    const rows c = c_before(v.accumulates);
    ppt_gemm call = call_of(v, c);
    float *packed = blank(packed_floats(of.k, of.n)), *transpose = blank(packed_floats(of.n, of.k));
    float *wanted = blank(packed_floats(of.n, of.k));
    table->pack_b(of.k, of.n, call.b, call.ldb, call.transpose_b, packed);
    table->pack_transpose(of.n, of.k, (ppt_range){0, of.k}, packed, wanted);
    call.packed_b = packed;
    call.packed_transpose = transpose;
    call.b = NULL;
    table->gemm(&call);
    same_rows(OF_gemm, c, plain);
    same(OF_pack_transpose, packed_floats(of.n, of.k), transpose, wanted);
}

/// C in panels, and the sums of B's columns on the way: part after part, of which the upper ones add them.
static void test_packed_result(const ppt_kernels *table, variant v, rows plain) {
    const rows before = c_before(v.accumulates), c = c_before(0);
    ppt_gemm call = call_of(v, (rows){NULL, 0});
    float *column_sums = copy_of(bias, of.n), *wanted = copy_of(bias, of.n);
    call.packed_c = blank(packed_floats(of.m, of.n));
    call.column_sums = column_sums;
    table->pack_b(of.m, of.n, before.at, before.ld, 0, call.packed_c);
    compute_in_parts(table, call);
    table->unpack_b(of.m, of.n, call.packed_c, c.at, c.ld, 0);
    same_rows(OF_gemm, c, plain);
    table->column_sum(of.k, of.n, b, of.n, wanted);
    same(OF_gemm, of.n, column_sums, wanted);
}

static void test_packed(const ppt_kernels *table, int index) {
    const variant v = variant_at(index & 11); // no bias and no ending
    begin("gemm, packed [%ld, %ld, %ld] A%s accumulate %d", of.m, of.n, of.k, v.transpose_a ? "'" : "", v.accumulates);
    const rows plain = c_before(v.accumulates);
    const ppt_gemm call = call_of(v, plain);
    table->gemm(&call);
    test_packed_factor(table, v, plain);
    test_packed_result(table, v, plain);
}

static void test_shape(const ppt_kernels *table, shape next) {
    make_product(next);
    for (int index = 0; index < variant_count; index += of.step) test_variant(table, variant_at(index));
    for (int index = 0; index < 12; index += of.step) test_packed(table, index);
}

/// A NaN makes its own row NaN, rectified or not, and no other.
static void test_nan(const ppt_kernels *table, shape next) {
    make_product(next);
    begin("gemm of NaN [%ld, %ld, %ld]", of.m, of.n, of.k);
    a[(of.m - 1) * of.k] = NAN;
    const rows c = c_before(0);
    const ppt_gemm call = call_of((variant){.ending = PPT_RECTIFIED}, c);
    table->gemm(&call);
    for (long i = 0; i < of.m; i++) {
        for (long j = 0; j < of.n; j++) {
            if (!isnan(c.at[i * c.ld + j]) == (i == of.m - 1)) return fail("NaN in another row than A's");
        }
    }
}

void test_products(const ppt_kernels *table) {
    // Beside the sizes of tiles, panels, blocks and runs; and rows of A that fall on the same sets of the cache.
    static const shape shapes[] = {
        {1, 1, 1, 0, 1},     {5, 3, 2, 0, 1},     {13, 33, 17, 0, 1},    {12, 32, 16, 0, 1},   {25, 70, 300, 0, 1},
        {64, 60, 64, 0, 1},  {250, 40, 9, 0, 1},  {3, 1100, 5, 0, 1},    {256, 9, 150, 0, 5},  {250, 1100, 3, 0, 11},
        {9, 100, 700, 0, 5}, {9, 100, 250, 0, 5}, {13, 33, 17, 1024, 1}, {250, 50, 40, 512, 5}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) test_shape(table, shapes[i]);
    for (long m = 1; m <= 37; m++) test_shape(table, (shape){m, 5, 3, 0, 7});
    for (long n = 1; n <= 98; n++) test_shape(table, (shape){7, n, 3, 0, 7});
    test_nan(table, (shape){1, 1, 1, 0, 1});
    test_nan(table, (shape){25, 70, 30, 0, 1});
}

/// Each number becomes half of what it was, and one more: after enough steps all are 2, and their sum is as many floating-point
/// operations as a step has.
void test_peak(const ppt_kernels *table) {
    begin("peak_work");
    const float work = table->peak_work(200, 0.5f), flops = (float)table->peak_flops_a_step();
    same(OF_peak_work, 1, &work, &flops);
    const oracle positive = {work, 0};
    near(OF_peak_flops_a_step, 1, &flops, &positive);
    CHECK(flops > 0);
}
