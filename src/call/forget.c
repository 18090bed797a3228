/* SPDX-License-Identifier: BSD-2-Clause */
/* What is known of callers, and is to be known no more. */
#include "base/base.h"
#include "call/visit.h"

void
machine_keep_numbers(struct machine *m, bool keep)
{
	struct visit *v;
	int i;

	m->config.keep_numbers = keep;
	for (i = 0; i < VISIT_STATES && !keep; i++)
		TAILQ_FOREACH (v, &m->states[i], list)
			visit_forget_number(v);
}

/* Under the key of now, or under the one before. */
static bool
forget_is_meant(const struct visit *v, const uint8_t caller[CALL_CALLER_BYTES])
{
	return (v->has_caller &&
		   memcmp(v->caller, caller, sizeof(v->caller)) == 0) ||
	    (v->has_before &&
		memcmp(v->caller_before, caller, sizeof(v->caller_before)) ==
		    0);
}

size_t
machine_forget(struct machine *m, const uint8_t caller[CALL_CALLER_BYTES])
{
	struct visit *v;
	size_t n = 0;
	int i;

	for (i = 0; i < VISIT_STATES; i++)
		TAILQ_FOREACH (v, &m->states[i], list) {
			if (!forget_is_meant(v, caller))
				continue;
			v->has_caller = v->has_before = false;
			memset(v->caller, 0, sizeof(v->caller));
			memset(v->caller_before, 0, sizeof(v->caller_before));
			visit_forget_number(v);
			/* what has no row any more gets none again */
			if (v->stored)
				visit_changed(m, v);
			n++;
		}
	return n;
}
