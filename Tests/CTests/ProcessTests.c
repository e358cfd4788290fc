// SPDX-License-Identifier: Apache-2.0

// Children: how they end, how they are ended, what is told of them; and how this process was started.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "CThreads.h"
#include "Check.h"
#include "Process.h"

static void leave_with_seven(void) { _exit(7); }
static void end_by_signal(void) { kill(getpid(), SIGKILL); }

static int ready[2];

static void die_with_parent(void) {
    CHECK(ppt_die_with_parent() == 0);
    CHECK(write(ready[1], "r", 1) == 1);
    wait_for_the_end();
}

/// Leaves a child behind.
static void end_before_child(void) {
    char r;
    CHECK(pipe(ready) == 0);
    start(die_with_parent);
    CHECK(read(ready[0], &r, 1) == 1);
}

/// By a descriptor, where the kernel has such.
static void test_descriptor(void) {
    const int process = start(wait_for_the_end), descriptor = ppt_open_process(process);
    if (descriptor == -1) {
        puts("this kernel has no descriptors of processes: they are not tried");
        kill(process, SIGKILL);
        end_of(process);
        return;
    }
    CHECK(ppt_stop_news(descriptor) == 0);
    kill(process, SIGSTOP);
    SOON(ppt_stop_news(descriptor) == 1);
    CHECK(ppt_stop_news(descriptor) == 0);
    kill(process, SIGCONT);
    SOON(ppt_stop_news(descriptor) == 2);
    CHECK(ppt_kill_process(descriptor) == 0);
    siginfo_t ended;
    CHECK(waitid(P_PID, (id_t)process, &ended, WEXITED | WNOWAIT) == 0);
    CHECK(ppt_stop_news(descriptor) == 0);
    CHECK(end_of(process) == 1000 + SIGKILL);
    CHECK(ppt_kill_process(descriptor) == ESRCH);
    CHECK(ppt_open_process(process) == -1);
    close(descriptor);
}

/// What is set for ended children, before, while they are kept, and after.
static void expect_kept(struct sigaction before, int was_otherwise) {
    sigaction(SIGCHLD, &before, NULL);
    CHECK(ppt_keep_ended_children() == was_otherwise);
    CHECK(end_of(start(leave_with_seven)) == 7);
    ppt_forget_ended_children();
    struct sigaction after;
    sigaction(SIGCHLD, NULL, &after);
    CHECK(after.sa_handler == before.sa_handler && (after.sa_flags & SA_NOCLDWAIT) == before.sa_flags);
}

static void keep_children(void) {
    expect_kept((struct sigaction){.sa_handler = SIG_DFL}, 0);
    expect_kept((struct sigaction){.sa_handler = SIG_IGN}, 1);
    expect_kept((struct sigaction){.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT}, 1);
}

/// Closed ones get their own numbers, and others none of them.
static void open_descriptors(void) {
    close(0);
    close(2);
    CHECK(ppt_open_standard_descriptors() == 0);
    CHECK(ppt_was_closed(0) && !ppt_was_closed(1) && ppt_was_closed(2));
    CHECK(!ppt_was_closed(-1) && !ppt_was_closed(3));
    CHECK(write(2, "x", 1) == 1 && read(0, &(char){0}, 1) == 0 && open("/dev/null", O_RDONLY) > 2);
}

void test_processes(void) {
    begin("how a process ends");
    CHECK(end_of(start(leave_with_seven)) == 7 && end_of(start(end_by_signal)) == 1000 + SIGKILL);
    begin("a child dies with its parent");
    expect_end(end_before_child, 0, "");
    begin("a child by its descriptor");
    test_descriptor();
    begin("ended children are kept");
    expect_end(keep_children, 0, "");
    begin("standard descriptors are open");
    expect_end(open_descriptors, 0, "");
}
