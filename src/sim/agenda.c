/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "sim/agenda.h"

#define AGENDA_FIRST 1u

void
agenda_fini(struct agenda *a)
{
	free(a->heap);
	*a = (struct agenda){NULL, 0, 0, 0};
}

static inline bool
agenda_before(const struct agenda_entry *x, const struct agenda_entry *y)
{
	return x->at < y->at || (x->at == y->at && x->order < y->order);
}

static inline void
agenda_put(struct agenda *a, uint32_t slot, const struct agenda_entry *entry)
{
	a->heap[slot] = *entry;
	entry->due->slot = slot;
}

/* Slots 4p-2 to 4p+1 are the children of slot p. */
static void
agenda_up(struct agenda *a, uint32_t slot, struct agenda_entry entry)
{
	while (slot > AGENDA_FIRST) {
		uint32_t parent = (slot + 2) / 4;

		if (!agenda_before(&entry, &a->heap[parent]))
			break;
		agenda_put(a, slot, &a->heap[parent]);
		slot = parent;
	}
	agenda_put(a, slot, &entry);
}

static void
agenda_down(struct agenda *a, uint32_t slot, struct agenda_entry entry)
{
	for (;;) {
		uint32_t child = slot * 4 - 2;
		uint32_t end = RT_MIN(child + 3, a->n);
		uint32_t least = child;

		if (child > a->n)
			break;
		while (++child <= end) {
			if (agenda_before(&a->heap[child], &a->heap[least]))
				least = child;
		}
		if (!agenda_before(&a->heap[least], &entry))
			break;
		agenda_put(a, slot, &a->heap[least]);
		slot = least;
	}
	agenda_put(a, slot, &entry);
}

static void
agenda_place(struct agenda *a, uint32_t slot, struct agenda_entry entry)
{
	if (slot > AGENDA_FIRST &&
	    agenda_before(&entry, &a->heap[(slot + 2) / 4]))
		agenda_up(a, slot, entry);
	else
		agenda_down(a, slot, entry);
}

void
agenda_set(struct agenda *a, struct due *due, int64_t at)
{
	struct agenda_entry entry = {at, a->order++, due};

	if (due->slot != 0) {
		agenda_place(a, due->slot, entry);
		return;
	}
	if (a->n + 1 >= a->cap) {
		a->cap = RT_MAX(a->cap * 2, 64u);
		a->heap = mem_realloc(a->heap, a->cap, sizeof(*a->heap));
	}
	agenda_up(a, ++a->n, entry);
}

void
agenda_cancel(struct agenda *a, struct due *due)
{
	uint32_t slot = due->slot;
	struct agenda_entry last;

	if (slot == 0)
		return;
	due->slot = 0;
	last = a->heap[a->n--];
	if (slot <= a->n)
		agenda_place(a, slot, last);
}

int64_t
agenda_next(const struct agenda *a)
{
	return a->n > 0 ? a->heap[AGENDA_FIRST].at : INT64_MAX;
}

struct due *
agenda_take(struct agenda *a)
{
	struct due *due;

	BUG_ON(a->n == 0);
	due = a->heap[AGENDA_FIRST].due;
	agenda_cancel(a, due);
	return due;
}
