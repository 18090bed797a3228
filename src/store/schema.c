/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <dirent.h>
#include <libpq-fe.h>

#include "base/strbuf.h"
#include "store/schema.h"
#include "store/store.h"

#define SCHEMA_FILE_MAX (4 << 20)

/* One run of migrate or check. */
struct schema {
	PGconn *conn;
	void (*say)(void *ctx, const char *line);
	void *ctx;
	bool ok; /* check: usable so far */
};

/* One numbered file. */
struct migration {
	int number;
	char *name;
};

static void schema_say(struct schema *s, const char *fmt, ...) RT_PRINTF(2, 3);

static void
schema_say(struct schema *s, const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	if (s->say == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	s->say(s->ctx, line);
}

/* Messages of the server end with a newline; ours do not. */
static int
schema_err(struct schema *s, struct err *err, const char *what)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_adds(&text, PQerrorMessage(s->conn));
	while (text.n > 0 && text.p[text.n - 1] == '\n')
		text.p[--text.n] = '\0';
	for (char *p = text.p; p != NULL && *p != '\0'; p++)
		if (*p == '\n')
			*p = ' ';
	err_set(err, "%s: %s", what, strbuf_str(&text));
	strbuf_fini(&text);
	return -1;
}

static int
schema_exec(
    struct schema *s, const char *sql, const char *what, struct err *err)
{
	PGresult *res = PQexec(s->conn, sql);
	ExecStatusType status = PQresultStatus(res);

	PQclear(res);
	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		return schema_err(s, err, what);
	return 0;
}

/* A statement with one number as its answer. */
static int
schema_number(struct schema *s, const char *sql, int *number, struct err *err)
{
	PGresult *res = PQexec(s->conn, sql);
	int rc = 0;

	if (PQresultStatus(res) != PGRES_TUPLES_OK || PQntuples(res) != 1)
		rc = schema_err(s, err, "the database");
	else
		*number = (int)strtol(PQgetvalue(res, 0, 0), NULL, 10);
	PQclear(res);
	return rc;
}

/* -1 in *version: there is no schema of ours at all. */
static int
schema_version(struct schema *s, int *version, struct err *err)
{
	int there;

	if (schema_number(s,
		"SELECT (to_regclass('ringtally.schema_version') "
		"IS NOT NULL)::int",
		&there, err) < 0)
		return -1;
	*version = -1;
	if (there == 0)
		return 0;
	return schema_number(s,
	    "SELECT coalesce(max(version), 0) FROM ringtally.schema_version",
	    version, err);
}

static void
schema_notice(void *arg, const PGresult *res)
{
	const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);

	if (text != NULL)
		schema_say(arg, "the server says: %s", text);
}

static int
schema_connect(struct schema *s, const char *conninfo, struct err *err)
{
	const char *const keys[] = {"connect_timeout",
	    "fallback_application_name", "dbname", "client_encoding", NULL};
	const char *const values[] = {
	    "10", "ringtally db", conninfo, "UTF8", NULL};
	const char *encoding;

	s->conn = PQconnectdbParams(keys, values, 1);
	if (PQstatus(s->conn) != CONNECTION_OK)
		return schema_err(s, err, "can not connect");
	PQsetNoticeReceiver(s->conn, schema_notice, s);
	if (PQserverVersion(s->conn) < SCHEMA_SERVER_MIN)
		return err_set(err, "PostgreSQL %d is too old: 14 is needed",
		    PQserverVersion(s->conn) / 10000);
	encoding = PQparameterStatus(s->conn, "server_encoding");
	if (encoding != NULL && strcmp(encoding, "UTF8") != 0)
		return err_set(err,
		    "database %s is encoded in %s, which has no place for some "
		    "names: make it with ENCODING 'UTF8' TEMPLATE template0",
		    PQdb(s->conn), encoding);
	return schema_exec(s,
	    "SET client_min_messages = warning; SET timezone = 'UTC'; "
	    "SET lock_timeout = '60s'; SET search_path = pg_catalog",
	    "the session", err);
}

/* --- migrate ------------------------------------------------------------- */

/*
 * Roles first, for the migrations run as ringtally_owner. Who makes a role
 * without being a superuser must also become its member.
 */
