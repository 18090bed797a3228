/* SPDX-License-Identifier: BSD-2-Clause */
/* Cutting a record into fields at a separator: the innermost loop. */
#ifndef RT_BASE_SPLIT_H
#define RT_BASE_SPLIT_H

#include "base/slice.h"

#define SPLIT_ROOM 8 /* places behind the last one that may be written to */

/*
 * Splits s at each `separator` into at most max (>= 1) fields; the last one
 * keeps what is left, further separators included. Returns their number n, at
 * least 1, and where they begin: begin[n] is one behind the end of s, as if a
 * separator stood there. `begin` has room for max + 1 + SPLIT_ROOM.
 */
unsigned
split_fields(struct slice s, char separator, uint32_t *begin, unsigned max);

/* The field i < n of a record at p. */
static inline struct slice
split_field(const char *p, const uint32_t *begin, unsigned i)
{
	return (struct slice){p + begin[i], begin[i + 1] - begin[i] - 1};
}

#endif
