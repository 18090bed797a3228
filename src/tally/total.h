/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was counted since the process began, for those who expect of a counter
 * that it never falls (serve/metrics.h).
 *
 * What is booked may be taken back: another feed of the switch knows better how
 * a visit ended. So beside the sum stands what was shown of it, which only
 * rises: a figure that fell stays where it was until the sum has come there
 * again. Sums outlive the tally, which is thrown away when the daemon begins
 * anew from what is committed; by name, for queues go with it.
 */
#ifndef RT_TALLY_TOTAL_H
#define RT_TALLY_TOTAL_H

#include "base/table.h"
#include "tally/figure.h"

struct total {
	UT_hash_handle hh;
	struct figure_sum sum, shown;
	char name[]; /* the key */
};

/* Of one switch; begins with {0}. */
struct totals {
	struct total *by_name;
};

void totals_fini(struct totals *totals);
/* Of that queue; made when new. */
struct total *totals_get(struct totals *totals, const char *name);

/*
 * In place of what is in `to`, which may have been booked meanwhile and is to
 * be added to the sum: what is to be shown of both.
 */
void total_show(struct total *total, struct figure_sum *to);

#endif
