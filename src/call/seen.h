/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a feed's senders may send again: a set of keys (64 bits of XXH3 of what
 * makes a record the same), each with the time it came in. Bounded by number
 * and, where somebody forgets old ones, by age. Among a million keys the chance
 * that two different records share one is 1 to 37 million.
 */
#ifndef RT_CALL_SEEN_H
#define RT_CALL_SEEN_H

#include "base/slice.h"
#include "base/table.h"

#define SEEN_MAX 1000000 /* keys; above it the oldest is forgotten */

struct seen_key {
	UT_hash_handle hh;
	uint64_t key;
	int64_t at_us;
};

/* Starts as {0}. */
struct seen {
	struct seen_key *table; /* oldest first */
	struct seen_key *new_;	/* the first that was not taken yet */
};

uint64_t seen_hash(struct slice bytes);
/* Whether it was there; else it is from now on. */
bool seen_before(struct seen *seen, uint64_t key, int64_t at_us);
/* At start: one that is stored, the oldest first. */
void seen_restore(struct seen *seen, uint64_t key, int64_t at_us);
/* Calls fn for each key that is new since the last time. */
void seen_take(struct seen *seen,
    void (*fn)(void *ctx, uint64_t key, int64_t at_us), void *ctx);
/* Forgets those that came in before; only what was taken. */
void seen_forget(struct seen *seen, int64_t before_us);
void seen_fini(struct seen *seen);

#endif
