/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/backoff.h"

#define BACKOFF_DOUBLINGS 20

int64_t
backoff_next(struct backoff *b, uint32_t chance)
{
	int64_t delay = RT_MIN(b->first_us, b->most_us);
	unsigned i, doublings = RT_MIN(b->tries, (unsigned)BACKOFF_DOUBLINGS);
	double off = (double)chance / UINT32_MAX * b->jitter_pct / 100;

	for (i = 0; i < doublings && delay < b->most_us; i++)
		delay *= 2;
	delay = RT_MIN(delay, b->most_us);
	b->tries++;
	return delay - (int64_t)((double)delay * off);
}
