// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#include "CThreads.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// Handlers may use atomics that need no lock.
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "an atomic int is lock-free");

static int argument_count;
static char **arguments;

// glibc hands main's arguments to constructors too.
__attribute__((constructor)) static void keep_arguments(int count, char **list) {
    argument_count = count;
    arguments = list;
}

const char *ppt_argument(int index) { return index < argument_count ? arguments[index] : NULL; }

static int closed_at_start;

int ppt_open_standard_descriptors(void) {
    for (int descriptor = 0; descriptor <= 2; descriptor++) {
        if (fcntl(descriptor, F_GETFD) != -1) continue;
        closed_at_start |= 1 << descriptor;
        // The lowest free number is given: this one, because those below are open.
        if (open("/dev/null", O_RDWR) == -1) return errno;
    }
    return 0;
}

int ppt_was_closed(int descriptor) {
    return descriptor >= 0 && descriptor <= 2 && (closed_at_start >> descriptor & 1);
}

static char program_name[64];
// Two texts in turn: a handler that comes while one is written still finds the other.
static char remarks[2][256];
static atomic_int current_remark;
static atomic_int owner;
static atomic_int notes_first;
static atomic_int noted;
static int writes_to_terminal;
static atomic_int program;

static void copy(char *target, size_t size, const char *source) {
    size_t length = strnlen(source, size - 1);
    memcpy(target, source, length);
    target[length] = '\0';
}

// Waits, within bounds, until the whole group is gone, so that none of it writes files any more.
static void end_program(void) {
    int process = atomic_load(&program);
    if (process == 0) return;
    for (int tries = 0; tries < 500 && kill(-process, SIGKILL) == 0; tries++) {
        waitpid(process, NULL, WNOHANG);
        poll(NULL, 0, 1);
    }
}

enum { sentence_milliseconds_max = 200 };

// Only what may be called in a handler.
static void leave(int number) {
    end_program();
    ppt_partial_unlink_all();
    const char *texts[] = {
        writes_to_terminal ? "\n" : "", program_name, ": stopped by SIG", sigabbrev_np(number),
        remarks[atomic_load(&current_remark)], "\n",
    };
    char line[512];
    size_t length = 0;
    for (size_t index = 0; index < sizeof texts / sizeof *texts; index++) {
        size_t bytes = strlen(texts[index]);
        memcpy(line + length, texts[index], bytes);
        length += bytes;
    }
    // Ended without the sentence rather than waiting for somebody to read a full pipe, or for a terminal that Ctrl-S has
    // stopped: the signals that end us are blocked here. A pipe that has room has it for a whole line.
    struct pollfd error = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&error, 1, sentence_milliseconds_max) == 1 && error.revents & POLLOUT) {
        ssize_t written = write(STDERR_FILENO, line, length);
        (void)written;
    }
    _exit(128 + number);
}

static void stop(int number) {
    // A child that was forked a moment ago and has not said yet that it ignores these.
    if (getpid() != atomic_load(&owner)) return;
    int none = 0;
    if (number != SIGQUIT && atomic_load(&notes_first) && atomic_compare_exchange_strong(&noted, &none, number)) return;
    leave(number);
}

static const int stop_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
static const size_t stop_signal_count = sizeof stop_signals / sizeof *stop_signals;

void ppt_take_over_signals(const char *name) {
    copy(program_name, sizeof program_name, name);
    writes_to_terminal = isatty(STDERR_FILENO);
    atomic_store(&owner, getpid());

    struct sigaction standard = {.sa_handler = SIG_DFL}, ignored = {.sa_handler = SIG_IGN};
    sigaction(SIGCHLD, &standard, NULL);
    sigaction(SIGPIPE, &ignored, NULL);
    sigaction(SIGXFSZ, &ignored, NULL);

    struct sigaction handled = {.sa_handler = stop, .sa_flags = SA_RESTART};
    for (size_t index = 0; index < stop_signal_count; index++) sigaddset(&handled.sa_mask, stop_signals[index]);
    for (size_t index = 0; index < stop_signal_count; index++) {
        struct sigaction inherited;
        sigaction(stop_signals[index], NULL, &inherited);
        if (stop_signals[index] == SIGHUP && inherited.sa_handler == SIG_IGN) continue;
        sigaction(stop_signals[index], &handled, NULL);
    }

    // Whoever started us may have had signals blocked, which a new program inherits.
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

void ppt_note_first_stop(int notes) { atomic_store(&notes_first, notes); }
int ppt_notes_first_stop(void) { return atomic_load(&notes_first); }
int ppt_noted_stop(void) { return atomic_load(&noted); }

void ppt_set_stop_remark(const char *remark) {
    int next = 1 - atomic_load(&current_remark);
    copy(remarks[next], sizeof remarks[next], remark == NULL ? "" : remark);
    atomic_store(&current_remark, next);
}

void ppt_note_program(int process) { atomic_store(&program, process); }

void ppt_ignore_stops(void) {
    struct sigaction ignored = {.sa_handler = SIG_IGN};
    for (size_t index = 0; index < stop_signal_count; index++) sigaction(stop_signals[index], &ignored, NULL);
}

static _Atomic uint64_t last_continue;
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "an atomic 64-bit number is lock-free");

static void note_continue(int number) {
    (void)number;
    int kept = errno;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    atomic_store(&last_continue, (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec);
    errno = kept;
}

void ppt_note_continues(int replaces) {
    struct sigaction inherited, handled = {.sa_handler = note_continue, .sa_flags = SA_RESTART};
    if (!replaces && sigaction(SIGCONT, NULL, &inherited) == 0 && inherited.sa_handler != SIG_DFL) return;
    sigemptyset(&handled.sa_mask);
    sigaction(SIGCONT, &handled, NULL);
}

uint64_t ppt_last_continue(void) { return atomic_load_explicit(&last_continue, memory_order_relaxed); }

const char *ppt_signal_name(int number) { return sigabbrev_np(number); }
