/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a process has counted, whatever became of it within: a reload that needs
 * a start, a database that was lost, a clock that was set. /metrics tells of
 * it, where a counter that falls is one that began with a new process.
 */
#include "base/base.h"
#include "app.h"
#include "base/table.h"

struct app_past_entry {
	UT_hash_handle hh;
	struct totals totals;	  /* of a switch */
	struct counters counters; /* of a feed */
	char name[];
};

static struct app_past_entry *
app_past_get(struct app_past_entry **table, const char *name)
{
	size_t n = strlen(name);
	struct app_past_entry *entry;

	HASH_FIND(hh, *table, name, n, entry);
	if (entry == NULL) {
		entry = mem_zalloc(sizeof(*entry) + n + 1);
		memcpy(entry->name, name, n + 1);
		HASH_ADD_KEYPTR(hh, *table, entry->name, n, entry);
	}
	return entry;
}

struct totals *
app_past_totals(struct app_past *past, const char *switch_name)
{
	return &app_past_get(&past->switches, switch_name)->totals;
}

struct counters *
app_past_counters(struct app_past *past, const char *feed)
{
	return &app_past_get(&past->feeds, feed)->counters;
}

static void
app_past_free(struct app_past_entry **table)
{
	struct app_past_entry *entry, *next;

	HASH_ITER (hh, *table, entry, next) {
		HASH_DEL(*table, entry);
		totals_fini(&entry->totals);
		free(entry);
	}
}

void
app_past_fini(struct app_past *past)
{
	app_past_free(&past->switches);
	app_past_free(&past->feeds);
}
