/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon's own two clocks, in microseconds, and text for points in time.
 * Figures never use these: they follow the event time that a feed stamps.
 * Timers use the monotonic clock; the wall clock is for what people read and
 * for the ageing of stored rows.
 */
#ifndef RT_BASE_CLOCK_H
#define RT_BASE_CLOCK_H

#include "base/base.h"

#define USEC_PER_SEC  INT64_C(1000000)
#define USEC_PER_MSEC INT64_C(1000)
#define SEC_PER_DAY   INT64_C(86400)

/* Never goes back, has no meaning outside this boot. */
int64_t clock_mono_us(void);
/* Since 1970-01-01 UTC; may step. */
int64_t clock_wall_us(void);

#define CLOCK_ISO_MAX 40
/*
 * Writes "2026-11-21T19:15:00Z" (UTC, ISO 8601), with ".123456" before the Z
 * where the time is not a whole second, to `to` (CLOCK_ISO_MAX bytes at
 * least) and returns it. Any int64_t is accepted.
 */
char *clock_iso(char *to, size_t size, int64_t utc_us);

/* Rounds t down to a multiple of step (> 0); right for t < 0 too. */
static inline int64_t
clock_floor(int64_t t, int64_t step)
{
	int64_t rest = t % step;

	return t - (rest < 0 ? rest + step : rest);
}

#endif
