// SPDX-License-Identifier: Apache-2.0

// Comparisons, and what is told of them.
#define _GNU_SOURCE
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "Check.h"

static const char *const names[KERNEL_COUNT] = {
#define KERNEL(result, name, parameters) #name,
#include "KernelList.h"
#undef KERNEL
};

/// What was compared of one kernel.
static struct {
    long elements;
    double worst;  // the largest difference, as a share of its slack
    uint32_t hash; // of all bits that were compared, in their order
} accounts[KERNEL_COUNT];

static char case_text[128];
static uint64_t case_number;
static int failures;

enum { told_max = 20 };

void fail(const char *format, ...) {
    if (failures++ >= told_max) return;
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "FAILED %s: ", case_text);
    vfprintf(stderr, format, arguments);
    fputs(failures == told_max ? "\n(no more are told)\n" : "\n", stderr);
    va_end(arguments);
}

int failure_count(void) { return failures; }

void begin(const char *format, ...) {
    reset_arrays(++case_number);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(case_text, sizeof case_text, format, arguments);
    va_end(arguments);
}

void at_each_size(const ppt_kernels *k, void (*test)(const ppt_kernels *k, long n)) {
    static const long sizes[] = {1, 2, 3, 4, 5, 7, 8, 9, 13, 15, 16, 17, 23, 31, 33, 47, 49, 63, 65, 97, 129, 600};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) test(k, sizes[i]);
}

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/// FNV-1a, a word at a time. Of NaNs, whose bits are the processor's own business, it takes that they are.
static void count_element(kernel of, float got) {
    accounts[of].elements++;
    accounts[of].hash = (accounts[of].hash ^ (isnan(got) ? 0x7fc00000 : bits_of(got))) * 16777619;
}

/// NaN is near NaN alone, and infinity near itself.
static double share_of_slack(float got, oracle wanted) {
    if (isnan(wanted.value) && isnan(got)) return 0;
    if ((double)got == wanted.value) return 0;
    const double share = fabs((double)got - wanted.value) / wanted.slack;
    return isnan(share) ? INFINITY : share;
}

void near(kernel of, long count, const float *got, const oracle *wanted) {
    for (long i = 0; i < count; i++) {
        const double share = share_of_slack(got[i], wanted[i]);
        count_element(of, got[i]);
        accounts[of].worst = fmax(accounts[of].worst, share);
        if (share <= 1) continue;
        fail("%s: element %ld is %.9g, not %.9g within %.2g", names[of], i, (double)got[i], wanted[i].value, wanted[i].slack);
        return;
    }
}

void same(kernel of, long count, const float *got, const float *wanted) {
    for (long i = 0; i < count; i++) {
        count_element(of, got[i]);
        if (bits_of(got[i]) == bits_of(wanted[i])) continue;
        fail("%s: element %ld has the bits of %.9g, not of %.9g", names[of], i, (double)got[i], (double)wanted[i]);
        return;
    }
}

void untouched(kernel of, long count, const float *got) {
    const long written = count_written(count, got);
    if (written > 0) fail("%s: writes %ld elements that are not its own", names[of], written);
}

void check(int condition, const char *text, const char *file, int line) {
    if (!condition) fail("%s:%d: not so: %s", file, line, text);
}

void report(const char *level) {
    reset_arrays(0);
    printf("%-9s %-28s %9s  %9s  bits\n", level, "", "elements", "of limit");
    for (kernel of = 0; of < KERNEL_COUNT; of++) {
        printf("%-9s %-28s %9ld  %8.1f%%  %08x\n", level, names[of], accounts[of].elements, 100 * accounts[of].worst,
               accounts[of].hash);
        if (accounts[of].elements == 0) fail("%s: is not tested", names[of]);
    }
    memset(accounts, 0, sizeof accounts);
    case_number = 0;
}

/// Only what may be called in a handler.
static void tell_access(int number) {
    (void)number;
    const char *const texts[] = {"FAILED ", case_text, ": reads or writes beyond an array\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (write(STDERR_FILENO, texts[i], strlen(texts[i])) == -1) break;
    }
    _exit(1);
}

void watch_memory(void) {
    const struct sigaction told = {.sa_handler = tell_access};
    sigaction(SIGSEGV, &told, NULL);
    sigaction(SIGBUS, &told, NULL);
}
