/* SPDX-License-Identifier: BSD-2-Clause */
/* Tally sheets, evidence and forgetting: one statement each. */
#include "base/base.h"
#include "store/ask.h"
#include "store/contacts.h"
#include "store/query.h"
#include "store/rows.h"

#define CONTACTS_WRITER "ringtally_writer"
#define CONTACTS_READER "ringtally_reader"

static int64_t
contacts_number(const PGresult *result, int row, int column)
{
	return strtoll(PQgetvalue(result, row, column), NULL, 10);
}

/* --- a tally sheet ------------------------------------------------------- */

/* The arrays of contacts_sheet_put_sql, behind site, period and source. */
static const struct table contacts_sheet_table = {.name = "contact_sheet",
    .n_columns = 6,
    .column = {{"channel", COLUMN_TEXT, COLUMN_KEY, NULL},
	{"service", COLUMN_TEXT, COLUMN_KEY, NULL},
	{"category", COLUMN_TEXT, COLUMN_KEY, NULL},
	{"contacts", COLUMN_INT4, COLUMN_SET, NULL},
	{"resolved", COLUMN_INT4, COLUMN_SET, NULL},
	{"requests", COLUMN_INT4, COLUMN_SET, NULL}}};

/* All periods, and whether $2 is one of them. */
static const char contacts_period_sql[] =
    "SELECT coalesce(bool_or(name = $2), false), "
    "string_agg(DISTINCT format('\"%s\"', name), ', ') "
    "FROM ringtally.sampling_period WHERE site IN ($1, '')";

/* What is not of the period's channel or service, and what that is. */
static const char contacts_sheet_outside_sql[] =
    "SELECT s.channel, s.service, s.category, "
    "concat_ws(', ', p.channel, p.service) "
    "FROM ringtally.contact_periods($1) AS p "
    "JOIN unnest($4::text[], $5::text[], $6::text[]) "
    "AS s(channel, service, category) "
    "ON s.channel <> p.channel OR s.service <> p.service "
    "WHERE p.name = $2 AND $3::text IS NOT NULL ORDER BY 1, 2, 3 LIMIT 1";

/* What somebody else has counted: adding both up would count it twice. */
static const char contacts_sheet_other_sql[] =
    "SELECT s.source, s.channel, s.service, s.category "
    "FROM ringtally.contact_sheet AS s "
    "JOIN unnest($4::text[], $5::text[], $6::text[]) "
    "AS u(channel, service, category) USING (channel, service, category) "
    "WHERE s.site = $1 AND s.period = $2 AND s.source <> $3 "
    "ORDER BY 1, 2, 3, 4 LIMIT 1";

static const char contacts_sheet_put_sql[] =
    "WITH new AS MATERIALIZED (SELECT * FROM unnest($4::text[], $5::text[], "
    "$6::text[], $7::integer[], $8::integer[], $9::integer[]) "
    "AS u(channel, service, category, contacts, resolved, requests)), "
    "gone AS (DELETE FROM ringtally.contact_sheet AS s "
    "WHERE s.site = $1 AND s.period = $2 AND s.source = $3 "
    "AND NOT EXISTS (SELECT FROM new AS n WHERE (n.channel, n.service, "
    "n.category) = (s.channel, s.service, s.category)) RETURNING 1), "
    "put AS (INSERT INTO ringtally.contact_sheet AS s (site, period, channel, "
    "service, category, contacts, resolved, requests, source) "
    "SELECT $1, $2, n.channel, n.service, n.category, n.contacts, "
    "n.resolved, n.requests, $3 FROM new AS n ORDER BY 3, 4, 5 "
    "ON CONFLICT (site, period, channel, service, category) DO UPDATE "
    "SET contacts = excluded.contacts, resolved = excluded.resolved, "
    "requests = excluded.requests, written_at = now() "
    "WHERE (s.contacts, s.resolved, s.requests) IS DISTINCT FROM "
    "(excluded.contacts, excluded.resolved, excluded.requests) "
    "RETURNING s.xmax = 0 AS is_new) "
    "SELECT count(*) FILTER (WHERE is_new), "
    "count(*) FILTER (WHERE NOT is_new), (SELECT count(*) FROM new) "
    "- count(*), (SELECT count(*) FROM gone) FROM put";

