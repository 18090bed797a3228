/* SPDX-License-Identifier: BSD-2-Clause */
/* The measures as enums, arrays and rows; declared in the .def files. */
#ifndef RT_TALLY_MEASURE_H
#define RT_TALLY_MEASURE_H

#include "base/base.h"

enum measure {
#define MEASURE(name, kind, unit, help) MEASURE_##name,
#include "tally/measures.def"
#undef MEASURE
	MEASURES
};

enum agent_measure {
#define MEASURE(name, kind, unit, help) AGENT_##name,
#include "tally/agent_measures.def"
#undef MEASURE
	AGENT_MEASURES
};

enum measure_kind { MEASURE_KIND_SUM, MEASURE_KIND_MAX, MEASURE_KIND_SPAN };

struct measure_row {
	const char *name;
	enum measure_kind kind;
	const char *unit;
	const char *help;
};

/* The kind of a measure, known to the compiler. */
static inline enum measure_kind
measure_kind(enum measure m)
{
	switch (m) {
#define MEASURE(name, kind, unit, help) \
	case MEASURE_##name:            \
		return MEASURE_KIND_##kind;
#include "tally/measures.def"
#undef MEASURE
	case MEASURES:
		break;
	}
	return MEASURE_KIND_SUM;
}

extern const struct measure_row measure_rows[MEASURES];
extern const struct measure_row agent_measure_rows[AGENT_MEASURES];

#endif
