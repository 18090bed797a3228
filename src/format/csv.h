/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records of fields that may stand in quotes, with a quote written twice, as
 * Asterisk writes them. And the stamps that stand there.
 */
#ifndef RT_FORMAT_CSV_H
#define RT_FORMAT_CSV_H

#include "base/local.h"
#include "base/strbuf.h"

#define CSV_FIELDS 255

/* Starts as {0}; ends with csv_fini. */
struct csv {
	struct slice field[CSV_FIELDS];
	uint32_t at[CSV_FIELDS]; /* where each begins, its quote included */
	unsigned n;
	struct strbuf room; /* of fields in which a quote was written twice */
};

/*
 * Splits a record. The fields lie in it or in csv->room, until the next one.
 * Returns -1 with the reason: a quote that is not closed or in the middle of a
 * field, or too many fields; csv->n is the number of those before it. Records
 * of a file that may hold line ends within quotes are cut by csv_reader.h.
 */
int csv_split(
    struct csv *csv, struct slice record, char separator, const char **why);
void csv_fini(struct csv *csv);

/*
 * Reads "1795288727.533659", since 1970 UTC (*utc), or "2026-11-21 19:18:46",
 * local or not (!*utc), with or without a fraction of a second: microseconds.
 */
bool csv_stamp(struct slice text, int64_t *us, bool *utc);

/*
 * The UTC second at which a channel began, which stands in its unique id:
 * "1795288727.10", "pbx1-1795288727.10". 0: not so here.
 */
int64_t csv_id_second(struct slice id);

/* "Local/1001@agents-00000010;1": the same without what is its call's only. */
struct slice csv_channel_interface(struct slice channel);

#endif
