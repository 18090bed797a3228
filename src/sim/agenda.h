/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The agenda of a simulation: what happens next. Dues are embedded in what
 * they belong to; each is set at most once at a time. Of two at the same
 * instant the one set first comes first, so that a run can be repeated.
 */
#ifndef RT_SIM_AGENDA_H
#define RT_SIM_AGENDA_H

#include "base/base.h"

struct due {
	uint32_t slot; /* where it stands in the agenda, from 1; 0: not set */
	int kind;      /* whatever the owner wants */
};

struct agenda_entry {
	int64_t at;
	uint64_t order;
	struct due *due;
};

struct agenda {
	struct agenda_entry *heap; /* four children each; heap[0] is unused */
	uint32_t n, cap;
	uint64_t order;
};

void agenda_fini(struct agenda *a);
/* Sets one, or moves it when it is set already. */
void agenda_set(struct agenda *a, struct due *due, int64_t at);
void agenda_cancel(struct agenda *a, struct due *due);
/* INT64_MAX when there is nothing to come. */
int64_t agenda_next(const struct agenda *a);
/* Takes the next one out; the agenda must not be empty. */
struct due *agenda_take(struct agenda *a);

#endif
