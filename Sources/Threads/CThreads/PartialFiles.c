// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#include "PartialFiles.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum { slot_count = 16, free_slot = 0, changing_slot = -1, folders_deep_max = 32 };

// A handler may be in the middle of what it interrupts: it uses atomics that need no lock.
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "an atomic int is lock-free");

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

static int remove_entry(int parent, const char *name, int folders_deep);

// Without memory of its own, for handlers: what is read of a folder lies on the stack.
static void empty_folder(int folder, int folders_deep) {
    _Alignas(struct dirent64) char entries[1024];
    ssize_t bytes;
    while ((bytes = getdents64(folder, entries, sizeof entries)) > 0) {
        for (ssize_t offset = 0; offset < bytes;) {
            struct dirent64 *entry = (struct dirent64 *)(entries + offset);
            offset += entry->d_reclen;
            if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
            remove_entry(folder, entry->d_name, folders_deep);
        }
    }
}

// A file, a link, or a folder with all that is in it. 0, or -1 when it is still there.
static int remove_entry(int parent, const char *name, int folders_deep) {
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT) return 0;
    if (errno != EISDIR || folders_deep == 0) return -1;
    // A link that has taken the folder's name is not followed.
    int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder == -1) return -1;
    empty_folder(folder, folders_deep - 1);
    close(folder);
    return unlinkat(parent, name, AT_REMOVEDIR);
}

void ppt_partial_unlink_all(void) {
    int kept_errno = errno, self = getpid();
    for (int slot = slot_count - 1; slot >= 0; slot--) {
        int expected = self;
        if (!atomic_compare_exchange_strong(&slots[slot].owner, &expected, changing_slot)) continue;
        // Again when something has come meanwhile, or when the system left entries out because others went.
        for (int tries = 0; tries < 4 && remove_entry(AT_FDCWD, slots[slot].path, folders_deep_max) == -1; tries++) {}
        atomic_store(&slots[slot].owner, self);
    }
    errno = kept_errno;
}
