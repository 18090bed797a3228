/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How often each event name of a feed was seen: known ones, custom ones and
 * those nobody has heard of. Bounded: after NAMES_MAX names further ones are
 * counted as NAMES_OTHERS. A name is kept as valid UTF-8 of at most NAMES_BYTES
 * bytes; what is longer is counted under its beginning, and digits that could
 * be a caller's number are hidden.
 */
#ifndef RT_EVENT_NAMES_H
#define RT_EVENT_NAMES_H

#include "base/slice.h"
#include "base/table.h"

#define NAMES_MAX    500
#define NAMES_BYTES  64
#define NAMES_OTHERS "(others)"
#define NAMES_RECENT 16
#define NAMES_EMPTY  "(empty)" /* an event whose name has no length */

struct name_count {
	UT_hash_handle hh;
	uint64_t count;	 /* since last taken */
	bool unknown;	 /* the format does not know it (as said last) */
	int64_t last_us; /* newest event time among those counted */
	size_t len;
	char name[]; /* terminated */
};

/* Starts as {0}. */
struct names {
	struct name_count *table;
	/* found without a look-up: a feed has few names that come often */
	struct name_count *recent[NAMES_RECENT];
};

void names_fini(struct names *names);
void names_count(
    struct names *names, struct slice name, bool unknown, int64_t time_us);
/* Calls fn for each name with a count, in no order, and zeroes it. */
void names_take(struct names *names,
    void (*fn)(void *ctx, const struct name_count *name), void *ctx);

#endif