static const char schema_init_sql[] =
    "DO $$\n"
    "DECLARE r text;\n"
    "BEGIN\n"
    "	FOREACH r IN ARRAY ARRAY['ringtally_owner', 'ringtally_writer',\n"
    "	    'ringtally_reader'] LOOP\n"
    "		IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r) THEN\n"
    "			EXECUTE format('CREATE ROLE %I NOLOGIN', r);\n"
    "			IF r = 'ringtally_writer' THEN\n"
    "	ALTER ROLE ringtally_writer\n"
    "	    SET idle_in_transaction_session_timeout = '10s';\n"
    "	ALTER ROLE ringtally_writer SET lock_timeout = '20s';\n"
    "	ALTER ROLE ringtally_writer SET statement_timeout = '30s';\n"
    "			END IF;\n"
    "		END IF;\n"
    "	END LOOP;\n"
    "	IF NOT pg_has_role('ringtally_owner', 'MEMBER') THEN\n"
    "		EXECUTE format('GRANT ringtally_owner TO %I', current_user);\n"
    "	END IF;\n"
    "	COMMENT ON ROLE ringtally_owner IS\n"
    "	    'Owns the schema ringtally and migrates it.';\n"
    "	COMMENT ON ROLE ringtally_writer IS\n"
    "	    'The rights of the daemon ringtallyd: no DDL.';\n"
    "	COMMENT ON ROLE ringtally_reader IS\n"
    "	    'The rights of analysts: views and aggregates, no callers.';\n"
    "	IF to_regnamespace('ringtally') IS NULL THEN\n"
    "		CREATE SCHEMA ringtally AUTHORIZATION ringtally_owner;\n"
    "	END IF;\n"
    "	EXECUTE 'SET LOCAL ROLE ringtally_owner';\n"
    "	COMMENT ON SCHEMA ringtally IS\n"
    "	    'What telephone switches did, counted by ringtallyd.';\n"
    "END\n"
    "$$";

static int
schema_order_cb(const void *a, const void *b)
{
	const struct migration *x = a, *y = b;

	return x->number - y->number;
}

static void
schema_free_list(struct migration *list, size_t n)
{
	while (n > 0)
		free(list[--n].name);
	free(list);
}

/* NNNN_NAME.sql: its number, or 0. */
static int
schema_file_number(const char *name)
{
	size_t n = strlen(name);
	int64_t number;

	if (n < 10 || name[4] != '_' || strcmp(name + n - 4, ".sql") != 0 ||
	    !slice_uint((struct slice){name, 4}, &number))
		return 0;
	return (int)number;
}

/* All migrations, in their order; they must be 1, 2, 3 ... */
static int
schema_list(
    const char *directory, struct migration **list, size_t *n, struct err *err)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;
	size_t i;

	*list = NULL;
	*n = 0;
	if (dir == NULL)
		return err_sys(err, "%s", directory);
	while ((entry = readdir(dir)) != NULL) {
		int number = schema_file_number(entry->d_name);

		if (number == 0)
			continue;
		*list = mem_realloc(*list, *n + 1, sizeof(**list));
		(*list)[(*n)++] =
		    (struct migration){number, mem_strdup(entry->d_name)};
	}
	closedir(dir);
	if (*n > 0)
		qsort(*list, *n, sizeof(**list), schema_order_cb);
	for (i = 0; i < *n; i++)
		if ((size_t)(*list)[i].number != i + 1)
			return err_set(err, "%s: no single migration %04zu",
			    directory, i + 1);
	if (*n < SCHEMA_VERSION)
		return err_set(err, "%s: %zu migrations, this program needs %d",
		    directory, *n, SCHEMA_VERSION);
	return 0;
}

static int
schema_read(const char *directory, const char *name, struct strbuf *sql,
    struct err *err)
{
	struct strbuf path = STRBUF_INIT;
	size_t n;
	FILE *f;
	int rc;

	strbuf_addf(&path, "%s/%s", directory, name);
	f = fopen(strbuf_str(&path), "re");
	if (f == NULL) {
		rc = err_sys(err, "%s", strbuf_str(&path));
		strbuf_fini(&path);
		return rc;
	}
	do {
		n = fread(strbuf_reserve(sql, 65536), 1, 65536, f);
		strbuf_added(sql, n);
	} while (n > 0 && sql->n < SCHEMA_FILE_MAX);
	rc = ferror(f) ? err_sys(err, "%s", strbuf_str(&path)) : 0;
	fclose(f);
	strbuf_fini(&path);
	return rc;
}

/* COMMIT of a transaction that failed succeeds too: with another tag. */
static int
schema_commit(struct schema *s, const char *name, struct err *err)
{
	PGresult *res = PQexec(s->conn, "COMMIT");
	bool done = PQresultStatus(res) == PGRES_COMMAND_OK &&
	    strcmp(PQcmdStatus(res), "COMMIT") == 0;

	PQclear(res);
	return done ? 0 : schema_err(s, err, name);
}

