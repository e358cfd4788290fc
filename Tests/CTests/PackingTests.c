// SPDX-License-Identifier: Apache-2.0

// Packed matrices: each element has to be where the layout says, which is panels of columns, one after the other.
#include "Check.h"

/// The widths of a level's vectors and of its widest panel.
typedef struct widths {
    long vector, panel;
} widths;

static long up_to(long n, long multiple) { return (n + multiple - 1) / multiple * multiple; }
static long smaller(long a, long b) { return a < b ? a : b; }

/// The table does not tell them. The second row of a matrix that has one panel lies as far behind the first as that is wide.
static long second_row(const ppt_kernels *k, long n) {
    const long floats = 2 * up_to(n, PPT_GEMM_PACKED_COLUMNS);
    float *b = filled(2 * n, 1), *packed = blank(floats);
    b[n] = 2;
    k->pack_b(2, n, b, n, 0, packed);
    for (long i = 0; i < floats; i++) {
        if (packed[i] == 2) return i;
    }
    fail("pack_b: a row is lost");
    return 1;
}

static widths widths_of(const ppt_kernels *k) {
    const widths of = {second_row(k, 1), second_row(k, PPT_GEMM_PANEL_COLUMNS)};
    CHECK(PPT_GEMM_PACKED_COLUMNS % of.vector == 0 && PPT_GEMM_PANEL_COLUMNS % of.panel == 0 && of.panel % of.vector == 0);
    return of;
}

static long room(long k, long n) { return k * up_to(n, PPT_GEMM_PACKED_COLUMNS); }

/// B as it has to be packed, with 0 beside its last column, and nothing behind that.
static float *wanted_packed(widths of, long k, long n, const float *b, long row_step, long column_step) {
    float *packed = blank(room(k, n));
    for (long j = 0; j < up_to(n, of.vector); j++) {
        const long first = j / of.panel * of.panel, width = smaller(of.panel, up_to(n - first, of.vector));
        for (long p = 0; p < k; p++) {
            packed[first * k + p * width + j - first] = j < n ? b[p * row_step + j * column_step] : 0;
        }
    }
    return packed;
}

static void test_pack(const ppt_kernels *table, widths of, long k, long n, int transposed) {
    begin("pack_b [%ld, %ld]%s", k, n, transposed ? " transposed" : "");
    const long rows = transposed ? n : k, columns = transposed ? k : n, ld = columns + 3;
    const float *b = numbers(rows * ld);
    float *packed = blank(room(k, n)), *again = blank(rows * ld);
    table->pack_b(k, n, b, ld, transposed, packed);
    same(OF_pack_b, room(k, n), packed, wanted_packed(of, k, n, b, transposed ? 1 : ld, transposed ? ld : 1));
    table->unpack_b(k, n, packed, again, ld, transposed);
    for (long row = 0; row < rows; row++) {
        same(OF_unpack_b, columns, again + row * ld, b + row * ld);
        untouched(OF_unpack_b, ld - columns, again + row * ld + columns);
    }
}

/// In two parts, each of which leaves the other's panels alone.
static void test_transpose(const ppt_kernels *table, widths of, long k, long n) {
    begin("pack_transpose [%ld, %ld]", k, n);
    const long cut = n / 2 / PPT_GEMM_PANEL_COLUMNS * PPT_GEMM_PANEL_COLUMNS;
    const float *b = numbers(k * n), *transpose = wanted_packed(of, n, k, b, 1, n);
    float *packed = blank(room(k, n));
    table->pack_transpose(k, n, (ppt_range){cut, n}, transpose, packed);
    untouched(OF_pack_transpose, cut * k, packed);
    table->pack_transpose(k, n, (ppt_range){0, cut}, transpose, packed);
    same(OF_pack_transpose, room(k, n), packed, wanted_packed(of, k, n, b, n, 1));
}

void test_packing(const ppt_kernels *table) {
    begin("widths of panels");
    const widths of = widths_of(table);
    static const long sizes[] = {1, 2, 5, 9, 15, 16, 17, 31, 47, 48, 49, 70, 96, 131};
    enum { size_count = sizeof sizes / sizeof *sizes };
    for (int row = 0; row < size_count; row++) {
        for (int column = 0; column < size_count; column++) {
            test_pack(table, of, sizes[row], sizes[column], 0);
            test_pack(table, of, sizes[row], sizes[column], 1);
            test_transpose(table, of, sizes[row], sizes[column]);
        }
    }
}
