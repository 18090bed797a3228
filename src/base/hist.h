/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A histogram of waits by whole seconds. Bin n counts waits w with
 * n - 1 < w <= n seconds; bin 0 counts waits of exactly 0. So the bins up to T
 * add up to "within T seconds", for every whole T. Waits above HIST_SECONDS
 * share the last bin.
 *
 * Only the span from the lowest to the highest bin in use is held.
 */
#ifndef RT_BASE_HIST_H
#define RT_BASE_HIST_H

#include "base/base.h"

#define HIST_SECONDS 7200 /* two hours */
#define HIST_BINS    (HIST_SECONDS + 2)

struct hist {
	int32_t *bin;  /* bin[i] is bin number low + i */
	int32_t low;   /* valid while count > 0 */
	int32_t count; /* bins held */
	int32_t cap;   /* bins allocated */
};

/* The bin of a wait in ms; a negative wait counts as 0. */
static inline int
hist_bin(int64_t wait_ms)
{
	if (wait_ms > HIST_SECONDS * 1000)
		return HIST_BINS - 1;
	return wait_ms <= 0 ? 0 : (int)((wait_ms + 999) / 1000);
}

void hist_fini(struct hist *h);
/* Forgets all counts and keeps the memory. */
void hist_reset(struct hist *h);
/* Adds n, which may be negative, to a bin (0 to HIST_BINS - 1). */
void hist_add(struct hist *h, int bin, int32_t n);
void hist_merge(struct hist *to, const struct hist *from);
/* So that for every T as many waited at most T as in that of both with more. */
void hist_raise(struct hist *to, const struct hist *from);
/*
 * How many waited at most `seconds`; negative seconds: 0. -1 for more than
 * HIST_SECONDS where some waited longer than that, nobody knows how long.
 */
int64_t hist_within(const struct hist *h, int64_t seconds);
int64_t hist_total(const struct hist *h);
/*
 * The smallest number of seconds that at least pct percent (0 < pct <= 100) of
 * the waits did not exceed: the nearest-rank percentile. -1 when empty, and
 * when it is more than HIST_SECONDS.
 */
int64_t hist_percentile(const struct hist *h, double pct);

#endif
