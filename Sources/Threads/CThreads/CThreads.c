// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#include "CThreads.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

_Static_assert(sizeof(uint32_t) == 4 && sizeof(int) == 4, "a futex is four bytes");

int ppt_futex_wait(const uint32_t *word, uint32_t expected, uint64_t timeout_ns) {
    struct timespec timeout = {(time_t)(timeout_ns / 1000000000u), (long)(timeout_ns % 1000000000u)};
    return syscall(SYS_futex, word, FUTEX_WAIT, expected, &timeout, NULL, 0) == -1 ? errno : 0;
}

int ppt_futex_wake_all(const uint32_t *word) {
    return syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0) == -1 ? errno : 0;
}

int ppt_pin_to_cpu(int cpu) {
    if (cpu < 0 || cpu >= CPU_SETSIZE) return EINVAL;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return sched_setaffinity(0, sizeof set, &set) == -1 ? errno : 0;
}

int ppt_allowed_cpus(uint64_t *bits, int words) {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == -1) return errno;
    for (int cpu = 0; cpu < CPU_SETSIZE && cpu < words * 64; cpu++) {
        if (CPU_ISSET(cpu, &set)) bits[cpu / 64] |= (uint64_t)1 << (cpu % 64);
    }
    return 0;
}

int ppt_current_cpu(void) { return sched_getcpu(); }

void ppt_flush_subnormals(void) {
#if defined(__x86_64__)
    const unsigned flush_to_zero = 0x8000, subnormals_are_zeros = 0x40;
    __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | flush_to_zero | subnormals_are_zeros);
#elif defined(__aarch64__)
    const uint64_t flush_to_zero = (uint64_t)1 << 24;
    uint64_t control;
    __asm__ __volatile__("mrs %0, fpcr" : "=r"(control));
    __asm__ __volatile__("msr fpcr, %0" : : "r"(control | flush_to_zero));
#endif
}

int ppt_name_thread(const char *name) {
    char kept[16];
    size_t length = 0;
    while (length < sizeof kept - 1 && name[length] != '\0') {
        kept[length] = name[length];
        length++;
    }
    kept[length] = '\0';
    return pthread_setname_np(pthread_self(), kept);
}

void ppt_sleep_precisely(void) { prctl(PR_SET_TIMERSLACK, 1); }

int ppt_die_with_parent(void) { return prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 ? errno : 0; }

int ppt_thread_number(void) { return (int)syscall(SYS_gettid); }

int ppt_open_process(int process) { return (int)syscall(SYS_pidfd_open, process, 0); }

int ppt_kill_process(int descriptor) {
    return syscall(SYS_pidfd_send_signal, descriptor, SIGKILL, NULL, 0) == -1 ? errno : 0;
}

static struct sigaction child_action;

int ppt_keep_ended_children(void) {
    sigaction(SIGCHLD, NULL, &child_action);
    if (child_action.sa_handler != SIG_IGN && !(child_action.sa_flags & SA_NOCLDWAIT)) return 0;
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigaction(SIGCHLD, &standard, NULL);
    return 1;
}

void ppt_forget_ended_children(void) { sigaction(SIGCHLD, &child_action, NULL); }

int ppt_stop_news(int descriptor) {
    const idtype_t by_descriptor = 3;  // P_PIDFD, which older headers lack
    siginfo_t news = {0};
    if (waitid(by_descriptor, (id_t)descriptor, &news, WSTOPPED | WCONTINUED | WNOHANG) == -1 || news.si_pid == 0) return 0;
    return news.si_code == CLD_CONTINUED ? 2 : 1;
}

int ppt_sanitizer_threads(void) {
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
    return 1;
#endif
#endif
    return 0;
}

__attribute__((weak)) int64_t ppt_thread_allocations(void) { return -1; }

int ppt_decode_wait_status(int status) {
    return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

const char *ppt_error_name(int code) { return strerrorname_np(code); }

const char *ppt_error_sentence(int code) { return strerrordesc_np(code); }
