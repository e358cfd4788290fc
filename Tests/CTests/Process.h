// SPDX-License-Identifier: Apache-2.0

// Tests in a process of their own, which may be ended, or is no longer as it was.
#ifndef PROCESS_H
#define PROCESS_H

#include <stdint.h>

/// Forks, calls the function there, and looks how the process ends: with 0 unless something there does it otherwise or a check
/// fails, as ppt_decode_wait_status tells. All that it and its children write to standard error has to be `text`.
void expect_end(void (*body)(void), int code, const char *text);

/// Forks a child that calls the function and leaves with 0.
int start(void (*body)(void));
/// How a child ended.
int end_of(int process);

/// On CLOCK_MONOTONIC, in nanoseconds.
uint64_t now(void);

/// Waits for something to end this process, and says so on standard error when nothing does.
void wait_for_the_end(void);
/// A moment; for things that take a while to become true, `SOON` looks again and again.
void pass_a_moment(void);
#define SOON(condition)                                                                                                \
    do {                                                                                                               \
        int is_so, looks = 2000;                                                                                       \
        while (!(is_so = (condition)) && looks-- > 0) pass_a_moment();                                                 \
        check(is_so, #condition, __FILE__, __LINE__);                                                                  \
    } while (0)

#endif
