/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the commands print: rows of cells, as an aligned table for people, as
 * CSV or as JSON. The columns are declared once; cells are then given from
 * left to right, and the last cell of a row ends it:
 *
 *	table = table_new(stdout, format, columns, RT_COUNT(columns));
 *	for (...) {
 *		table_text(table, queue->name);
 *		table_int(table, cell->v[MEASURE_offered]);
 *	}
 *	if (table_end(table, &err) < 0)
 *		...
 *
 * Nothing known (an empty denominator, no lag yet) is table_null: a dash in a
 * table, an empty field in CSV, null in JSON.
 *
 * CSV is that of RFC 4180 with a header line, but lines end with LF, as with
 * psql. A text that a spreadsheet would take for a formula (it starts with
 * = + - @, a tab or CR) gets a single quote before it.
 *
 * JSON is an array of objects, a row on each line.
 */
#ifndef RT_CLI_TABLE_H
#define RT_CLI_TABLE_H

#include "base/err.h"

enum table_format {
	TABLE_PLAIN, /* for people; held in memory until table_end */
	TABLE_CSV,   /* these two are written row by row */
	TABLE_JSON
};

enum table_type {
	TABLE_TEXT,
	TABLE_INT,
	TABLE_DECIMAL, /* table_ms and table_real */
	TABLE_TIME     /* ISO 8601, UTC */
};

struct table_column {
	const char *name; /* in the header of all formats */
	enum table_type type;
	/*
	 * TABLE_DECIMAL: digits behind the point. A table shows them all,
	 * CSV and JSON leave out zeros at the end.
	 */
	int decimals;
};

struct table;

/* The columns must live as long as the table. */
struct table *table_new(FILE *to, enum table_format format,
    const struct table_column *columns, size_t n);
/*
 * Writes what is not yet written, flushes and frees. Returns -1 when anything
 * could not be written since table_new.
 */
int table_end(struct table *t, struct err *err);

/* A call for a column of another type is a BUG. */
void table_text(struct table *t, const char *text); /* NULL: table_null */
void table_int(struct table *t, int64_t value);
void table_ms(struct table *t, int64_t ms);	/* shown as seconds */
void table_real(struct table *t, double value); /* NaN or infinite: null */
void table_time(struct table *t, int64_t utc_us);
void table_null(struct table *t); /* any type */

/* "table", "csv", "json": the format, or -1. */
int table_format_parse(const char *name);

#endif
