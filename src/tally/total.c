/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "tally/total.h"

void
totals_fini(struct totals *totals)
{
	struct total *total, *next;

	HASH_ITER (hh, totals->by_name, total, next) {
		HASH_DEL(totals->by_name, total);
		figure_sum_fini(&total->sum);
		figure_sum_fini(&total->shown);
		free(total);
	}
}

struct total *
totals_get(struct totals *totals, const char *name)
{
	size_t n = strlen(name);
	struct total *total;

	HASH_FIND(hh, totals->by_name, name, n, total);
	if (total != NULL)
		return total;
	total = mem_zalloc(sizeof(*total) + n + 1);
	memcpy(total->name, name, n + 1);
	HASH_ADD_KEYPTR(hh, totals->by_name, total->name, n, total);
	return total;
}

void
total_show(struct total *total, struct figure_sum *to)
{
	struct figure_sum *shown = &total->shown;
	int i;

	figure_add(to, &total->sum);
	for (i = 0; i < MEASURES; i++)
		shown->v[i] = RT_MAX(shown->v[i], to->v[i]);
	hist_raise(&shown->wait_answered, &to->wait_answered);
	hist_raise(&shown->wait_abandoned, &to->wait_abandoned);
	figure_sum_reset(to);
	figure_add(to, shown);
}
