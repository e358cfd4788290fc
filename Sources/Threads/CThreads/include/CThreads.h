// SPDX-License-Identifier: Apache-2.0

// The system calls and instructions that Swift's Glibc module does not reach: futex, affinity, prctl, pause, and the
// floating-point mode.
// What can fail returns 0 or a positive errno value, never -1 with errno, so that no caller depends on errno's thread.
#ifndef CTHREADS_H
#define CTHREADS_H

#include <stdint.h>

#include "PartialFiles.h"
#include "Signals.h"

/// Tells the CPU that this is a spin loop: it frees shared pipeline slots and leaves the loop without a mis-speculation.
static inline __attribute__((always_inline)) void ppt_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("isb" ::: "memory");
#else
    __asm__ __volatile__("" ::: "memory");
#endif
}

/// Sleeps while *word == expected, for `timeout_ns` at most. Works between processes (no FUTEX_PRIVATE_FLAG).
/// 0: woken (perhaps spuriously); EAGAIN: the word had changed; ETIMEDOUT; EINTR.
int ppt_futex_wait(const uint32_t *word, uint32_t expected, uint64_t timeout_ns);
/// Wakes every sleeper on the word, in any process that maps it.
int ppt_futex_wake_all(const uint32_t *word);

/// Restricts the calling thread to one CPU.
int ppt_pin_to_cpu(int cpu);
/// Sets bits[cpu / 64] bit (cpu % 64) for each CPU the calling thread may run on; `words` is the array's length.
int ppt_allowed_cpus(uint64_t *bits, int words);
/// The CPU the caller is on now.
int ppt_current_cpu(void);

/// From here on the calling thread's sleeps end when they should (PR_SET_TIMERSLACK), where the system lets them.
void ppt_sleep_precisely(void);

/// From here on the calling thread's arithmetic takes and gives 0 for numbers too small to be normal, where the CPU offers it.
void ppt_flush_subnormals(void);

/// Names the calling thread (15 characters are kept).
int ppt_name_thread(const char *name);
/// Asks the kernel to send SIGKILL to this process when its parent thread ends.
int ppt_die_with_parent(void);

/// The calling thread's number, which the system gives to no other one for a long time, unlike its pthread_t.
int ppt_thread_number(void);

/// A child of this process by a descriptor, which unlike its number is never another process's. -1 where the kernel has none
/// (before 5.3), or the child is gone.
int ppt_open_process(int process);
/// Sends SIGKILL through such a descriptor. 0, or an errno: ESRCH when the process has ended.
int ppt_kill_process(int descriptor);
/// Has ended children be kept until they are waited for, and returns whether the system was told otherwise before.
int ppt_keep_ended_children(void);
/// Takes back what `ppt_keep_ended_children` changed.
void ppt_forget_ended_children(void);
/// Takes note of a child's stops (SIGSTOP, a terminal's Ctrl-Z) and of its going on, through such a descriptor: 1 it has
/// stopped, 2 it goes on, 0 nothing new, or a kernel that does not tell (before 5.4). Does not collect it.
int ppt_stop_news(int descriptor);

/// Threads that a sanitizer's runtime keeps in every process; 0 without one.
int ppt_sanitizer_threads(void);

/// Heap allocations made by the calling thread, or -1 when nothing counts them.
/// The definition here is weak: a test links a strong one beside its counting malloc.
int64_t ppt_thread_allocations(void);

/// WIFEXITED and friends are macros: the exit code (0...255) or, for a death by signal, 1000 + the signal.
int ppt_decode_wait_status(int status);

/// An errno's name, such as "ENOENT"; NULL for a number that is none.
const char *ppt_error_name(int code);
/// What an errno means, in English; NULL for a number that is none. A constant, not a buffer as strerror's.
const char *ppt_error_sentence(int code);

#endif
