/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which column of somebody's CSV is which of our fields, and what stands there
 * in their words and in ours: the options --map, --set and --value of
 * `ringtally contacts`.
 *
 * A field is found by its own name where nothing else was said: the column
 * "Assessed by" is the field assessed_by. Names and values are compared
 * without regard to case and to spaces around them.
 */
#ifndef RT_CLI_MAPPING_H
#define RT_CLI_MAPPING_H

#include "format/csv_reader.h"

#define MAPPING_FIELDS	 16
#define MAPPING_NOWHERE	 UINT_MAX
#define MAPPING_WORD_MAX 64 /* bytes of a word that is compared by its form */

struct mapping_field {
	const char *name; /* NULL ends the list */
	bool needed;
};

/* "Chase" of the field is "progress_chasing". */
struct mapping_value {
	struct mapping_value *next;
	char *from, *to;
};

struct mapping {
	const struct mapping_field *fields;
	struct mapping_of {
		char *column;	/* as said; NULL: the field's own name */
		char *constant; /* what stands there in every record; or NULL */
		struct mapping_value *values;
		unsigned at; /* where in a record; MAPPING_NOWHERE */
	} of[MAPPING_FIELDS];
	unsigned columns; /* of the file */
};

void mapping_init(struct mapping *map, const struct mapping_field *fields);
void mapping_fini(struct mapping *map);

/*
 * "ref=Case No,time=Opened": a comma ends a column's name only where a field
 * and = follow. Each returns -1 with the reason.
 */
int mapping_say_columns(struct mapping *map, const char *text, struct err *err);
/* "channel=email" */
int
mapping_say_constant(struct mapping *map, const char *text, struct err *err);
/* "category:Chase=progress_chasing"; nothing behind the = is: not told. */
int mapping_say_value(struct mapping *map, const char *text, struct err *err);

/* Finds the columns by the file's first record. -1 with the reason. */
int mapping_find(struct mapping *map, const struct csv *head, struct err *err);

/* Whether the field comes from anywhere. */
bool mapping_has(const struct mapping *map, unsigned field);
/*
 * What the record says of the field, in our words, without spaces around it;
 * empty: nothing. Lives as long as the record and the mapping.
 */
struct slice mapping_get(
    const struct mapping *map, unsigned field, const struct csv *record);
/* The same in the words of the file. */
struct slice mapping_said(
    const struct mapping *map, unsigned field, const struct csv *record);

/* Without spaces and controls at both ends. */
struct slice mapping_trim(struct slice s);
/*
 * "Progress chasing" as "progress_chasing": how words are compared with codes.
 * Cut off where it is longer than `to`; terminated.
 */
void mapping_form(char to[MAPPING_WORD_MAX], struct slice word);

#endif
