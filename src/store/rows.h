/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows on their way into a table, by columns: each column is one array in
 * PostgreSQL's binary form, built without an allocation for each row, and one
 * parameter of the table's statement. The same statement takes one row or ten
 * thousand.
 *
 * A row is given field by field in the order of the table's columns, then
 * rows_end. No key may stand twice in a batch. A table without keys only grows:
 * its rows are inserted as they come.
 *
 * What adds nothing to any row (a count that is 0 in all of them) is left out
 * of the statement: of the two dozen figures of a queue a second of calls
 * moves a few, and each costs the server's time for every row.
 *
 * Rows that are known to be new can be gathered for COPY instead, which costs
 * the server a third: rows_init_copy. They are given in the same way.
 */
#ifndef RT_STORE_ROWS_H
#define RT_STORE_ROWS_H

#include "base/hist.h"
#include "store/wire.h"

#define ROWS_COLUMNS_MAX 48

enum column_type {
	COLUMN_INT4,
	COLUMN_INT8,
	COLUMN_BOOL,
	COLUMN_TIME,
	COLUMN_TEXT,
	COLUMN_BYTES,
	COLUMN_BINS, /* of a histogram: integer[] */
	COLUMN_TYPES
};

/* What an upsert does with the column of a row that is there already. */
enum column_role {
	COLUMN_KEY,  /* the row is known by it */
	COLUMN_ADD,  /* added to what is there */
	COLUMN_MAX,  /* replaces it when greater */
	COLUMN_HIST, /* a histogram, added by hist_add() */
	COLUMN_SET,  /* replaces it */
	COLUMN_ONCE  /* stays what it was */
};

struct column {
	const char *name;
	enum column_type type;
	enum column_role role;
	const char *cast; /* to another type than the array's; or NULL */
};

/* A table that a batch writes to; all of them have the column site too. */
struct table {
	const char *name;
	bool erase; /* rows to delete (keys only), not to write */
	/*
	 * Rows are given in the order of their keys; else the statement sorts
	 * them, so that writers who share rows never dead-lock
	 */
	bool sorted;
	/*
	 * Most rows of a batch are there already: these are updated first, and
	 * only the others inserted. The first column must be a key
	 */
	bool grown;
	int n_columns;
	struct column column[ROWS_COLUMNS_MAX];
};

struct rows {
	const struct table *table;
	int n;		/* whole rows */
	int at;		/* the column whose field comes next */
	uint64_t moved; /* a bit for each column that some row needs */
	bool closed;
	const char *site; /* of rows for COPY; else NULL */
	/* of rows for COPY the first has all of them, as they are sent */
	struct strbuf column[ROWS_COLUMNS_MAX];
};

/* Whether the statement of these rows has the column. */
static inline bool
rows_has(const struct rows *rows, int column)
{
	return (rows->moved >> column & 1) != 0;
}

/*
 * The statement that writes (or erases) these rows, to be freed. $1: the site;
 * $2 ...: the columns that rows_has.
 */
char *rows_sql(const struct rows *rows);

void rows_init(struct rows *rows, const struct table *table);
/* The site must live as long. */
void
rows_init_copy(struct rows *rows, const struct table *table, const char *site);
void rows_fini(struct rows *rows);
/* Forgets all rows; keeps the memory unless it is more than keep_max bytes. */
void rows_reset(struct rows *rows, size_t keep_max);
size_t rows_bytes(const struct rows *rows);

void rows_null(struct rows *rows);
void rows_int(struct rows *rows, int64_t v); /* INT4 and INT8 */
void rows_bool(struct rows *rows, bool v);
void rows_time(struct rows *rows, int64_t us);
void rows_text(struct rows *rows, struct slice s);
void rows_blob(struct rows *rows, const void *bytes, size_t n);
/* NULL where it is empty. */
void rows_hist(struct rows *rows, const struct hist *h);
void rows_end(struct rows *rows);

/* The text, or NULL where it is empty. */
void rows_text_or_null(struct rows *rows, struct slice s);
/* The time, or NULL where it is not there. */
void rows_time_or_null(struct rows *rows, bool there, int64_t us);

/*
 * Writes the arrays' heads, or the end of what COPY takes: after the last row,
 * before they are sent. Again does no harm.
 */
void rows_close(struct rows *rows);

#endif
