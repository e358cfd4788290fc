// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#include "Process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "CThreads.h"
#include "Check.h"

int start(void (*body)(void)) {
    fflush(NULL); // or the child would write it too
    const int process = fork();
    if (process == -1) abort();
    if (process > 0) return process;
    const int before = failure_count();
    body();
    _exit(failure_count() > before);
}

int end_of(int process) {
    int status;
    CHECK(waitpid(process, &status, 0) == process);
    return ppt_decode_wait_status(status);
}

/// Until the last one who has the other end is gone.
static void read_all(int descriptor, char *to, size_t size) {
    size_t length = 0;
    for (ssize_t bytes; length < size - 1 && (bytes = read(descriptor, to + length, size - 1 - length)) > 0;) {
        length += (size_t)bytes;
    }
    to[length] = '\0';
}

static int error_pipe[2];
static void (*body_with_pipe)(void);

static void write_into_pipe(void) {
    dup2(error_pipe[1], STDERR_FILENO);
    close(error_pipe[0]);
    close(error_pipe[1]);
    body_with_pipe();
}

void expect_end(void (*body)(void), int code, const char *text) {
    if (pipe(error_pipe) == -1) abort();
    body_with_pipe = body;
    const int process = start(write_into_pipe);
    close(error_pipe[1]);
    char written[1024];
    read_all(error_pipe[0], written, sizeof written);
    close(error_pipe[0]);
    const int ended = end_of(process);
    if (ended != code) fail("ends with %d, not with %d, and writes: %s", ended, code, written);
    if (strcmp(written, text) != 0) fail("writes \"%s\", not \"%s\"", written, text);
}

uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

void pass_a_moment(void) { usleep(1000); }

void wait_for_the_end(void) {
    sleep(3);
    const char text[] = "nothing ended this process\n";
    if (write(STDERR_FILENO, text, strlen(text)) == -1) _exit(2);
}
