/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/strbuf.h"
#include "store/ask.h"
#include "store/contacts.h"

int
ask_fail(const char *what, const char *message, struct err *err)
{
	struct strbuf line = STRBUF_INIT;
	size_t n;

	while (*message != '\0') {
		n = strcspn(message, "\n\t");
		strbuf_add(&line, message, n);
		message += n;
		n = strspn(message, "\n\t");
		message += n;
		if (n > 0 && *message != '\0')
			strbuf_addc(&line, ' ');
	}
	err_set(err, "%s%s", what, strbuf_str(&line));
	strbuf_fini(&line);
	return -1;
}

/* What an operator can do about a refused question. */
static void
ask_hint(char *to, size_t size, const char *state, const char *role)
{
	to[0] = '\0';
	if (state == NULL)
		return;
	if (strcmp(state, "3F000") == 0 || strcmp(state, "42P01") == 0 ||
	    strcmp(state, "42703") == 0 || strcmp(state, "42883") == 0)
		snprintf(to, size,
		    "the schema is missing or old, try \"ringtally db "
		    "check\": ");
	else if (strcmp(state, "42501") == 0)
		snprintf(to, size,
		    "this role has no right to %s, it needs %s: ",
		    strcmp(role, "ringtally_reader") == 0 ? "read" : "do this",
		    role);
}

PGconn *
ask_connect(const char *conninfo, struct err *err)
{
	/* the conninfo comes last: what it says counts */
	static const char *const keywords[] = {"client_encoding",
	    "connect_timeout", "fallback_application_name", "dbname", NULL};
	const char *const values[] = {
	    "UTF8", "10", "ringtally", conninfo, NULL};
	PGconn *conn = PQconnectdbParams(keywords, values, 1);

	BUG_ON(conn == NULL);
	if (PQstatus(conn) == CONNECTION_OK)
		return conn;
	ask_fail("database: ", PQerrorMessage(conn), err);
	PQfinish(conn);
	return NULL;
}

int
ask_refused(PGconn *conn, PGresult *result, const char *role, struct err *err)
{
	const char *why = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	char hint[128];

	ask_hint(hint, sizeof(hint),
	    PQresultErrorField(result, PG_DIAG_SQLSTATE), role);
	ask_fail(hint, why != NULL ? why : PQerrorMessage(conn), err);
	PQclear(result);
	return -1;
}

PGresult *
ask_rows(PGconn *conn, const char *sql, int n, const char *const *parameters,
    const char *role, struct err *err)
{
	PGresult *result =
	    PQexecParams(conn, sql, n, NULL, parameters, NULL, NULL, 0);

	if (PQresultStatus(result) == PGRES_TUPLES_OK ||
	    PQresultStatus(result) == PGRES_COMMAND_OK)
		return result;
	ask_refused(conn, result, role, err);
	return NULL;
}

int
ask_note_site(PGconn *conn, const struct contacts_site *site, const char *role,
    struct err *err)
{
	char interval[24], keep[24];
	const char *values[] = {site->name,
	    site->timezone != NULL ? site->timezone : "UTC", interval, keep};
	PGresult *result;

	snprintf(interval, sizeof(interval), "%" PRId64, site->interval_s);
	snprintf(keep, sizeof(keep), "%" PRId64, site->keep_visits_days);
	result = ask_rows(conn,
	    "INSERT INTO ringtally.site (site, timezone, interval_s, "
	    "keep_visits_days) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
	    4, values, role, err);
	PQclear(result);
	return result != NULL ? 0 : -1;
}
