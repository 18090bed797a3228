/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include "format/csv.h"
#include "store/link.h"
#include "store/postgres_row.h"

/* OIDs of types never change (pg_type.dat). */
#define ROW_INT8	20
#define ROW_INT2	21
#define ROW_INT4	23
#define ROW_TEXT	25
#define ROW_BPCHAR	1042
#define ROW_VARCHAR	1043
#define ROW_TIMESTAMP	1114
#define ROW_TIMESTAMPTZ 1184

/* Rows that are out of order by less tell nothing of the clock. */
#define ROW_SLACK_S 600
/* A call can not be told of before it began, but for rounding. */
#define ROW_BORN_S 2

/* Where the columns of an answer begin: id, and the times of queue_log. */
#define ROW_TIME_LATE  1
#define ROW_TIME_EARLY 2
#define ROW_TIME_PLAIN 3
#define ROW_CALL       4

static const char *const row_fixed[ROW_FIXED] = {
    "time", "callid", "queuename", "agent", "event"};

void
row_plan_init(struct row_plan *plan, enum row_form form, const char *id,
    char *const *columns)
{
	*plan = (struct row_plan){.form = form, .id = id};
	plan->chosen = columns != NULL && columns[0] != NULL;
	while (plan->chosen && columns[plan->n] != NULL) {
		plan->columns[plan->n] = mem_strdup(columns[plan->n]);
		if (++plan->n == ROW_COLUMNS_MAX)
			break;
	}
	plan->n_data = plan->chosen ? plan->n - ROW_FIXED : 0;
}

static void
row_plan_clear(struct row_plan *plan)
{
	while (plan->n > 0)
		free(plan->columns[--plan->n]);
}

void
row_plan_fini(struct row_plan *plan)
{
	row_plan_clear(plan);
}

void
row_plan_reset(struct row_plan *plan)
{
	int i;

	plan->has_id = plan->id_indexed = false;
	memset(plan->types, 0, sizeof(plan->types));
	if (plan->chosen)
		return;
	row_plan_clear(plan);
	plan->n_data = 0;
	plan->has_data = false;
	for (i = 0; i < ROW_FIXED; i++)
		plan->columns[plan->n++] = mem_strdup(row_fixed[i]);
}

/* The number of a column data1, data2 ...; 0: it is none. */
static int
row_data_number(const char *name)
{
	int64_t n;

	if (strncmp(name, "data", 4) != 0 || name[4] == '0' ||
	    !slice_uint(slice_of(name + 4), &n) ||
	    n > ROW_COLUMNS_MAX - ROW_FIXED - 1)
		return 0;
	return (int)n;
}

int
row_plan_column(struct row_plan *plan, const char *name, unsigned type,
    bool indexed, struct err *err)
{
	int i;

	if (strcmp(name, plan->id) == 0) {
		if (type != ROW_INT2 && type != ROW_INT4 && type != ROW_INT8)
			return err_set(
			    err, "its column %s is no whole number", name);
		plan->has_id = true;
		plan->id_indexed = indexed;
	}
	if (!plan->chosen && plan->form == ROW_QUEUE_LOG) {
		plan->n_data = RT_MAX(plan->n_data, row_data_number(name));
		plan->has_data |= strcmp(name, "data") == 0;
	}
	for (i = 0; i < plan->n; i++)
		if (strcmp(name, plan->columns[i]) == 0)
			plan->types[i] = type;
	return 0;
}

/* data1 to the last one found, and data. They are text, whatever their type. */
static void
row_plan_add_data(struct row_plan *plan)
{
	char name[20];
	int i;

	for (i = 1; i <= plan->n_data; i++) {
		snprintf(name, sizeof(name), "data%d", i);
		plan->types[plan->n] = ROW_TEXT;
		plan->columns[plan->n++] = mem_strdup(name);
	}
	if (plan->has_data) {
		plan->types[plan->n] = ROW_TEXT;
		plan->columns[plan->n++] = mem_strdup("data");
	}
}

int
row_plan_check(struct row_plan *plan, struct err *err)
{
	int i;

	if (!plan->has_id)
		return err_set(
		    err, "it has no column %s (option id)", plan->id);
	if (plan->form == ROW_QUEUE_LOG && !plan->chosen) {
		if (plan->n_data == 0 && !plan->has_data)
			return err_set(
			    err, "it has neither a column data1 nor data");
		row_plan_add_data(plan);
	}
	for (i = 0; i < plan->n; i++)
		if (plan->types[i] == 0 && plan->columns[i][0] != '\0')
			return err_set(err,
			    "it has no column %s (option columns)",
			    plan->columns[i]);
	return 0;
}

