// SPDX-License-Identifier: Apache-2.0

// What the tests of C share: arrays that nothing can be read behind, and comparisons that keep account of each kernel.
#ifndef CHECK_H
#define CHECK_H

#include <stddef.h>

#include "CKernels.h"

/// All kernels: one that no test compares is told at the end.
typedef enum kernel {
#define KERNEL(result, name, parameters) OF_##name,
#include "KernelList.h"
#undef KERNEL
    KERNEL_COUNT
} kernel;

/// The largest share of its result that one operation's rounding takes or gives.
#define U 0x1p-24

/// What an element has to be, in double, and how far the roundings on its way may take it: each test says how it counts them.
typedef struct oracle {
    double value, slack;
} oracle;

/// Starts a case, which failures are told with. Arrays of the one before are taken back.
__attribute__((format(printf, 1, 2))) void begin(const char *format, ...);

// MARK: Arrays of the case

// Each ends where memory without access begins, and has floats in front that have to stay. A multiple of 16 floats starts on a
// cache line.

/// At random from -2 to 2, the same ones at every level and on every machine.
float *numbers(long count);
float *filled(long count, float value);
float *copy_of(const float *values, long count);
/// NaNs that `untouched` knows.
float *blank(long count);
/// At random from 0 to below `bound`.
int32_t *some_tokens(long count, int32_t bound);

/// How many of these are no longer what `blank` made them.
long count_written(long count, const float *from);
/// Takes all arrays back, after a look at what stands in front of them. Random numbers start again.
void reset_arrays(uint64_t seed);

/// Runs a test at sizes beside all levels' numbers of lanes and their multiples.
void at_each_size(const ppt_kernels *k, void (*test)(const ppt_kernels *k, long n));

// MARK: Comparisons

/// Each element is near what it has to be, has the same bits, or is what `blank` made it.
void near(kernel of, long count, const float *got, const oracle *wanted);
void same(kernel of, long count, const float *got, const float *wanted);
void untouched(kernel of, long count, const float *got);
/// For what is no kernel's.
#define CHECK(condition) check(condition, #condition, __FILE__, __LINE__)
void check(int condition, const char *text, const char *file, int line);
__attribute__((format(printf, 1, 2))) void fail(const char *format, ...);

/// Tells of each kernel how much was compared, how near to the limit it came, and a hash of its bits; one that nothing was
/// compared of is a failure. Starts from nothing again.
void report(const char *level);
int failure_count(void);
/// Has an access beyond an array be told as a failure.
void watch_memory(void);

// MARK: Tests, by what they are of

void test_elementwise(const ppt_kernels *k);
void test_optimizers(const ppt_kernels *k);
void test_dropout(const ppt_kernels *k);
void test_row_sums(const ppt_kernels *k);
void test_layer_norm(const ppt_kernels *k);
void test_softmax(const ppt_kernels *k);
void test_packing(const ppt_kernels *k);
void test_products(const ppt_kernels *k);
void test_peak(const ppt_kernels *k);
void test_waiting(void);
void test_threads(void);
void test_processes(void);
void test_signals(void);
void test_partial_files(void);

#endif
