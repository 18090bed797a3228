/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "tally/measure.h"

#define MEASURE(name, kind, unit, help) \
	{#name, MEASURE_KIND_##kind, unit, help},

const struct measure_row measure_rows[MEASURES] = {
#include "tally/measures.def"
};

const struct measure_row agent_measure_rows[AGENT_MEASURES] = {
#include "tally/agent_measures.def"
};
