/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "store/ask.h"
#include "store/contacts.h"
#include "store/rows.h"

#define CONTACTS_BYTES_MAX                                 \
	((size_t)32 << 20) /* of a chunk, if rows are long \
			    */
#define CONTACTS_ROLE "ringtally_writer"

/* The arrays of ringtally.contact_put, in its order, behind the site. */
static const struct table contacts_table = {.name = "contact",
    .n_columns = 15,
    .column = {{"source", COLUMN_TEXT, COLUMN_SET, NULL},
	{"ref", COLUMN_TEXT, COLUMN_KEY, NULL},
	{"contact_at", COLUMN_TIME, COLUMN_SET, NULL},
	{"channel", COLUMN_TEXT, COLUMN_SET, NULL},
	{"service", COLUMN_TEXT, COLUMN_SET, NULL},
	{"category", COLUMN_TEXT, COLUMN_SET, NULL},
	{"code", COLUMN_TEXT, COLUMN_SET, NULL},
	{"request", COLUMN_TEXT, COLUMN_SET, NULL},
	{"resolved", COLUMN_BOOL, COLUMN_SET, NULL},
	{"customer", COLUMN_BYTES, COLUMN_SET, NULL},
	{"assessed_by", COLUMN_TEXT, COLUMN_SET, NULL},
	{"assessed_at", COLUMN_TIME, COLUMN_SET, NULL},
	{"switch", COLUMN_TEXT, COLUMN_SET, NULL},
	{"call_id", COLUMN_TEXT, COLUMN_SET, NULL},
	{"agent", COLUMN_TEXT, COLUMN_SET, NULL}}};

static const char contacts_put_sql[] =
    "SELECT added, changed, same FROM ringtally.contact_put($1, $2::text[], "
    "$3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], "
    "$8::text[], $9::text[], $10::boolean[], $11::bytea[], $12::text[], "
    "$13::timestamptz[], $14::text[], $15::text[], $16::text[])";

static const char contacts_others_sql[] =
    "SELECT ord, source "
    "FROM ringtally.contact_others($1, $2::text[], $3::text[])";

/* Those that are valid today, in any site's today: a day more does no harm. */
static const char contacts_words_sql[] =
    "SELECT 'channel', channel, label FROM ringtally.contact_channel "
    "WHERE site IN ($1, '') AND valid_from <= current_date + 1 "
    "AND (valid_to >= current_date) IS NOT FALSE "
    "UNION ALL SELECT 'category', category, label "
    "FROM ringtally.contact_category "
    "WHERE site IN ($1, '') AND valid_from <= current_date + 1 "
    "AND (valid_to >= current_date) IS NOT FALSE ORDER BY 1, 2";

struct contacts {
	PGconn *conn;
	struct contacts_site site; /* its texts are the caller's */
	bool site_is_known;
	bool whole;
	struct rows rows;
	uint64_t lines[CONTACTS_CHUNK]; /* of the rows */
	struct contacts_counts counts;
	void (*refused)(void *ctx, uint64_t line, const char *source);
	void *refused_ctx;
};

/* What it has to say of rows is asked for, see contacts_ask_others. */
static void
contacts_ignore(void *arg RT_UNUSED, const char *message RT_UNUSED)
{
}

static int
contacts_run(struct contacts *c, const char *sql, struct err *err)
{
	PGresult *result = ask_rows(c->conn, sql, 0, NULL, CONTACTS_ROLE, err);

	if (result == NULL)
		return -1;
	PQclear(result);
	return 0;
}

static int
contacts_say_why(struct contacts *c, const char *why, struct err *err)
{
	PGresult *result;

	if (why == NULL)
		return 0;
	result =
	    ask_rows(c->conn, "SELECT set_config('ringtally.why', $1, false)",
		1, &why, CONTACTS_ROLE, err);
	PQclear(result);
	return result != NULL ? 0 : -1;
}

struct contacts *
contacts_open(const char *conninfo, const struct contacts_site *site,
    const char *why, bool whole, struct err *err)
{
	PGconn *conn = ask_connect(conninfo, err);
	struct contacts *c;

	if (conn == NULL)
		return NULL;
	c = mem_zalloc(sizeof(*c));
	*c = (struct contacts){.conn = conn, .site = *site, .whole = whole};
	rows_init(&c->rows, &contacts_table);
	PQsetNoticeProcessor(conn, contacts_ignore, NULL);
	if (contacts_say_why(c, why, err) == 0 &&
	    (!whole || contacts_run(c, "BEGIN", err) == 0))
		return c;
	contacts_close(c);
	return NULL;
}

void
contacts_close(struct contacts *c)
{
	if (c == NULL)
		return;
	PQfinish(c->conn);
	rows_fini(&c->rows);
	free(c);
}

static void
contacts_fill(struct rows *rows, const struct contacts_row *row)
{
	rows_text(rows, row->source);
	rows_text(rows, row->ref);
	rows_time(rows, row->at_us);
	rows_text_or_null(rows, row->channel);
	rows_text_or_null(rows, row->service);
	rows_text_or_null(rows, row->category);
	rows_text_or_null(rows, row->code);
	rows_text_or_null(rows, row->request);
	if (row->resolved < 0)
		rows_null(rows);
	else
		rows_bool(rows, row->resolved > 0);
	if (row->customer == NULL)
		rows_null(rows);
	else
		rows_blob(rows, row->customer, CONTACTS_HASH_BYTES);
	rows_text_or_null(rows, row->assessed_by);
	rows_time_or_null(rows, row->has_assessed, row->assessed_us);
	rows_text_or_null(rows, row->switch_name);
	rows_text_or_null(rows, row->call_id);
	rows_text_or_null(rows, row->agent);
	rows_end(rows);
}

