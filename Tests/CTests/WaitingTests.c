// SPDX-License-Identifier: Apache-2.0

// Sleeping on a word that threads or processes share, and the time that it takes.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "CThreads.h"
#include "Check.h"
#include "Process.h"

enum { sleeper_count = 3 };
static const uint64_t long_ns = 3000000000, short_ns = 20000000;

/// In memory that a fork shares.
static struct shared {
    _Atomic uint32_t word;
    atomic_int about_to_sleep;
} *shared;

static const uint32_t *address(void) { return (const uint32_t *)&shared->word; }

/// Woken, or too late to be: 0 or EAGAIN, but never after all of the time.
static int sleep_on_the_word(void) {
    atomic_fetch_add(&shared->about_to_sleep, 1);
    int code = 0;
    while (atomic_load(&shared->word) == 0 && code == 0) code = ppt_futex_wait(address(), 0, long_ns);
    return code;
}

static void *sleeping_thread(void *code) {
    *(int *)code = sleep_on_the_word();
    return NULL;
}

static void sleeping_process(void) { CHECK(sleep_on_the_word() != ETIMEDOUT); }

static void restart(void) {
    atomic_store(&shared->word, 0);
    atomic_store(&shared->about_to_sleep, 0);
}

static void wake_sleepers(int count) {
    SOON(atomic_load(&shared->about_to_sleep) == count);
    for (int moment = 0; moment < 50; moment++) pass_a_moment(); // they are asleep by then, most likely
    atomic_store(&shared->word, 1);
    CHECK(ppt_futex_wake_all(address()) == 0);
}

static void test_timeout(void) {
    begin("futex: a wait that nobody ends");
    restart();
    const uint64_t start = now();
    CHECK(ppt_futex_wait(address(), 0, short_ns) == ETIMEDOUT);
    CHECK(now() - start >= short_ns && now() - start < long_ns);
}

static void test_changed(void) {
    begin("futex: a word that has changed");
    restart();
    CHECK(ppt_futex_wait(address(), 1, long_ns) == EAGAIN);
}

static void test_threads_woken(void) {
    begin("futex: all threads are woken");
    restart();
    pthread_t threads[sleeper_count];
    int codes[sleeper_count];
    for (int i = 0; i < sleeper_count; i++) {
        if (pthread_create(threads + i, NULL, sleeping_thread, codes + i) != 0) abort();
    }
    wake_sleepers(sleeper_count);
    for (int i = 0; i < sleeper_count; i++) {
        pthread_join(threads[i], NULL);
        CHECK(codes[i] != ETIMEDOUT);
    }
}

static void test_process_woken(void) {
    begin("futex: another process is woken");
    restart();
    const int process = start(sleeping_process);
    wake_sleepers(1);
    CHECK(end_of(process) == 0);
}

void test_waiting(void) {
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) abort();
    ppt_pause(); // an instruction that there has to be
    test_timeout();
    test_changed();
    test_threads_woken();
    test_process_woken();
    munmap(shared, sizeof *shared);
}
