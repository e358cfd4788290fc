// SPDX-License-Identifier: Apache-2.0
// Says how far two ranks are apart: what of MPI they get, the round trip of 8 bytes, and how much goes over in a second.
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void pause_nanoseconds(long nanoseconds) {
    struct timespec t = {0, nanoseconds};
    if (nanoseconds > 0) nanosleep(&t, NULL);
}

static void wait_for(MPI_Request *request, long pause) {
    int done = 0;
    while (MPI_Test(request, &done, MPI_STATUS_IGNORE), !done) pause_nanoseconds(pause);
}

static void send(void *bytes, int count, int rank, long pause) {
    MPI_Request request;
    MPI_Isend(bytes, count, MPI_BYTE, rank, 0, MPI_COMM_WORLD, &request);
    wait_for(&request, pause);
}

static void receive(void *bytes, int count, int rank, long pause) {
    MPI_Request request;
    MPI_Irecv(bytes, count, MPI_BYTE, rank, 0, MPI_COMM_WORLD, &request);
    wait_for(&request, pause);
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void round_trips(int rank, int other, int count, long pause) {
    double *times = calloc((size_t)count, sizeof *times);
    char bytes[8] = {0};
    for (int i = -count / 10; i < count; i++) {
        double start = MPI_Wtime();
        if (rank == 0) send(bytes, 8, other, pause), receive(bytes, 8, other, pause);
        else receive(bytes, 8, 0, pause), send(bytes, 8, 0, pause);
        if (i >= 0) times[i] = MPI_Wtime() - start;
    }
    qsort(times, (size_t)count, sizeof *times, compare);
    if (rank == 0)
        printf("round trip, pause %5ld ns: median %8.2f us, 10th %8.2f, 90th %8.2f, 99th %8.2f\n", pause, 1e6 * times[count / 2],
               1e6 * times[count / 10], 1e6 * times[count * 9 / 10], 1e6 * times[count * 99 / 100]);
    free(times);
}

static void stream(int rank, int other, int size, int count) {
    char *bytes = calloc(1, (size_t)size);
    double start = MPI_Wtime();
    for (int i = 0; i < count; i++) {
        if (rank == 0) send(bytes, size, other, 0);
        else receive(bytes, size, 0, 0);
    }
    if (rank == 0) receive(bytes, 1, other, 0);
    else send(bytes, 1, 0, 0);
    double seconds = MPI_Wtime() - start;
    if (rank == 0) printf("stream of %7d bytes: %9.1f Mbit/s\n", size, 8e-6 * size * count / seconds);
    free(bytes);
}

int main(int argc, char **argv) {
    int level, rank, size, shared, length, found, *bound;
    char name[MPI_MAX_PROCESSOR_NAME];
    MPI_Comm host;
    const int wanted = argc > 1 ? atoi(argv[1]) : MPI_THREAD_SERIALIZED;
    const int megabytes = argc > 2 ? atoi(argv[2]) : 32;
    MPI_Init_thread(&argc, &argv, wanted, &level);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &host);
    MPI_Comm_size(host, &shared);
    MPI_Get_processor_name(name, &length);
    MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_TAG_UB, &bound, &found);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    printf("rank %d of %d on %s: %d on its host, thread level %d for %d (SERIALIZED %d, MULTIPLE %d), MPI_TAG_UB %d, clock %ld s\n", rank,
           size, name, shared, level, wanted, MPI_THREAD_SERIALIZED, MPI_THREAD_MULTIPLE, found ? *bound : -1, (long)now.tv_sec);
    fflush(stdout);
    MPI_Barrier(MPI_COMM_WORLD);
    const int other = size - 1;
    if (rank == 0 || rank == other) {
        round_trips(rank, other, 2000, 0);
        round_trips(rank, other, 2000, 20000);
        stream(rank, other, 16384, megabytes << 6);
        stream(rank, other, 1 << 20, megabytes);
    }
    MPI_Finalize();
    return 0;
}
