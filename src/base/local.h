/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Local time that a feed stamps, and the instants it may mean. A switch that
 * writes "2017/11/05 01:30:00" and no more leaves open which of two hours it
 * was when the clocks were set back; when they are set forward it can not have
 * written what the clocks left out. Both are told here, never decided.
 *
 * ICU knows the zones (libc knows one at a time, TZ, which is the site's; see
 * base/zone.h). It is slow and large, so that a zone is opened only for a feed
 * that stamps local time, and is asked once for each local hour: all stamps
 * within that hour are then a subtraction.
 */
#ifndef RT_BASE_LOCAL_H
#define RT_BASE_LOCAL_H

#include "base/err.h"
#include "base/slice.h"
#include "base/utc.h"

enum local_result {
	LOCAL_UNIQUE,	 /* at[0] and at[1] are the same */
	LOCAL_AMBIGUOUS, /* the earlier and the later instant */
	/*
	 * Left out by clocks set forward: what it would have been by the
	 * clocks after the change (the earlier instant), and before it.
	 */
	LOCAL_SKIPPED
};

struct local_zone;

/*
 * name: as in /usr/share/zoneinfo, "Europe/London". NULL, or "UTC": without
 * ICU. Returns NULL with the reason where there is no such zone.
 */
struct local_zone *local_open(const char *name, struct err *err);
/* NULL is fine. */
void local_close(struct local_zone *zone);

/*
 * The instants, UTC microseconds, of a broken-down local time given as
 * local_us: microseconds since 1970-01-01 00:00:00 by the local clock.
 */
enum local_result
local_find(struct local_zone *zone, int64_t local_us, int64_t at[2]);

/*
 * Reads "2017?11?05?01:30:00" (19 bytes; `date` stands between the parts of
 * the date, any byte before the hour) as such a local time, in seconds. False:
 * no such date or time; 23:59:60 is not one either.
 */
bool local_read(struct slice text, char date, int64_t *local_s);

/* Days from 1970-01-01 to a date of the Gregorian calendar; month 1 to 12. */
int64_t local_days(int year, int month, int day);

#endif
