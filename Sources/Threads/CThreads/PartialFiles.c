#include "PartialFiles.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum { slot_count = 16, free_slot = 0, changing_slot = -1 };

// The owner is the process that added the path, and says whether the path may be read: only while it is a process's number.
static struct {
    atomic_int owner;
    char path[PATH_MAX];
} slots[slot_count];

int ppt_partial_add(const char *path) {
    size_t size = strlen(path) + 1;
    if (size > PATH_MAX) return -1;
    for (int slot = 0; slot < slot_count; slot++) {
        int expected = free_slot;
        if (!atomic_compare_exchange_strong(&slots[slot].owner, &expected, changing_slot)) continue;
        memcpy(slots[slot].path, path, size);
        atomic_store(&slots[slot].owner, getpid());
        return slot;
    }
    return -1;
}

void ppt_partial_remove(int slot) {
    if (slot < 0) return;
    // A handler on another thread may be reading the path; it is done soon.
    int owner = atomic_load(&slots[slot].owner);
    while (owner == changing_slot || !atomic_compare_exchange_weak(&slots[slot].owner, &owner, free_slot)) {
        owner = atomic_load(&slots[slot].owner);
    }
}

void ppt_partial_unlink_all(void) {
    int kept_errno = errno, self = getpid();
    for (int slot = slot_count - 1; slot >= 0; slot--) {
        int expected = self;
        if (!atomic_compare_exchange_strong(&slots[slot].owner, &expected, changing_slot)) continue;
        if (unlink(slots[slot].path) == -1 && errno == EISDIR) rmdir(slots[slot].path);
        atomic_store(&slots[slot].owner, self);
    }
    errno = kept_errno;
}
