// SPDX-License-Identifier: Apache-2.0

#include "CMPI.h"

// A program that was built without MPI: everything is linked, and nothing is ever called but the first function.

#if !PPT_MPI

#include <stdlib.h>

bool ppt_mpi_is_built(void) { return false; }
int ppt_mpi_start(void) { abort(); }
bool ppt_mpi_allows_threads(void) { abort(); }
void ppt_mpi_leave(void) { abort(); }
void ppt_mpi_cancel(ppt_mpi_request *requests, int count) { abort(); }
void ppt_mpi_end(void) { abort(); }
void ppt_mpi_abort(int code) { abort(); }
int ppt_mpi_rank(void) { abort(); }
int ppt_mpi_size(void) { abort(); }
int ppt_mpi_tag_most(void) { abort(); }
int ppt_mpi_hosts(int *first_of_host) { abort(); }
void ppt_mpi_library(char *text, int bytes) { abort(); }
void ppt_mpi_error_text(int code, char *text, int bytes) { abort(); }
int ppt_mpi_make_group(int size) { abort(); }
int ppt_mpi_send(ppt_mpi_lane lane, const void *bytes, int count, int to, int tag, ppt_mpi_request *request) {
    abort();
}
int ppt_mpi_receive(ppt_mpi_lane lane, void *bytes, int count, int from, int tag, ppt_mpi_request *request) {
    abort();
}
int ppt_mpi_look(ppt_mpi_lane lane, int tag, bool *is_there, int *from) { abort(); }
int ppt_mpi_meet(ppt_mpi_meeting *meeting, ppt_mpi_request *request) { abort(); }
int ppt_mpi_test(ppt_mpi_request *requests, int count, bool *are_over) { abort(); }

#endif