static int
schema_record(struct schema *s, const struct migration *m, struct err *err)
{
	char number[16];
	const char *const values[] = {number, m->name};
	PGresult *res;
	bool done;

	snprintf(number, sizeof(number), "%d", m->number);
	res = PQexecParams(s->conn,
	    "INSERT INTO ringtally.schema_version (version, name) "
	    "VALUES ($1::integer, $2)",
	    2, NULL, values, NULL, NULL, 0);
	done = PQresultStatus(res) == PGRES_COMMAND_OK;
	PQclear(res);
	return done ? 0 : schema_err(s, err, m->name);
}

/* One file in one transaction: all of it, with its number, or nothing. */
static int
schema_apply(struct schema *s, const char *directory, const struct migration *m,
    struct err *err)
{
	struct strbuf sql = STRBUF_INIT;
	int rc = schema_read(directory, m->name, &sql, err);

	if (rc == 0)
		rc = schema_exec(
		    s, "BEGIN; SET LOCAL ROLE ringtally_owner", m->name, err);
	if (rc == 0)
		rc = schema_exec(s, strbuf_str(&sql), m->name, err);
	if (rc == 0 && PQtransactionStatus(s->conn) != PQTRANS_INTRANS)
		rc = err_set(err, "%s: ends its own transaction", m->name);
	if (rc == 0)
		rc = schema_record(s, m, err);
	if (rc == 0)
		rc = schema_commit(s, m->name, err);
	if (rc == 0)
		schema_say(s, "applied %s", m->name);
	strbuf_fini(&sql);
	return rc;
}

static int
schema_apply_all(struct schema *s, const char *directory, bool init,
    const struct migration *list, size_t n, struct err *err)
{
	int version;
	size_t i;

	if (schema_exec(s,
		"SELECT pg_advisory_lock("
		"hashtextextended('ringtally migrate', 0))",
		"another migration runs", err) < 0)
		return -1;
	if (init && schema_exec(s, schema_init_sql, "roles", err) < 0)
		return -1;
	if (schema_version(s, &version, err) < 0)
		return -1;
	if (version < 0 && !init)
		return err_set(err,
		    "no schema ringtally in this database: "
		    "run ringtally db init");
	if (version > (int)n)
		return err_set(err,
		    "the schema is of version %d, newer than this program's "
		    "%zu",
		    version, n);
	for (i = (size_t)RT_MAX(version, 0); i < n; i++)
		if (schema_apply(s, directory, &list[i], err) < 0)
			return -1;
	schema_say(s, "the schema is of version %zu", n);
	return 0;
}

int
schema_migrate(const char *conninfo, const char *directory, bool init,
    void (*say)(void *ctx, const char *line), void *ctx, struct err *err)
{
	struct schema s = {.say = say, .ctx = ctx};
	struct migration *list;
	size_t n;
	int rc = schema_list(directory, &list, &n, err);

	if (rc == 0)
		rc = schema_connect(&s, conninfo, err);
	if (rc == 0)
		rc = schema_apply_all(&s, directory, init, list, n, err);
	PQfinish(s.conn);
	schema_free_list(list, n);
	return rc;
}

/* --- check --------------------------------------------------------------- */

/* What the daemon's user must be able to do: a line for each that it can not.
 */
static const char schema_rights_sql[] =
    "SELECT format('%s may not %s ringtally.%s', current_user, p, t)\n"
    "FROM (VALUES ('queue_tally'), ('agent_tally'), ('feed'),\n"
    "    ('feed_interval'), ('feed_event'), ('feed_file'), ('open_visit'),\n"
    "    ('agent_session'), ('writer'), ('site'), ('queue'), ('agent'),\n"
    "    ('service'), ('queue_live_state'), ('contact_sheet')) AS tables(t)\n"
    "CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE')) AS rights(p)\n"
    "WHERE NOT has_table_privilege('ringtally.' || t, p)\n"
    "UNION ALL\n"
    "SELECT format('%s may not INSERT into ringtally.%s', current_user, t)\n"
    "FROM (VALUES ('visit'), ('agent_span'), ('feed_seen')) AS tables(t)\n"
    "WHERE NOT has_table_privilege('ringtally.' || t, 'INSERT')\n"
    "UNION ALL\n"
    "SELECT format('%s may not SELECT %s of ringtally.visit', current_user, "
    "c)\n"
    "FROM (VALUES ('site'), ('switch'), ('queue'), ('entered_at'),\n"
    "    ('outcome'), ('wait_ms'), ('talk_ms'), ('transferred')) AS names(c)\n"
    "WHERE NOT has_column_privilege('ringtally.visit', c, 'SELECT')\n"
    "UNION ALL\n"
    "SELECT format('%s may not delete from ringtally.%s', current_user, t)\n"
    "FROM (VALUES ('open_visit'), ('agent_session'), ('feed_seen'),\n"
    "    ('contact_sheet'), ('queue_live_state')) AS tables(t)\n"
    "WHERE NOT has_table_privilege('ringtally.' || t, 'DELETE')\n"
    "UNION ALL\n"
    "SELECT format('%s may not call ringtally.%s()', current_user, proname)\n"
    "FROM pg_proc WHERE pronamespace = 'ringtally'::regnamespace\n"
    "AND proname IN ('take_over', 'advance', 'release', 'keep_partitions',\n"
    "    'ensure_visit_month', 'writer_lock', 'hist_add', 'assert_writer',\n"
    "    'callbacks', 'callers_from', 'callers_since', 'contact_put',\n"
    "    'contact_others', 'contact_join', 'contact_configure',\n"
    "    'contact_live', 'contact_say', 'contact_expire', 'contact_touch',\n"
    "    'forget')\n"
    "AND NOT has_function_privilege(oid, 'EXECUTE')";