/* --- the statement ------------------------------------------------------- */

/*
 * A local time that is written as text, as a timestamp; NULL where it is none.
 * No cast: one line of nonsense would make the whole statement fail.
 */
static const char row_text_time[] =
    "CASE WHEN %s ~ '^[12][0-9]{3}-(0[1-9]|1[0-2])-([0-2][0-9]|3[01])[ T]"
    "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,9})?$' THEN"
    " pg_catalog.make_timestamp(substr(%s, 1, 4)::int, 1, 1, 0, 0, 0)"
    " + pg_catalog.make_interval(months => substr(%s, 6, 2)::int - 1)"
    " + pg_catalog.make_interval(days => substr(%s, 9, 2)::int - 1,"
    " hours => substr(%s, 12, 2)::int, mins => substr(%s, 15, 2)::int,"
    " secs => substr(%s, 18)::float8) END";

/* Its time as local time of the zone, and as seconds where it is that. */
static void
row_add_time(struct strbuf *sql, const char *c, unsigned type)
{
	switch (type) {
	case ROW_TIMESTAMP:
		strbuf_addf(sql, "%s AS local, NULL::text AS plain", c);
		break;
	case ROW_TIMESTAMPTZ:
		strbuf_addf(sql,
		    "NULL::timestamp AS local,"
		    " extract(epoch FROM %s)::text AS plain",
		    c);
		break;
	case ROW_TEXT:
	case ROW_VARCHAR:
	case ROW_BPCHAR:
		strbuf_addf(sql, row_text_time, c, c, c, c, c, c, c);
		strbuf_addf(sql,
		    " AS local, CASE WHEN %s ~ '^[0-9]+([.][0-9]*)?$'"
		    " THEN %s END AS plain",
		    c, c);
		break;
	default:
		strbuf_addf(
		    sql, "NULL::timestamp AS local, %s::text AS plain", c);
	}
}

static int
row_add_column(const struct row_plan *plan, int i, struct link *link,
    struct strbuf *sql, struct err *err)
{
	bool zoned = plan->form == ROW_CSV && plan->types[i] == ROW_TIMESTAMPTZ;

	if (plan->columns[i][0] == '\0') {
		strbuf_adds(sql, ", NULL");
		return 0;
	}
	strbuf_adds(sql, zoned ? ", (t." : ", t.");
	if (link_identifier(link, sql, plan->columns[i], err) < 0)
		return -1;
	strbuf_adds(sql, zoned ? " AT TIME ZONE $1::text)::text" : "::text");
	return 0;
}

/* The three times of queue_log: see row_time. */
static const char row_times[] =
    ", extract(epoch FROM l.local AT TIME ZONE $1::text)::text"
    ", CASE WHEN (l.local AT TIME ZONE $1::text - interval '1 hour')"
    " AT TIME ZONE $1::text = l.local THEN extract(epoch FROM"
    " l.local AT TIME ZONE $1::text - interval '1 hour')::text END, l.plain";

int
row_plan_select(const struct row_plan *plan, struct link *link,
    const char *table, struct strbuf *sql, struct err *err)
{
	struct strbuf column = STRBUF_INIT;
	bool is_log = plan->form == ROW_QUEUE_LOG;
	int i, rc = -1;

	strbuf_adds(sql, "SELECT t.");
	if (link_identifier(link, sql, plan->id, err) < 0)
		goto out;
	strbuf_addf(sql, "::bigint%s", is_log ? row_times : "");
	for (i = is_log; i < plan->n; i++)
		if (row_add_column(plan, i, link, sql, err) < 0)
			goto out;
	strbuf_addf(sql, " FROM %s AS t", table);
	if (is_log) {
		bool text = plan->types[0] == ROW_BPCHAR;

		/* char(n) is filled with blanks */
		strbuf_adds(&column, text ? "rtrim(t." : "t.");
		if (link_identifier(link, &column, plan->columns[0], err) < 0)
			goto out;
		strbuf_adds(&column, text ? ")" : "");
		strbuf_adds(sql, ", LATERAL (SELECT ");
		row_add_time(sql, strbuf_str(&column), plan->types[0]);
		strbuf_adds(sql, ") AS l");
	} else {
		/* $1 is a parameter of every statement */
		strbuf_adds(sql, ", (SELECT $1::text) AS l");
	}
	rc = 0;
out:
	strbuf_fini(&column);
	return rc;
}

/* --- a row as text ------------------------------------------------------- */

static struct slice
row_value(const PGresult *res, int row, int column)
{
	return (struct slice){PQgetvalue(res, row, column),
	    (size_t)PQgetlength(res, row, column)};
}

