/* SPDX-License-Identifier: BSD-2-Clause */
/* The counters of a feed: an array indexed by enum counter. */
#ifndef RT_EVENT_COUNTERS_H
#define RT_EVENT_COUNTERS_H

#include "base/base.h"

enum counter {
#define COUNTER(name, unit, help) COUNTER_##name,
#include "event/counters.def"
#undef COUNTER
	COUNTERS
};

struct counters {
	uint64_t v[COUNTERS];
};

struct counter_row {
	const char *name; /* the SQL column too */
	const char *unit;
	const char *help;
};

extern const struct counter_row counter_rows[COUNTERS];

#endif
