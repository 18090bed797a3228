/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a process has counted, whatever became of it within: a reload that needs
 * a start, a database that was lost, a clock that was set. /metrics tells of
 * it, where a counter that falls is one that began with a new process.
 */
#include "base/base.h"
#include "app.h"
#include "base/table.h"

struct app_past_switch {
	UT_hash_handle hh;
	struct totals totals;
	char name[];
};

struct app_past_feed {
	UT_hash_handle hh;
	struct counters counters;
	char name[];
};

struct totals *
app_past_totals(struct app_past *past, const char *switch_name)
{
	size_t n = strlen(switch_name);
	struct app_past_switch *sw;

	HASH_FIND(hh, past->switches, switch_name, n, sw);
	if (sw == NULL) {
		sw = mem_zalloc(sizeof(*sw) + n + 1);
		memcpy(sw->name, switch_name, n + 1);
		HASH_ADD_KEYPTR(hh, past->switches, sw->name, n, sw);
	}
	return &sw->totals;
}

struct counters *
app_past_counters(struct app_past *past, const char *name)
{
	size_t n = strlen(name);
	struct app_past_feed *feed;

	HASH_FIND(hh, past->feeds, name, n, feed);
	if (feed == NULL) {
		feed = mem_zalloc(sizeof(*feed) + n + 1);
		memcpy(feed->name, name, n + 1);
		HASH_ADD_KEYPTR(hh, past->feeds, feed->name, n, feed);
	}
	return &feed->counters;
}

void
app_past_fini(struct app_past *past)
{
	struct app_past_switch *sw, *next_sw;
	struct app_past_feed *feed, *next_feed;

	HASH_ITER (hh, past->switches, sw, next_sw) {
		HASH_DEL(past->switches, sw);
		totals_fini(&sw->totals);
		free(sw);
	}
	HASH_ITER (hh, past->feeds, feed, next_feed) {
		HASH_DEL(past->feeds, feed);
		free(feed);
	}
}
