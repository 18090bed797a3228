/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long to wait before something that failed is tried again: twice as long
 * each time, up to a bound, and less by a part that is left to chance, so that
 * many who were cut off at once do not come back at once.
 */
#ifndef RT_BASE_BACKOFF_H
#define RT_BASE_BACKOFF_H

#include "base/base.h"

/* Starts with `tries` 0, and again whenever it went well. */
struct backoff {
	int64_t first_us, most_us;
	unsigned jitter_pct; /* of the delay, 0 to 100 */
	unsigned tries;
};

/*
 * The next delay, of which `chance` (any bits) takes up to jitter_pct away.
 * Never above most_us.
 */
int64_t backoff_next(struct backoff *b, uint32_t chance);

#endif
