// SPDX-License-Identifier: Apache-2.0

// Files that are being written, in a table that a signal's handler can go through.
#ifndef CTHREADS_PARTIAL_FILES_H
#define CTHREADS_PARTIAL_FILES_H

/// Takes note of a file, or of a folder, that this process has made and that is of no use as it is: a folder goes with all
/// that is in it. Paths should not depend on the working folder. Returns a slot, or -1 when all 16 are taken or the path is
/// longer than the system allows.
int ppt_partial_add(const char *path);

/// Frees a slot that `ppt_partial_add` returned; -1 is left alone.
void ppt_partial_remove(int slot);

/// Removes all that is in the table, what was added last first, unless another process added it: a forked child has the
/// table too. May be called in a signal's handler, at any moment. The slots stay taken.
void ppt_partial_unlink_all(void);

#endif
