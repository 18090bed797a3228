/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The columns in which `ringtally live` and `ringtally top` show what the
 * daemon's documents hold: each says where in an item (a queue, a service, a
 * feed) its value stands. A document has service levels for the thresholds
 * that are configured, so those columns are made from the document.
 */
#ifndef RT_CLI_COLUMN_H
#define RT_CLI_COLUMN_H

#include <jansson.h>

#include "base/base.h"

enum column_kind {
	COLUMN_TEXT,
	COLUMN_COUNT,
	COLUMN_SECONDS,
	COLUMN_PERCENT,
	COLUMN_STATUS, /* green, amber, red: sorted by trouble */
	COLUMN_YES     /* true is "yes", false nothing */
};

struct column {
	const char *name;  /* heads it in a table */
	const char *title; /* the same, short, for a screen */
	const char *group; /* the object within the item, or NULL: the item */
	const char *key;
	enum column_kind kind;
	uint8_t width; /* on a screen; of a name: the least */
	uint8_t rank;  /* where there is little room, the highest go first */
	bool in_table; /* `ringtally live` has it */
};

#define COLUMNS_MAX 48

/* Not to be copied: columns point at its names. */
struct columns {
	struct column v[COLUMNS_MAX];
	size_t n;
	char names[40][32]; /* of those that are made */
	size_t n_names;
};

/*
 * Of queues, services or feeds; sample: an item of them, or the total, or NULL.
 */
void columns_of_queues(struct columns *columns, const json_t *sample);
void columns_of_services(struct columns *columns, const json_t *sample);
void columns_of_feeds(struct columns *columns);

/* A value; not known: null, or not there. */
struct column_value {
	bool known;
	double number;
	const char *text; /* of COLUMN_TEXT and _STATUS; lives in the item */
};
struct column_value
column_value(const struct column *column, const json_t *item);

/*
 * As it stands on a screen; a dash where nothing is known. buffer is for
 * numbers; the text of an item is returned as it is.
 */
const char *column_show(
    const struct column *column, const json_t *item, char *buffer, size_t size);
#define COLUMN_SHOW_MAX 32

/* Seconds as 0:07, 12:30 or 1:02:03. */
const char *column_seconds(char *buffer, size_t size, double seconds);

/*
 * < 0, 0, > 0 as with strcmp. What is not known comes last, also when the
 * order is turned round.
 */
int column_compare(
    const struct column *column, const json_t *a, const json_t *b, bool down);

#endif
