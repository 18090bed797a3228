/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Times as people's exports write them, read by the formats that somebody
 * gives: those of strptime(3), without its gaps and its dependence on the
 * language of the machine. Understood are
 *
 *	%Y %y (of 2000 to 2068, 1969 to 1999) %m %d %e %b %B (English, short
 *	or long) %H %I %p %M %S (60 is the second that follows) %f (nothing, or
 *	a point or comma and digits) %z (Z, +01:00, +0100, +01, spaces before
 *	it) %s (seconds since 1970 UTC) %T %F %D (%m/%d/%y) %R %%
 *
 * and a space stands for any white space, also for none. Numbers may lack
 * their leading zeros. A time without a zone is local; which instant that is
 * follows from the zone, and is the earlier one of an hour that the clocks
 * repeat (counted). An hour that they leave out is no time: whoever exported
 * it has another zone than was said.
 */
#ifndef RT_BASE_TIMEFMT_H
#define RT_BASE_TIMEFMT_H

#include "base/local.h"

#define TIMEFMT_MAX 8

struct timefmt {
	const char *formats[TIMEFMT_MAX];
	unsigned n;
	unsigned last; /* of those of ISO 8601: which was right last */
	struct local_zone *zone;
	uint64_t ambiguous; /* times that the clocks repeated */
};

/*
 * Starts as {0}. Without formats: ISO 8601, of days, minutes, seconds and less,
 * with T or a space, local or not; without a zone: UTC.
 */
int timefmt_set_zone(struct timefmt *t, const char *name, struct err *err);
void timefmt_fini(struct timefmt *t);

/*
 * One more format, which must live as long; -1 with the reason. Of several the
 * first that fits counts.
 */
int timefmt_add(struct timefmt *t, const char *format, struct err *err);

/*
 * Reads what fills all of the text. Where it can not, *why is a constant text
 * that says so.
 */
enum timefmt_says {
	TIMEFMT_READ,
	TIMEFMT_IMPOSSIBLE, /* a time, but there is none such */
	TIMEFMT_OTHER	    /* it is no time, or of another format */
};

enum timefmt_says timefmt_read(
    struct timefmt *t, struct slice text, int64_t *utc_us, const char **why);

#endif
