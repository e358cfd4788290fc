// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <stdbool.h>
#include <stdint.h>

// MPI as far as the transport needs it. Swift cannot import <mpi.h>: its handles are pointers behind casts in one library and
// numbers in another. Built without the package trait MPI, everything here says that there is none.
//
// Calls return 0, or the error that ppt_mpi_error_text has words for. They may come from several threads at once, but a request
// belongs to one. Nothing here waits, but for starting, ending and making a group.

/// Something that was begun and may not be over: an MPI_Request, whatever that is. All zero: nothing.
typedef struct {
    uint64_t handle;
    bool is_open;
} ppt_mpi_request;

/// Messages of one lane are never taken for those of another.
typedef enum {
    /// What ranks hand on, within a group.
    ppt_mpi_items,
    /// What processes tell each other, all of them.
    ppt_mpi_words,
} ppt_mpi_lane;

/// Two words that everybody brings to a meeting, and the largest of each, which everybody takes from it.
typedef struct {
    uint64_t brought[2];
    uint64_t largest[2];
} ppt_mpi_meeting;

/// Whether the program was built with MPI.
bool ppt_mpi_is_built(void);

/// Starts MPI, with threads that may all call it. An error leaves nothing to end.
int ppt_mpi_start(void);
/// Whether every thread may call MPI at any time, as this library was configured.
bool ppt_mpi_allows_threads(void);
/// The program ends by itself: a launcher that ends the job because another process has ended first is no news.
void ppt_mpi_leave(void);
/// Waits for all processes.
void ppt_mpi_end(void);
/// Ends all processes at once, this one too.
void ppt_mpi_abort(int code);

int ppt_mpi_rank(void);
int ppt_mpi_size(void);
/// The largest tag that a message may have.
int ppt_mpi_tag_most(void);
/// For each process, the first one on its host; collective.
int ppt_mpi_hosts(int *first_of_host);
/// The library's name and version, in one line.
void ppt_mpi_library(char *text, int bytes);
void ppt_mpi_error_text(int code, char *text, int bytes);

/// Makes the first `size` processes the group that hands on items and meets, in the order of their ranks; collective, over
/// all processes. The group before it is left as it is: what is under way there does not matter any more.
int ppt_mpi_make_group(int size);

/// Begins to send; the bytes are not to be written before it is done.
int ppt_mpi_send(
    ppt_mpi_lane lane, const void *bytes, int count, int to, int tag, ppt_mpi_request *request);
/// Begins to receive just so many bytes.
int ppt_mpi_receive(
    ppt_mpi_lane lane, void *bytes, int count, int from, int tag, ppt_mpi_request *request);
/// Whether there is a message of the tag from anybody, and from whom.
int ppt_mpi_look(ppt_mpi_lane lane, int tag, bool *is_there, int *from);
/// Begins to meet with all others of the group.
int ppt_mpi_meet(ppt_mpi_meeting *meeting, ppt_mpi_request *request);
/// Takes back receives that nothing has come for.
void ppt_mpi_cancel(ppt_mpi_request *requests, int count);
/// Goes on with all that is under way, and tells whether these requests, or all that are still open of them, are over.
int ppt_mpi_test(ppt_mpi_request *requests, int count, bool *are_over);
