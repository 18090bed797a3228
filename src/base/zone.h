/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Local days of the site's time zone. libc only: zone_set makes it the zone of
 * the process (TZ), once at the start; all that is stored or logged stays UTC.
 *
 * A day is all that bears its local date. It begins with its first instant,
 * which is midnight but where the clocks go forward at midnight, and has 23
 * hours when they go forward and 25 when they go back.
 */
#ifndef RT_BASE_ZONE_H
#define RT_BASE_ZONE_H

#include "base/utc.h"

/* name: as in /usr/share/zoneinfo, "Europe/London"; unknown ones are UTC. */
void zone_set(const char *name);

/* When the local day that holds utc_us begins. */
int64_t zone_day_start(int64_t utc_us);
/* When the next one does. */
int64_t zone_day_next(int64_t utc_us);

/*
 * The longest step in seconds, at most a day, of which all offsets from UTC
 * are multiples that the named zone has between two instants: 3600 for London.
 * So, of the steps counted from 1970-01-01 UTC, one begins at each local
 * midnight. The zone of the process stays what it was.
 */
int64_t zone_step(const char *name, int64_t from_us, int64_t to_us);

#endif