/* What all steps of one sheet share. */
struct contacts_sheet {
	PGconn *conn;
	const char *values[9];
	int lengths[9], formats[9];
	struct rows rows;
};

static void
contacts_count_or_null(struct rows *rows, int64_t n)
{
	if (n < 0)
		rows_null(rows);
	else
		rows_int(rows, n);
}

static void
contacts_sheet_fill(struct contacts_sheet *sheet,
    const struct contacts_sheet_row *from, size_t n)
{
	struct rows *rows = &sheet->rows;
	size_t i;

	rows_init(rows, &contacts_sheet_table);
	for (i = 0; i < n; i++) {
		rows_text(rows, from[i].channel);
		rows_text(rows, from[i].service);
		rows_text(rows, from[i].category);
		rows_int(rows, from[i].contacts);
		contacts_count_or_null(rows, from[i].resolved);
		contacts_count_or_null(rows, from[i].requests);
		rows_end(rows);
	}
	rows_close(rows);
	for (i = 0; i < (size_t)contacts_sheet_table.n_columns; i++) {
		sheet->values[3 + i] = rows->column[i].p;
		sheet->lengths[3 + i] = (int)rows->column[i].n;
		sheet->formats[3 + i] = 1;
	}
}

/* A statement with the first n of the values; NULL with the reason. */
static PGresult *
contacts_sheet_ask(
    struct contacts_sheet *sheet, const char *sql, int n, struct err *err)
{
	PGresult *r = PQexecParams(sheet->conn, sql, n, NULL, sheet->values,
	    sheet->lengths, sheet->formats, 0);

	if (PQresultStatus(r) == PGRES_TUPLES_OK ||
	    PQresultStatus(r) == PGRES_COMMAND_OK)
		return r;
	ask_refused(sheet->conn, r, CONTACTS_WRITER, err);
	return NULL;
}

static int
contacts_sheet_check_period(struct contacts_sheet *sheet, struct err *err)
{
	PGresult *r = contacts_sheet_ask(sheet, contacts_period_sql, 2, err);
	int rc = 0;

	if (r == NULL)
		return -1;
	if (PQgetvalue(r, 0, 0)[0] != 't')
		rc = err_set(err, "there is no sampling period \"%s\", but %s",
		    sheet->values[1],
		    PQgetisnull(r, 0, 1) ? "none at all" : PQgetvalue(r, 0, 1));
	PQclear(r);
	return rc;
}

/* It would be in no figure. */
static int
contacts_sheet_check_inside(struct contacts_sheet *sheet, struct err *err)
{
	PGresult *r =
	    contacts_sheet_ask(sheet, contacts_sheet_outside_sql, 6, err);
	int rc = 0;

	if (r == NULL)
		return -1;
	if (PQntuples(r) > 0)
		rc = err_set(err,
		    "%s, \"%s\", %s is not of the sampling period \"%s\", "
		    "which is of %s only",
		    PQgetvalue(r, 0, 0), PQgetvalue(r, 0, 1),
		    PQgetvalue(r, 0, 2), sheet->values[1], PQgetvalue(r, 0, 3));
	PQclear(r);
	return rc;
}

static int
contacts_sheet_check_others(struct contacts_sheet *sheet, struct err *err)
{
	PGresult *r =
	    contacts_sheet_ask(sheet, contacts_sheet_other_sql, 6, err);
	int rc = 0;

	if (r == NULL)
		return -1;
	if (PQntuples(r) > 0)
		rc =
		    err_set(err, "%s, \"%s\", %s was counted by \"%s\" already",
			PQgetvalue(r, 0, 1), PQgetvalue(r, 0, 2),
			PQgetvalue(r, 0, 3), PQgetvalue(r, 0, 0));
	PQclear(r);
	return rc;
}

