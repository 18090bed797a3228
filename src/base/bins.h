/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A histogram of few waits: the bins of base/hist.h, of which only those in use
 * are held, four bytes each and in order. For the many small ones that are
 * kept, each minute's and each interval's of every queue; sums of them are made
 * in a struct hist.
 */
#ifndef RT_BASE_BINS_H
#define RT_BASE_BINS_H

#include "base/hist.h"

struct bins {
	uint32_t *v; /* the bin's number above BINS_SHIFT, the count below */
	uint32_t n, cap;
};

void bins_fini(struct bins *b);
/* Adds n (>= 0) to a bin (0 to HIST_BINS - 1). */
void bins_add(struct bins *b, int bin, int64_t n);
/* Adds what a histogram holds; what is negative there is left out. */
void bins_add_hist(struct bins *b, const struct hist *h);
/* Adds all of it to a histogram. */
void bins_merge(struct hist *to, const struct bins *b);

#endif