/* The whole seconds of "1795288729.123456"; 0: there are none. */
static int64_t
row_seconds(struct slice time)
{
	const char *point = memchr(time.p, '.', time.n);
	int64_t s = 0;

	if (point != NULL)
		time.n = (size_t)(point - time.p);
	return slice_uint(time, &s) ? s : 0;
}

/* Without the zeros of a fraction that is none. */
static struct slice
row_trim_fraction(struct slice time)
{
	if (memchr(time.p, '.', time.n) == NULL)
		return time;
	while (time.n > 0 && time.p[time.n - 1] == '0')
		time.n--;
	if (time.n > 0 && time.p[time.n - 1] == '.')
		time.n--;
	return time;
}

/*
 * In the hour that an autumn night has twice a local time means two moments:
 * the earlier one, unless its call had not begun, or rows before it were later.
 * It is that one for certain where the call began then, or the row before is
 * near it.
 */
static struct slice
row_time(const PGresult *res, int row, int64_t *clock_s, bool *ambiguous)
{
	int64_t early_s, born_s;
	struct slice late = row_value(res, row, ROW_TIME_LATE);
	struct slice early = row_value(res, row, ROW_TIME_EARLY);
	struct slice plain = row_value(res, row, ROW_TIME_PLAIN);
	struct slice time = plain.n > 0 ? plain : late;

	*ambiguous = false;
	if (plain.n == 0 && early.n > 0) {
		early_s = row_seconds(early);
		born_s = csv_id_second(row_value(res, row, ROW_CALL));
		if (early_s + ROW_BORN_S >= born_s &&
		    early_s + ROW_SLACK_S >= *clock_s) {
			time = early;
			*ambiguous = early_s > born_s + ROW_BORN_S &&
			    early_s > *clock_s + ROW_SLACK_S;
		}
	}
	if (row_seconds(time) > 0)
		*clock_s = row_seconds(time);
	return row_trim_fraction(time);
}

/* A line end within a value would make two lines of one. */
static void
row_add_plain(struct strbuf *to, struct slice value)
{
	size_t i;

	for (i = 0; i < value.n; i++)
		strbuf_addc(to,
		    value.p[i] == '\n' || value.p[i] == '\r' ? ' '
							     : value.p[i]);
}

static bool
row_add_queue_log(const struct row_plan *plan, const PGresult *res, int row,
    int64_t *clock_s, struct strbuf *to)
{
	bool ambiguous;
	int i, at = ROW_TIME_PLAIN + 1, data = at + ROW_FIXED - 1;
	int n = plan->n_data;
	struct slice tail = {"", 0};

	strbuf_reset(to);
	row_add_plain(to, row_time(res, row, clock_s, &ambiguous));
	for (i = 0; i < ROW_FIXED - 1; i++) {
		strbuf_addc(to, '|');
		row_add_plain(to, row_value(res, row, at + i));
	}
	strbuf_addc(to, '|');
	if (plan->has_data)
		tail = row_value(res, row, data + n);
	if (tail.n > 0) {
		row_add_plain(to, tail);
		return ambiguous;
	}
	while (n > 0 && PQgetlength(res, row, data + n - 1) == 0)
		n--;
	for (i = 0; i < n; i++) {
		if (i > 0)
			strbuf_addc(to, '|');
		row_add_plain(to, row_value(res, row, data + i));
	}
	return ambiguous;
}

static void
row_add_quoted(struct strbuf *to, struct slice value, char separator)
{
	bool quote = false;
	size_t i;

	for (i = 0; i < value.n; i++)
		quote |= value.p[i] == separator || value.p[i] == '"' ||
		    value.p[i] == '\n' || value.p[i] == '\r';
	if (!quote) {
		strbuf_add(to, value.p, value.n);
		return;
	}
	strbuf_addc(to, '"');
	for (i = 0; i < value.n; i++) {
		if (value.p[i] == '"')
			strbuf_addc(to, '"');
		strbuf_addc(to, value.p[i]);
	}
	strbuf_addc(to, '"');
}

bool
row_plan_record(const struct row_plan *plan, const PGresult *res, int row,
    char separator, int64_t *clock_s, struct strbuf *to)
{
	int i;

	strbuf_reset(to);
	if (plan->form == ROW_QUEUE_LOG)
		return row_add_queue_log(plan, res, row, clock_s, to);
	for (i = 0; i < plan->n; i++) {
		if (i > 0)
			strbuf_addc(to, separator);
		row_add_quoted(to, row_value(res, row, 1 + i), separator);
	}
	return false;
}
