// SPDX-License-Identifier: Apache-2.0

// Preloaded into a command by fuzz_inputs.py: runs its main once for each byte that comes in on descriptor 198, each time in a
// fork, and answers on descriptor 199 with the fork's process id, then with its wait status. So a try costs a fork instead of
// a process start with all of its dynamic linking, and is as much of a process of its own.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { requests = 198, answers = 199 };
typedef int (*main_function)(int, char **, char **);
static main_function command_main;

static int serve(int count, char **arguments, char **environment) {
    char request;
    unsetenv("LD_PRELOAD");
    while (read(requests, &request, 1) == 1) {
        pid_t process = fork();
        if (process == 0) {
            close(requests);
            close(answers);
            return command_main(count, arguments, environment);
        }
        int status = 0;
        if (write(answers, &process, sizeof process) < 0) break;
        if (process < 0 || waitpid(process, &status, 0) < 0) break;
        if (write(answers, &status, sizeof status) < 0) break;
    }
    return 0;
}

int __libc_start_main(main_function start, int count, char **arguments, void (*set_up)(void), void (*tear_down)(void),
                      void (*at_exit)(void), void *stack) {
    __typeof__(&__libc_start_main) real = (__typeof__(&__libc_start_main))dlsym(RTLD_NEXT, "__libc_start_main");
    command_main = start;
    return real(serve, count, arguments, set_up, tear_down, at_exit, stack);
}
