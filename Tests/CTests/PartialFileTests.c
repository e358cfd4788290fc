// SPDX-License-Identifier: Apache-2.0

// The table of partial files: what it removes, and what it leaves.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "CThreads.h"
#include "Check.h"
#include "Process.h"

static char folder[] = "/tmp/ctests-XXXXXX";

static const char *path(const char *name) {
    static char paths[4][128];
    static int turn;
    char *const text = paths[turn++ % 4];
    snprintf(text, sizeof *paths, "%s/%s", folder, name);
    return text;
}

static void make_file(const char *name) {
    const int file = open(path(name), O_CREAT | O_WRONLY, 0600);
    CHECK(file != -1);
    close(file);
}

static void make_folder(const char *name) { CHECK(mkdir(path(name), 0700) == 0); }
static int is_there(const char *name) { return faccessat(AT_FDCWD, path(name), F_OK, AT_SYMLINK_NOFOLLOW) == 0; }

/// More entries than one reading of a folder gives, a folder in it, and a link that must not be followed.
static void fill_folder(void) {
    make_folder("deep");
    make_folder("deep/inner");
    make_file("deep/inner/file");
    for (int number = 0; number < 100; number++) {
        char name[64];
        snprintf(name, sizeof name, "deep/a-name-of-some-length-%d", number);
        make_file(name);
    }
    CHECK(symlink(path("kept"), path("deep/link")) == 0);
}

static void test_unlink(void) {
    make_folder("kept");
    make_file("kept/file");
    make_file("partial");
    make_file("finished");
    fill_folder();
    const int slots[] = {
        ppt_partial_add(path("partial")), ppt_partial_add(path("finished")), ppt_partial_add(path("deep"))};
    CHECK(slots[0] >= 0 && slots[1] >= 0 && slots[2] >= 0);
    ppt_partial_remove(slots[1]);
    CHECK(end_of(start(ppt_partial_unlink_all)) == 0); // another process, whose files they are not
    CHECK(is_there("partial") && is_there("deep/inner/file"));
    errno = ENOMSG;
    ppt_partial_unlink_all();
    CHECK(errno == ENOMSG);
    CHECK(!is_there("partial") && !is_there("deep") && is_there("finished") && is_there("kept/file"));
    make_file("partial"); // its slot is still taken
    ppt_partial_unlink_all();
    CHECK(!is_there("partial"));
    ppt_partial_remove(slots[0]);
    ppt_partial_remove(slots[2]);
}

static void test_limits(void) {
    char longest[PATH_MAX], longer[PATH_MAX + 1];
    memset(longest, 'a', sizeof longest - 1);
    memset(longer, 'a', sizeof longer - 1);
    longest[sizeof longest - 1] = longer[sizeof longer - 1] = '\0';
    CHECK(ppt_partial_add(longer) == -1);
    ppt_partial_remove(-1);
    int slots[16];
    for (int i = 0; i < 16; i++) CHECK((slots[i] = ppt_partial_add(longest)) >= 0);
    CHECK(ppt_partial_add("one more") == -1);
    for (int i = 0; i < 16; i++) ppt_partial_remove(slots[i]);
    const int again = ppt_partial_add("one more");
    CHECK(again >= 0);
    ppt_partial_remove(again);
}

void test_partial_files(void) {
    begin("partial files");
    CHECK(mkdtemp(folder) != NULL);
    test_unlink();
    begin("partial files: too many, and too long");
    test_limits();
    // By the table itself, which has been tried.
    const int all = ppt_partial_add(folder);
    ppt_partial_unlink_all();
    ppt_partial_remove(all);
    CHECK(access(folder, F_OK) == -1);
}
