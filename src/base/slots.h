/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slots: a table of pointers found by a 32-bit hash, for what comes and goes
 * with every call. Open addressing: the hash stands beside the pointer, so
 * that a look-up reads one line of the table and then the object itself, and
 * nobody's neighbours. (uthash, base/table.h, which serves all other tables,
 * follows chains of up to ten objects and keeps them in order of arrival.)
 *
 * The table knows no keys. Who looks something up is given every object of
 * that hash, and compares.
 */
#ifndef RT_BASE_SLOTS_H
#define RT_BASE_SLOTS_H

#include "base/base.h"

struct slot {
	void *object; /* NULL: free */
	uint32_t hash;
};

/* Starts as {0}. */
struct slots {
	struct slot *slot; /* NULL: nothing was ever added */
	size_t mask;	   /* slots - 1; at most half of them are taken */
	size_t used;
};

/* Frees the table, not the objects. */
void slots_fini(struct slots *slots);
/* The same object must not be added twice. */
void slots_add(struct slots *slots, uint32_t hash, void *object);
/* The object must be there, under that hash. */
void slots_remove(struct slots *slots, uint32_t hash, const void *object);

/* How many slots there are, for who goes through all of them. */
static inline size_t
slots_count(const struct slots *slots)
{
	return slots->slot != NULL ? slots->mask + 1 : 0;
}

/* Where objects of that hash are looked for. NULL: the table is empty. */
static inline const struct slot *
slots_home(const struct slots *slots, uint32_t hash)
{
	return slots->slot != NULL ? &slots->slot[hash & slots->mask] : NULL;
}

/*
 * The next object of that hash; *at begins as 0. NULL: there are no more. No
 * object may be added or removed meanwhile.
 */
static inline void *
slots_next(const struct slots *slots, uint32_t hash, size_t *at)
{
	const struct slot *slot;

	if (slots->slot == NULL)
		return NULL;
	do {
		slot = &slots->slot[(hash + (*at)++) & slots->mask];
		if (slot->object == NULL)
			return NULL;
	} while (slot->hash != hash);
	return slot->object;
}

#endif
