/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How far a switch's clock is from ours, by what a feed tells as it happens:
 * each event comes some time after its own time, never before. So of the delays
 * of the last minutes the smallest is the difference of the clocks, and what
 * the quickest line took. A line that was late (read late, buffered) makes a
 * larger one, which does not count beside the others; some are waited for. And
 * for as many moments: what a switch had kept for us comes all at once.
 */
#ifndef RT_CALL_SKEW_H
#define RT_CALL_SKEW_H

#include "base/base.h"
#include "base/utc.h"

#define SKEW_PART_US  (5 * 60 * USEC_PER_SEC) /* of two, this one and before */
#define SKEW_ENOUGH   3			      /* lines, to believe it */
#define SKEW_APART_US USEC_PER_SEC	      /* of those, each to the next */
/* Above this somebody should set a clock. */
#define SKEW_MUCH_US (5 * USEC_PER_SEC)

/* Begins with {0}. */
struct skew {
	int64_t begins_us;  /* of our clock, as all: the present part */
	int64_t counted_us; /* the newest line of n */
	struct skew_part {
		int64_t least_us;
		unsigned n; /* lines, of those near each other one */
	} part[2];	    /* this one, and the one before */
};

/* The newest event of what came just now, at received_us, has that time. */
void skew_note(struct skew *skew, int64_t received_us, int64_t time_us);
/*
 * By how much the switch's clock is behind ours, negative: ahead. False: not
 * enough was heard in the last minutes.
 */
bool skew_now(const struct skew *skew, int64_t now_us, int64_t *us);

#endif
