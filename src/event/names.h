/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How often each event name of a feed was seen: known ones, custom ones and
 * those nobody has heard of. Bounded: after NAMES_MAX names the rest counts as
 * "(others)".
 */
#ifndef RT_EVENT_NAMES_H
#define RT_EVENT_NAMES_H

#include "base/slice.h"
#include "base/table.h"

#define NAMES_MAX 500

struct name_count {
	UT_hash_handle hh;
	uint64_t count; /* since last taken */
	bool unknown;	/* the format does not know it */
	int64_t last_us; /* newest event time of that name */
	size_t len;
	char name[]; /* clean UTF-8, at most 64 bytes, terminated */
};

struct names {
	struct name_count *table;
};

void names_fini(struct names *names);
void names_count(struct names *names, struct slice name, bool unknown,
    int64_t time_us);
/* Calls fn for each name with a count, and zeroes it. */
void names_take(struct names *names,
    void (*fn)(void *ctx, const struct name_count *name), void *ctx);

#endif
