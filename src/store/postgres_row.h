/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows of a switch's own table as records of a format: which columns there
 * are, the statement that reads them, and a row of its answer as text.
 *
 * As a line of queue_log ("queue-log"): Asterisk's realtime table has the
 * columns time, callid, queuename, agent, event and either data (all of the
 * tail) or data1 to data5, or both, of which one is empty
 * (main/logger.c: ast_queue_log). `time` is text in local time or UTC
 * ("2026-11-22 10:11:12.123456"), a timestamp of either kind, or seconds since
 * 1970. Empty fields at the end are left out, as in the file.
 *
 * As CSV ("csv"): the columns named, in that order, quoted where need be; an
 * empty name is an empty field. NULL is empty. A timestamp with a zone is told
 * in the feed's local time.
 */
#ifndef RT_STORE_POSTGRES_ROW_H
#define RT_STORE_POSTGRES_ROW_H

#include <libpq-fe.h>

#include "base/err.h"
#include "base/strbuf.h"

struct link;

enum row_form { ROW_QUEUE_LOG, ROW_CSV };

#define ROW_COLUMNS_MAX 64
#define ROW_FIXED	5 /* time, callid, queuename, agent, event */

struct row_plan {
	enum row_form form;
	const char *id;
	char *columns[ROW_COLUMNS_MAX];	 /* names; "" in CSV: an empty field */
	unsigned types[ROW_COLUMNS_MAX]; /* OIDs of their types */
	int n;
	bool chosen; /* the operator named them */
	bool has_id, id_indexed;
	int n_data;    /* of queue_log: data1 ... */
	bool has_data; /* ... and data, which is the last column then */
};

/* columns: NULL-terminated, or NULL: those of queue_log, as they are found. */
void row_plan_init(struct row_plan *plan, enum row_form form, const char *id,
    char *const *columns);
void row_plan_fini(struct row_plan *plan);

/* Begins to look at a table anew; then each of its columns. */
void row_plan_reset(struct row_plan *plan);
/* -1 with the reason: a column of that type can not be the id. */
int row_plan_column(struct row_plan *plan, const char *name, unsigned type,
    bool indexed, struct err *err);
/* All were seen; -1 with the reason where one is missing. */
int row_plan_check(struct row_plan *plan, struct err *err);

/*
 * Appends "SELECT id, ... FROM table AS t"; `table` is quoted already. The zone
 * of local times is $1.
 */
int row_plan_select(const struct row_plan *plan, struct link *link,
    const char *table, struct strbuf *sql, struct err *err);

/*
 * Makes the record of a row. *clock_s: the time of the row before (0: none);
 * becomes that of this one. A local time that comes twice in an autumn night is
 * told by the second at which its call began, which its id holds, else by the
 * row before. Returns true where neither tells: it is the first of the two.
 */
bool row_plan_record(const struct row_plan *plan, const PGresult *res, int row,
    char separator, int64_t *clock_s, struct strbuf *to);

#endif
