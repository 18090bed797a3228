/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon's own two clocks, in microseconds.
 * Figures never use these: they follow the event time that a feed stamps.
 * Timers use the monotonic clock; the wall clock is for what people read and
 * for the ageing of stored rows.
 */
#ifndef RT_BASE_CLOCK_H
#define RT_BASE_CLOCK_H

#include "base/utc.h"

/* Never goes back, has no meaning outside this boot. */
int64_t clock_mono_us(void);
/* Since 1970-01-01 UTC; may step. */
int64_t clock_wall_us(void);

#endif