static int
contacts_sheet_say_why(
    struct contacts_sheet *sheet, const char *why, struct err *err)
{
	PGresult *r = ask_rows(sheet->conn,
	    "SELECT set_config('ringtally.why', $1, true)", 1, &why,
	    CONTACTS_WRITER, err);

	PQclear(r);
	return r != NULL ? 0 : -1;
}

static int
contacts_sheet_run(
    struct contacts_sheet *sheet, const char *sql, struct err *err)
{
	PGresult *r = contacts_sheet_ask(sheet, sql, 0, err);

	PQclear(r);
	return r != NULL ? 0 : -1;
}

static int
contacts_sheet_put(struct contacts_sheet *sheet,
    struct contacts_sheet_counts *counts, struct err *err)
{
	PGresult *r = contacts_sheet_ask(sheet, contacts_sheet_put_sql, 9, err);

	if (r == NULL)
		return -1;
	*counts = (struct contacts_sheet_counts){contacts_number(r, 0, 0),
	    contacts_number(r, 0, 1), contacts_number(r, 0, 2),
	    contacts_number(r, 0, 3)};
	PQclear(r);
	return 0;
}

int
contacts_sheet(const char *conninfo, const struct contacts_site *site,
    const char *period, const char *source, const char *why,
    const struct contacts_sheet_row *from, size_t n, bool dry,
    struct contacts_sheet_counts *counts, struct err *err)
{
	struct contacts_sheet sheet = {.conn = ask_connect(conninfo, err),
	    .values = {site->name, period, source}};
	int rc = -1;

	if (sheet.conn == NULL)
		return -1;
	contacts_sheet_fill(&sheet, from, n);
	/* one at a time: what is not on the sheet goes */
	if (contacts_sheet_run(&sheet, "BEGIN", err) == 0 &&
	    contacts_sheet_run(&sheet,
		"LOCK TABLE ringtally.contact_sheet "
		"IN SHARE ROW EXCLUSIVE MODE",
		err) == 0 &&
	    contacts_sheet_say_why(&sheet, why, err) == 0 &&
	    contacts_sheet_check_period(&sheet, err) == 0 &&
	    contacts_sheet_check_inside(&sheet, err) == 0 &&
	    contacts_sheet_check_others(&sheet, err) == 0 &&
	    ask_note_site(sheet.conn, site, CONTACTS_WRITER, err) == 0 &&
	    contacts_sheet_put(&sheet, counts, err) == 0)
		rc = contacts_sheet_run(
		    &sheet, dry ? "ROLLBACK" : "COMMIT", err);
	rows_fini(&sheet.rows);
	PQfinish(sheet.conn);
	return rc;
}

/* --- evidence ------------------------------------------------------------ */

/* In the order of enum contacts_cell. */
static const char contacts_list_sql[] =
    "SELECT ref, (extract(epoch FROM contact_at) * 1000000)::bigint, channel, "
    "service, category, CASE WHEN NOT assessed THEN 'not_assessed' "
    "WHEN avoidable THEN 'avoidable' ELSE 'not_avoidable' END, request, "
    "CASE resolved WHEN true THEN 'yes' WHEN false THEN 'no' END, source, "
    "assessed_by, switch, call_id, joined_by, excluded "
    "FROM ringtally.contact_each WHERE site = $1 "
    "AND ($2::bigint IS NULL OR (contact_at >= to_timestamp($2 / 1e6) "
    /* so that only those days are looked at */
    "AND day >= (to_timestamp($2 / 1e6) AT TIME ZONE 'UTC')::date - 1)) "
    "AND ($3::bigint IS NULL OR (contact_at < to_timestamp($3 / 1e6) "
    "AND day <= (to_timestamp($3 / 1e6) AT TIME ZONE 'UTC')::date + 1)) "
    "AND ($4::text IS NULL OR service = $4) "
    "AND ($5::text IS NULL OR channel = $5) "
    "AND ($6::text IS NULL OR category = $6) "
    "AND ($7::text IS NULL OR $7 = CASE WHEN NOT assessed "
    "THEN 'not_assessed' WHEN avoidable THEN 'avoidable' "
    "ELSE 'not_avoidable' END) "
    "AND ($8::boolean OR excluded IS NULL) ORDER BY contact_at, ref";

