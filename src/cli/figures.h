/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Printing a tally: counts and the shares made of them, by queue and interval
 * or added up. Every share is named as in the database, and a table ends with
 * the formulas.
 */
#ifndef RT_CLI_FIGURES_H
#define RT_CLI_FIGURES_H

#include "cli/table.h"
#include "tally/tally.h"

enum figures_by {
	FIGURES_BY_DEFAULT, /* queue in a table, else queue and interval */
	FIGURES_BY_QUEUE,
	FIGURES_BY_INTERVAL, /* visits of all queues, never called calls */
	FIGURES_BY_QUEUE_INTERVAL,
	FIGURES_BY_AGENT,
	FIGURES_BY_TOTAL
};

struct figures_request {
	enum figures_by by;
	enum table_format format;
};

/* "queue", "interval" ...; -1: there is none of that name. */
int figures_by_parse(const char *name, enum figures_by *by);

/* What the shares are made of: lines below a table. */
extern const char figures_formulas[];

int figures_print(FILE *to, const struct tally *tally,
    const struct figures_request *request, struct err *err);

#endif
