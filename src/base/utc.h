/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Points in time as numbers: microseconds since 1970-01-01 UTC. Arithmetic
 * and text only; whoever asks what time it is now includes base/clock.h.
 */
#ifndef RT_BASE_UTC_H
#define RT_BASE_UTC_H

#include "base/base.h"

#define USEC_PER_SEC  INT64_C(1000000)
#define USEC_PER_MSEC INT64_C(1000)
#define SEC_PER_DAY   INT64_C(86400)

#define UTC_ISO_MAX 40
/*
 * Writes "2026-11-21T19:15:00Z" (UTC, ISO 8601), with ".123456" before the Z
 * where the time is not a whole second, to `to` (UTC_ISO_MAX bytes at
 * least) and returns it. Any int64_t is accepted.
 */
char *utc_iso(char *to, size_t size, int64_t utc_us);

/*
 * Reads a time stamp of RFC 3339, which fills all n bytes:
 * "2026-11-21T19:15:00.123Z", or with an offset such as +01:00 for the Z.
 * Digits behind the microsecond are cut off; second 60 is the one that
 * follows. False, and *utc_us untouched, for anything else: what has no zone
 * is no point in time.
 */
bool utc_parse(const char *p, size_t n, int64_t *utc_us);

/* Days from 1970-01-01 to a date of the Gregorian calendar; month from 1. */
int64_t utc_days(int year, int month, int day);

/* Rounds t down to a multiple of step (> 0); right for t < 0 too. */
static inline int64_t
utc_floor(int64_t t, int64_t step)
{
	int64_t rest = t % step;

	return t - (rest < 0 ? rest + step : rest);
}

#endif
