/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "call/skew.h"

void
skew_note(struct skew *skew, int64_t received_us, int64_t time_us)
{
	int64_t late_us = received_us - time_us;
	int64_t age_us = received_us - skew->begins_us;
	struct skew_part *part = skew->part;

	if (age_us < 0 || age_us >= SKEW_PART_US) {
		/* the other part is of the minutes before, or of long ago */
		part[1] = part[0];
		if (age_us < 0 || age_us >= 2 * SKEW_PART_US)
			part[1].n = 0;
		part[0].n = 0;
		skew->begins_us = received_us;
	}
	if (part->n == 0 || late_us < part->least_us)
		part->least_us = late_us;
	if (part->n == 0 || received_us - skew->counted_us >= SKEW_APART_US) {
		part->n++;
		skew->counted_us = received_us;
	}
}

bool
skew_now(const struct skew *skew, int64_t now_us, int64_t *us)
{
	const struct skew_part *a = &skew->part[0], *b = &skew->part[1];
	int64_t age_us = now_us - skew->begins_us;

	if (age_us < 0 || age_us >= 2 * SKEW_PART_US ||
	    a->n + b->n < SKEW_ENOUGH)
		return false;
	*us = b->n == 0 || (a->n > 0 && a->least_us < b->least_us)
	    ? a->least_us
	    : b->least_us;
	return true;
}
