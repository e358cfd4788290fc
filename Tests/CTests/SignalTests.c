// SPDX-License-Identifier: Apache-2.0

// What signals do once they are taken over: each in a process that they may end.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "CThreads.h"
#include "Check.h"
#include "Process.h"

static void take_over(void) { ppt_take_over_signals("tried"); }

static void stop_at_once(void) {
    take_over();
    raise(SIGTERM);
}

static void stop_with_remark(void) {
    take_over();
    ppt_set_stop_remark(" in the midst");
    ppt_set_stop_remark(" near the end");
    raise(SIGHUP);
}

static void stop_without_remark(void) {
    take_over();
    ppt_set_stop_remark(" in the midst");
    ppt_set_stop_remark(NULL);
    raise(SIGINT);
}

static void stop_at_the_second(void) {
    take_over();
    ppt_note_first_stop(1);
    CHECK(ppt_noted_stop() == 0);
    raise(SIGINT);
    CHECK(ppt_noted_stop() == SIGINT);
    raise(SIGTERM);
}

static void stop_at_the_first_quit(void) {
    take_over();
    ppt_note_first_stop(1);
    raise(SIGQUIT);
}

static void keep_ignoring_hangup(void) {
    signal(SIGHUP, SIG_IGN);
    take_over();
    raise(SIGHUP);
}

/// Whatever was inherited: blocked, or not waited for.
static void unblock(void) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    signal(SIGCHLD, SIG_IGN);
    take_over();
    CHECK(end_of(start(take_over)) == 0);
    raise(SIGINT);
}

static void write_to_nobody(void) {
    take_over();
    int ends[2];
    CHECK(pipe(ends) == 0);
    close(ends[0]);
    CHECK(write(ends[1], "x", 1) == -1 && errno == EPIPE);
    raise(SIGXFSZ);
}

/// A sentence that nobody can take is left out, after a moment.
static void stop_before_a_full_pipe(void) {
    int ends[2];
    const char block[4096] = {0};
    CHECK(pipe2(ends, O_NONBLOCK) == 0 && dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
    while (write(STDERR_FILENO, block, sizeof block) > 0) {}
    CHECK(fcntl(STDERR_FILENO, F_SETFL, 0) == 0);
    take_over();
    alarm(5);
    raise(SIGTERM);
}

static void raise_in_child(void) { raise(SIGTERM); }

/// The handler is its parent's, which stays.
static void outlive_as_child(void) {
    take_over();
    CHECK(end_of(start(raise_in_child)) == 0);
}

static void ignore_stops(void) {
    ppt_ignore_stops();
    raise(SIGINT);
    raise(SIGQUIT);
}

static void lead_group(void) {
    setpgid(0, 0);
    start(wait_for_the_end);
    wait_for_the_end();
}

static void stop_with_program(void) {
    take_over();
    const int program = start(lead_group);
    setpgid(program, program);
    ppt_note_program(program);
    raise(SIGTERM);
}

static char partial[] = "/tmp/ctests-XXXXXX";

static void stop_with_partial_file(void) {
    take_over();
    CHECK(ppt_partial_add(partial) >= 0);
    raise(SIGTERM);
}

static void test_partial_file(void) {
    begin("a partial file goes with its process");
    const int file = mkstemp(partial);
    CHECK(file != -1);
    close(file);
    expect_end(stop_with_partial_file, 128 + SIGTERM, "tried: stopped by SIGTERM\n");
    CHECK(access(partial, F_OK) == -1);
}

static void ignore(int number) { (void)number; }

static void note_continues(void) {
    signal(SIGCONT, ignore);
    ppt_note_continues(0);
    raise(SIGCONT);
    CHECK(ppt_last_continue() == 0);
    ppt_note_continues(1);
    const uint64_t before = now();
    raise(SIGCONT);
    CHECK(before <= ppt_last_continue() && ppt_last_continue() <= now());
}

void test_signals(void) {
    static const struct {
        const char *name;
        void (*body)(void);
        int code;
        const char *text;
    } ends[] = {
        {"a stop", stop_at_once, 128 + SIGTERM, "tried: stopped by SIGTERM\n"},
        {"a remark", stop_with_remark, 128 + SIGHUP, "tried: stopped by SIGHUP near the end\n"},
        {"a remark taken back", stop_without_remark, 128 + SIGINT, "tried: stopped by SIGINT\n"},
        {"the second stop", stop_at_the_second, 128 + SIGTERM, "tried: stopped by SIGTERM\n"},
        {"a quit", stop_at_the_first_quit, 128 + SIGQUIT, "tried: stopped by SIGQUIT\n"},
        {"an ignored hangup", keep_ignoring_hangup, 0, ""},
        {"blocked signals", unblock, 128 + SIGINT, "tried: stopped by SIGINT\n"},
        {"a pipe that nobody reads", write_to_nobody, 0, ""},
        {"an error that nobody reads", stop_before_a_full_pipe, 128 + SIGTERM, ""},
        {"a child", outlive_as_child, 0, ""},
        {"ignored stops", ignore_stops, 0, ""},
        {"a program's group", stop_with_program, 128 + SIGTERM, "tried: stopped by SIGTERM\n"},
        {"going on", note_continues, 0, ""},
    };
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        begin("signals: %s", ends[i].name);
        expect_end(ends[i].body, ends[i].code, ends[i].text);
    }
    test_partial_file();
    begin("names of signals");
    CHECK(strcmp(ppt_signal_name(SIGTERM), "TERM") == 0 && ppt_signal_name(9999) == NULL);
}