static int
schema_check_rights(struct schema *s, struct err *err)
{
	PGresult *res = PQexec(s->conn, schema_rights_sql);
	int i, rc = 0;

	if (PQresultStatus(res) != PGRES_TUPLES_OK)
		rc = schema_err(s, err, "rights");
	for (i = 0; rc == 0 && i < PQntuples(res); i++) {
		schema_say(s, "%s", PQgetvalue(res, i, 0));
		s->ok = false;
	}
	if (rc == 0 && PQntuples(res) > 0)
		schema_say(s, "to mend this: GRANT ringtally_writer TO %s",
		    PQuser(s->conn));
	PQclear(res);
	return rc;
}

static int
schema_check_all(struct schema *s, struct err *err)
{
	int version, standby;

	if (schema_number(s, "SELECT pg_is_in_recovery()::int", &standby, err) <
		0 ||
	    schema_version(s, &version, err) < 0)
		return -1;
	schema_say(s, "server: PostgreSQL %d.%d, database %s, user %s",
	    PQserverVersion(s->conn) / 10000, PQserverVersion(s->conn) % 10000,
	    PQdb(s->conn), PQuser(s->conn));
	if (standby != 0) {
		schema_say(
		    s, "the server is a standby: nothing can be written");
		s->ok = false;
	}
	if (version < 0) {
		schema_say(s, "no schema ringtally: run ringtally db init");
		s->ok = false;
		return 0;
	}
	schema_say(s, "schema: version %d, this program needs %d", version,
	    SCHEMA_VERSION);
	if (version != SCHEMA_VERSION) {
		schema_say(s,
		    version < SCHEMA_VERSION
			? "the schema is too old: run ringtally db migrate"
			: "the schema is too new: install a newer ringtally");
		s->ok = false;
		return 0;
	}
	return schema_check_rights(s, err);
}

int
schema_check(const char *conninfo, bool *ok,
    void (*say)(void *ctx, const char *line), void *ctx, struct err *err)
{
	struct schema s = {.say = say, .ctx = ctx, .ok = true};
	int rc = schema_connect(&s, conninfo, err);

	if (rc == 0)
		rc = schema_check_all(&s, err);
	PQfinish(s.conn);
	*ok = rc == 0 && s.ok;
	return rc;
}

int
store_check_conninfo(const char *conninfo, struct err *err)
{
	char *why = NULL;
	PQconninfoOption *options = PQconninfoParse(conninfo, &why);

	if (options == NULL) {
		size_t n = why != NULL ? strcspn(why, "\n") : 0;

		err_set(
		    err, "%.*s", (int)n, why != NULL ? why : "out of memory");
		PQfreemem(why);
		return -1;
	}
	PQconninfoFree(options);
	return 0;
}

/* As libpq would read it back; a password stands there as asterisks. */
static void
store_show_setting(const PQconninfoOption *option, struct strbuf *to)
{
	const char *p;

	if (to->n > 0)
		strbuf_addc(to, ' ');
	strbuf_addf(to, "%s=", option->keyword);
	if (option->dispchar[0] == '*') {
		strbuf_adds(to, "***");
		return;
	}
	strbuf_addc(to, '\'');
	for (p = option->val; *p != '\0'; p++) {
		if (*p == '\'' || *p == '\\')
			strbuf_addc(to, '\\');
		strbuf_addc(to, *p);
	}
	strbuf_addc(to, '\'');
}

void
store_show_conninfo(const char *conninfo, struct strbuf *to)
{
	PQconninfoOption *options = PQconninfoParse(conninfo, NULL), *option;

	for (option = options; option != NULL && option->keyword != NULL;
	     option++)
		if (option->val != NULL)
			store_show_setting(option, to);
	PQconninfoFree(options);
}
