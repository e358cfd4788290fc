// SPDX-License-Identifier: Apache-2.0

// Counts the calling thread's heap allocations, for the test that a step makes none. Linked into the tests only: it
// replaces malloc by glibc's own with a count beside it. A sanitizer brings its own malloc, so there nothing is counted.
#include "AllocationCounter.h"

#include <stddef.h>
#include <stdint.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED 1
#endif
#endif

#if defined(IS_SANITIZED) || !defined(__GLIBC__)
int ppt_counts_allocations(void) { return 0; }
#else
static _Thread_local int64_t allocations;

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

void *malloc(size_t size) {
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    allocations++;
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
    allocations++;
    return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    allocations++;
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size) {
    allocations++;
    *out = __libc_memalign(alignment, size);
    return *out ? 0 : 12;
}

// Stands in for the weak definition in CThreads.
int64_t ppt_thread_allocations(void) { return allocations; }

int ppt_counts_allocations(void) { return 1; }
#endif