int
contacts_add(
    struct contacts *c, const struct contacts_row *row, struct err *err)
{
	c->lines[c->rows.n] = row->line;
	contacts_fill(&c->rows, row);
	if (c->rows.n < CONTACTS_CHUNK &&
	    rows_bytes(&c->rows) < CONTACTS_BYTES_MAX)
		return 0;
	return contacts_flush(c, err);
}

static int64_t
contacts_int(const PGresult *result, int row, int column)
{
	return strtoll(PQgetvalue(result, row, column), NULL, 10);
}

/* All that was taken. */
static int64_t
contacts_sum(const struct contacts *c)
{
	return c->counts.added + c->counts.changed + c->counts.same;
}

static PGresult *
contacts_put(struct contacts *c)
{
	const char *values[ROWS_COLUMNS_MAX];
	int lengths[ROWS_COLUMNS_MAX], formats[ROWS_COLUMNS_MAX], i;

	values[0] = c->site.name;
	lengths[0] = formats[0] = 0;
	for (i = 0; i < contacts_table.n_columns; i++) {
		values[i + 1] = c->rows.column[i].p;
		lengths[i + 1] = (int)c->rows.column[i].n;
		formats[i + 1] = 1;
	}
	return PQexecParams(c->conn, contacts_put_sql,
	    contacts_table.n_columns + 1, NULL, values, lengths, formats, 0);
}

void
contacts_set_refused(struct contacts *c,
    void (*fn)(void *ctx, uint64_t line, const char *source), void *ctx)
{
	c->refused = fn;
	c->refused_ctx = ctx;
}

/* Asked behind contact_put(): what it took has our source by then. */
static int
contacts_ask_others(struct contacts *c, struct err *err)
{
	const char *values[] = {
	    c->site.name, c->rows.column[0].p, c->rows.column[1].p};
	int lengths[] = {0, (int)c->rows.column[0].n, (int)c->rows.column[1].n};
	int formats[] = {0, 1, 1}, i;
	PGresult *r = PQexecParams(
	    c->conn, contacts_others_sql, 3, NULL, values, lengths, formats, 0);

	if (PQresultStatus(r) != PGRES_TUPLES_OK)
		return ask_refused(c->conn, r, CONTACTS_ROLE, err);
	for (i = 0; c->refused != NULL && i < PQntuples(r); i++)
		c->refused(c->refused_ctx, c->lines[contacts_int(r, i, 0) - 1],
		    PQgetvalue(r, i, 1));
	PQclear(r);
	return 0;
}

int
contacts_flush(struct contacts *c, struct err *err)
{
	PGresult *result;
	int64_t before = contacts_sum(c);

	if (c->rows.n == 0)
		return 0;
	if (!c->site_is_known &&
	    ask_note_site(c->conn, &c->site, CONTACTS_ROLE, err) < 0)
		return -1;
	c->site_is_known = true;
	rows_close(&c->rows);
	result = contacts_put(c);
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		return ask_refused(c->conn, result, CONTACTS_ROLE, err);
	c->counts.added += contacts_int(result, 0, 0);
	c->counts.changed += contacts_int(result, 0, 1);
	c->counts.same += contacts_int(result, 0, 2);
	PQclear(result);
	if (contacts_sum(c) - before < (int64_t)c->rows.n &&
	    contacts_ask_others(c, err) < 0)
		return -1;
	rows_reset(&c->rows, SIZE_MAX);
	return 0;
}

int
contacts_commit(struct contacts *c, struct err *err)
{
	if (contacts_flush(c, err) < 0)
		return -1;
	return c->whole ? contacts_run(c, "COMMIT", err) : 0;
}

const struct contacts_counts *
contacts_counted(const struct contacts *c)
{
	return &c->counts;
}

int
contacts_words(struct contacts *c,
    void (*fn)(
	void *ctx, const char *kind, const char *name, const char *label),
    void *ctx, struct err *err)
{
	const char *site = c->site.name;
	PGresult *r =
	    ask_rows(c->conn, contacts_words_sql, 1, &site, CONTACTS_ROLE, err);
	int i;

	for (i = 0; r != NULL && i < PQntuples(r); i++)
		fn(ctx, PQgetvalue(r, i, 0), PQgetvalue(r, i, 1),
		    PQgetvalue(r, i, 2));
	if (r == NULL)
		return -1;
	PQclear(r);
	return 0;
}

int
contacts_keep_days(struct contacts *c, int64_t *days, struct err *err)
{
	const char *site = c->site.name;
	PGresult *r = ask_rows(c->conn,
	    "SELECT keep_contacts_days FROM ringtally.contact_settings($1)", 1,
	    &site, CONTACTS_ROLE, err);

	if (r == NULL)
		return -1;
	*days = contacts_int(r, 0, 0);
	PQclear(r);
	return 0;
}
