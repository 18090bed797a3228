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

/* Rounds t down to a multiple of step (> 0); right for t < 0 too. */
static inline int64_t
utc_floor(int64_t t, int64_t step)
{
	int64_t rest = t % step;

	return t - (rest < 0 ? rest + step : rest);
}

#endif
