/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/slots.h"

#define SLOTS_MIN 64

void
slots_fini(struct slots *slots)
{
	free(slots->slot);
	*slots = (struct slots){0};
}

static void
slots_put(struct slots *slots, struct slot what)
{
	size_t at = what.hash & slots->mask;

	while (slots->slot[at].object != NULL)
		at = (at + 1) & slots->mask;
	slots->slot[at] = what;
}

static void
slots_grow(struct slots *slots)
{
	struct slots old = *slots;
	size_t n = old.slot != NULL ? (old.mask + 1) * 2 : SLOTS_MIN, i;

	slots->slot = mem_zalloc(n * sizeof(*slots->slot));
	slots->mask = n - 1;
	for (i = 0; old.slot != NULL && i <= old.mask; i++)
		if (old.slot[i].object != NULL)
			slots_put(slots, old.slot[i]);
	free(old.slot);
}

RT_HOT void
slots_add(struct slots *slots, uint32_t hash, void *object)
{
	BUG_ON(object == NULL);
	if (slots->slot == NULL || slots->used * 2 > slots->mask)
		slots_grow(slots);
	slots_put(slots, (struct slot){object, hash});
	slots->used++;
}

/*
 * What stands behind the gap moves up into it, unless it would come to stand
 * before its home: so nothing is ever behind a free slot, and no marks of
 * what was removed fill the table.
 */
static void
slots_close_gap(struct slots *slots, size_t gap)
{
	size_t at = gap, home;

	for (;;) {
		at = (at + 1) & slots->mask;
		if (slots->slot[at].object == NULL)
			break;
		home = slots->slot[at].hash & slots->mask;
		if (((at - home) & slots->mask) < ((at - gap) & slots->mask))
			continue;
		slots->slot[gap] = slots->slot[at];
		gap = at;
	}
	slots->slot[gap].object = NULL;
}

RT_HOT void
slots_remove(struct slots *slots, uint32_t hash, const void *object)
{
	size_t at = hash & slots->mask;

	BUG_ON(slots->slot == NULL);
	while (slots->slot[at].object != object) {
		BUG_ON(slots->slot[at].object == NULL);
		at = (at + 1) & slots->mask;
	}
	slots_close_gap(slots, at);
	slots->used--;
}
