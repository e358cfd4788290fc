// SPDX-License-Identifier: Apache-2.0

#ifndef ALLOCATION_COUNTER_H
#define ALLOCATION_COUNTER_H

/// Whether this build counts heap allocations (1), or a sanitizer's malloc stands in the way (0).
/// Calling it is also what makes the linker take this file in.
int ppt_counts_allocations(void);

#endif
