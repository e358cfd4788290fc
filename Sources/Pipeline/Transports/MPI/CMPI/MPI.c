// SPDX-License-Identifier: Apache-2.0

#include "CMPI.h"

#if PPT_MPI

#include <mpi.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(MPI_Request) <= sizeof(uint64_t), "a request fits its handle");

static MPI_Comm words = MPI_COMM_NULL;
static MPI_Comm items = MPI_COMM_NULL;
static int thread_level;

static MPI_Comm communicator(ppt_mpi_lane lane) { return lane == ppt_mpi_items ? items : words; }

static MPI_Request opened(const ppt_mpi_request *request) {
    MPI_Request handle = MPI_REQUEST_NULL;
    if (request->is_open) memcpy(&handle, &request->handle, sizeof handle);
    return handle;
}

static void keep(ppt_mpi_request *request, MPI_Request handle) {
    request->is_open = handle != MPI_REQUEST_NULL;
    request->handle = 0;
    memcpy(&request->handle, &handle, sizeof handle);
}

bool ppt_mpi_is_built(void) { return true; }

int ppt_mpi_start(void) {
    int code = MPI_Init_thread(NULL, NULL, MPI_THREAD_MULTIPLE, &thread_level);
    if (code != MPI_SUCCESS) return code;
    // Errors are ours to tell.
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    return MPI_Comm_dup(MPI_COMM_WORLD, &words);
}

bool ppt_mpi_allows_threads(void) { return thread_level == MPI_THREAD_MULTIPLE; }

void ppt_mpi_leave(void) { signal(SIGTERM, SIG_IGN); }

void ppt_mpi_end(void) { MPI_Finalize(); }

void ppt_mpi_abort(int code) { MPI_Abort(MPI_COMM_WORLD, code); }

int ppt_mpi_rank(void) {
    int rank = 0;
    MPI_Comm_rank(words, &rank);
    return rank;
}

int ppt_mpi_size(void) {
    int size = 1;
    MPI_Comm_size(words, &size);
    return size;
}

int ppt_mpi_tag_most(void) {
    int *most = NULL, found = 0;
    MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_TAG_UB, &most, &found);
    return found ? *most : 32767;
}

int ppt_mpi_hosts(int *first_of_host) {
    MPI_Comm host;
    int code = MPI_Comm_split_type(words, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &host);
    if (code != MPI_SUCCESS) return code;
    int first = ppt_mpi_rank();
    code = MPI_Bcast(&first, 1, MPI_INT, 0, host);
    MPI_Comm_free(&host);
    if (code != MPI_SUCCESS) return code;
    return MPI_Allgather(&first, 1, MPI_INT, first_of_host, 1, MPI_INT, words);
}

static void copy_line(char *text, int bytes, const char *line, int length) {
    int count = 0;
    while (count < length && count < bytes - 1 && line[count] != '\n' && line[count] != '\0') count++;
    memcpy(text, line, (size_t)count);
    text[count] = '\0';
}

void ppt_mpi_library(char *text, int bytes) {
    char version[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    int length = 0;
    MPI_Get_library_version(version, &length);
    copy_line(text, bytes, version, length);
}

void ppt_mpi_error_text(int code, char *text, int bytes) {
    char sentence[MPI_MAX_ERROR_STRING] = "";
    int length = 0;
    MPI_Error_string(code, sentence, &length);
    copy_line(text, bytes, sentence, length);
}

int ppt_mpi_make_group(int size) {
    int rank = ppt_mpi_rank();
    MPI_Comm group;
    int code = MPI_Comm_split(words, rank < size ? 0 : MPI_UNDEFINED, rank, &group);
    if (code == MPI_SUCCESS) items = group;
    return code;
}

int ppt_mpi_send(ppt_mpi_lane lane, const void *bytes, int count, int to, int tag, ppt_mpi_request *request) {
    MPI_Request handle = MPI_REQUEST_NULL;
    int code = MPI_Isend(bytes, count, MPI_BYTE, to, tag, communicator(lane), &handle);
    keep(request, handle);
    return code;
}

int ppt_mpi_receive(ppt_mpi_lane lane, void *bytes, int count, int from, int tag, ppt_mpi_request *request) {
    MPI_Request handle = MPI_REQUEST_NULL;
    int code = MPI_Irecv(bytes, count, MPI_BYTE, from, tag, communicator(lane), &handle);
    keep(request, handle);
    return code;
}

int ppt_mpi_look(ppt_mpi_lane lane, int tag, bool *is_there, int *from) {
    int found = 0;
    MPI_Status status;
    int code = MPI_Iprobe(MPI_ANY_SOURCE, tag, communicator(lane), &found, &status);
    *is_there = code == MPI_SUCCESS && found;
    *from = *is_there ? status.MPI_SOURCE : -1;
    return code;
}

int ppt_mpi_meet(ppt_mpi_meeting *meeting, ppt_mpi_request *request) {
    MPI_Request handle = MPI_REQUEST_NULL;
    int code = MPI_Iallreduce(meeting->brought, meeting->largest, 2, MPI_UINT64_T, MPI_MAX, items, &handle);
    keep(request, handle);
    return code;
}

void ppt_mpi_cancel(ppt_mpi_request *requests, int count) {
    for (int index = 0; index < count; index++) {
        if (!requests[index].is_open) continue;
        MPI_Request handle = opened(&requests[index]);
        MPI_Cancel(&handle);
        // At once, unless an item is on its way from a process that may be gone: then the program is about to end.
        int is_over = 0;
        for (int look = 0; look < 100 && !is_over; look++) MPI_Test(&handle, &is_over, MPI_STATUS_IGNORE);
        keep(&requests[index], handle);
    }
}

int ppt_mpi_test(ppt_mpi_request *requests, int count, bool *are_over) {
    *are_over = true;
    for (int index = 0; index < count; index++) {
        if (!requests[index].is_open) continue;
        MPI_Request handle = opened(&requests[index]);
        int is_over = 0;
        int code = MPI_Test(&handle, &is_over, MPI_STATUS_IGNORE);
        keep(&requests[index], handle);
        if (code != MPI_SUCCESS) return code;
        if (!is_over) {
            // The others are asked when this one is over: one test goes on with all that is under way.
            *are_over = false;
            return MPI_SUCCESS;
        }
    }
    return MPI_SUCCESS;
}

#endif
