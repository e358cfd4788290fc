// SPDX-License-Identifier: Apache-2.0

// Signals, and how the program was started: what must be known before Swift's own start-up has looked at anything.
#ifndef CTHREADS_SIGNALS_H
#define CTHREADS_SIGNALS_H

#include <stdint.h>

/// Opens /dev/null on those of the descriptors 0, 1 and 2 that are closed, so that no file of ours gets their number.
/// 0, or an errno.
int ppt_open_standard_descriptors(void);

/// Whether `ppt_open_standard_descriptors` found a descriptor closed.
int ppt_was_closed(int descriptor);

/// Sets what signals do, whatever was inherited, and unblocks them all. SIGINT, SIGTERM, SIGHUP and SIGQUIT end this process
/// by a handler of ours, because process 1 of a container is ended by nothing else: it removes partial files, writes
/// "NAME: stopped by SIGINT" to standard error and exits with 128 plus the signal. A SIGHUP that was ignored stays so
/// (nohup). SIGPIPE and SIGXFSZ are ignored, which makes the write fail instead; SIGCHLD leaves ended children to be waited
/// for. `name` is kept up to 63 bytes.
void ppt_take_over_signals(const char *name);

/// From now on (1) the first SIGINT, SIGTERM or SIGHUP is only noted, and the second ends the process; or (0) the first does.
void ppt_note_first_stop(int notes);
/// The signal that was noted, or 0.
int ppt_noted_stop(void);
/// Whether the first one is noted.
int ppt_notes_first_stop(void);

/// What the handler adds to its sentence, up to 255 bytes; NULL for nothing.
void ppt_set_stop_remark(const char *remark);

/// Takes note of a program that this process has started, and that leads a process group of its own: the handler kills that
/// group. 0 when it has ended.
void ppt_note_program(int process);

/// Lets a forked child outlive the signals of its terminal: its parent decides.
void ppt_ignore_stops(void);

/// Takes note, from now on, of when the process goes on after it was stopped: handles SIGCONT. A system call that waits is then
/// ended by it, as by other signals. Unless it `replaces`, a program that handles SIGCONT itself is left alone.
void ppt_note_continues(int replaces);
/// When that was last, on CLOCK_MONOTONIC in nanoseconds; 0 while it never was.
uint64_t ppt_last_continue(void);

/// A signal's name without SIG; NULL for a number that is none.
const char *ppt_signal_name(int number);

/// The index-th argument that main was given, or NULL behind the last. Known without /proc, which Swift's CommandLine needs.
const char *ppt_argument(int index);

#endif