static void
contacts_give(const PGresult *r,
    void (*fn)(void *ctx, const char *const *cells), void *ctx)
{
	const char *cells[CONTACTS_CELLS];
	int row, i;

	for (row = 0; row < PQntuples(r); row++) {
		for (i = 0; i < CONTACTS_CELLS; i++)
			cells[i] = PQgetisnull(r, row, i)
			    ? NULL
			    : PQgetvalue(r, row, i);
		fn(ctx, cells);
	}
}

/* A time for SQL in `to`, or NULL where there is none. */
static const char *
contacts_time(char *to, size_t size, int64_t us)
{
	if (us == QUERY_NO_TIME)
		return NULL;
	snprintf(to, size, "%" PRId64, us);
	return to;
}

int
contacts_list(const char *conninfo, const char *site,
    const struct contacts_filter *filter,
    void (*fn)(void *ctx, const char *const *cells), void *ctx, struct err *err)
{
	char from[24], to[24];
	const char *const values[] = {site,
	    contacts_time(from, sizeof(from), filter->from_us),
	    contacts_time(to, sizeof(to), filter->to_us), filter->service,
	    filter->channel, filter->category, filter->assessed,
	    filter->excluded ? "t" : "f"};
	PGconn *conn = ask_connect(conninfo, err);
	PGresult *r;
	int rc = 0;

	if (conn == NULL)
		return -1;
	if (!PQsendQueryParams(conn, contacts_list_sql, RT_COUNT(values), NULL,
		values, NULL, NULL, 0) ||
	    !PQsetSingleRowMode(conn)) {
		rc = ask_fail("database: ", PQerrorMessage(conn), err);
		goto out;
	}
	while ((r = PQgetResult(conn)) != NULL) {
		if (PQresultStatus(r) == PGRES_SINGLE_TUPLE ||
		    PQresultStatus(r) == PGRES_TUPLES_OK) {
			contacts_give(r, fn, ctx);
			PQclear(r);
		} else {
			rc = ask_refused(conn, r, CONTACTS_READER, err);
		}
	}
out:
	PQfinish(conn);
	return rc;
}

/* --- forgetting ---------------------------------------------------------- */

static const struct table contacts_hashes = {.name = "forget",
    .n_columns = 1,
    .column = {{"hash", COLUMN_BYTES, COLUMN_KEY, NULL}}};

int
contacts_forget(const char *conninfo, const char *site, const uint8_t *hashes,
    size_t n, void (*fn)(void *ctx, const char *what, int64_t n), void *ctx,
    struct err *err)
{
	PGconn *conn = ask_connect(conninfo, err);
	const char *values[2] = {site};
	int lengths[2] = {0}, formats[2] = {0, 1}, row, rc = 0;
	struct rows rows;
	PGresult *r;
	size_t i;

	if (conn == NULL)
		return -1;
	rows_init(&rows, &contacts_hashes);
	for (i = 0; i < n; i++) {
		rows_blob(&rows, hashes + i * CONTACTS_HASH_BYTES,
		    CONTACTS_HASH_BYTES);
		rows_end(&rows);
	}
	rows_close(&rows);
	values[1] = rows.column[0].p;
	lengths[1] = (int)rows.column[0].n;
	r = PQexecParams(conn,
	    "SELECT what, n FROM ringtally.forget($1, $2::bytea[])", 2, NULL,
	    values, lengths, formats, 0);
	if (PQresultStatus(r) != PGRES_TUPLES_OK) {
		rc = ask_refused(conn, r, CONTACTS_WRITER, err);
	} else {
		for (row = 0; row < PQntuples(r); row++)
			fn(ctx, PQgetvalue(r, row, 0),
			    contacts_number(r, row, 1));
		PQclear(r);
	}
	rows_fini(&rows);
	PQfinish(conn);
	return rc;
}
