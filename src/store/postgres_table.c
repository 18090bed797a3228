/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transport `postgres-table`: rows that a switch writes into a table of its
 * own, by rising id: Asterisk's realtime queue_log, and tables of call records.
 * It stands here, and not beside the others, because of libpq.
 *
 * THE TRAP. Ids are given out when a row is made, and seen when its transaction
 * commits: 5 may be there while 4 is still to come, and who has read 5 and asks
 * for more than 5 never sees 4. Nor does it help to take only rows older than
 * every running transaction (xmin below the snapshot's): a transaction has its
 * id from the sequence before it has a number of its own, so there is a gap
 * (tests/integration/test_postgres_table.py holds a transaction in it), and any
 * long transaction elsewhere on the server would stop the feed.
 *
 * What does help is that an INSERT locks its table, in RowExclusiveLock, before
 * it asks for an id, and until its transaction is over. So:
 *
 *	1. look for the highest id that is there: M;
 *	2. then see who holds that lock (pg_locks shows it to everybody);
 *	3. wait until these transactions are over, these only;
 *	4. then take the rows up to M: none can come between them any more, for
 *	   whoever began to write after 2. has ids above M.
 *
 * It holds for ids that a sequence gives to one row after the other: serial,
 * identity. Where an application fetches ids in advance, or the sequence is
 * cached (CACHE above 1), a row may appear below M at any time later. That is
 * noticed: the last TABLE_KEPT rows are counted at each look, and what has come
 * between them is reported as lost. On a standby server, and for a view, nobody
 * sees the locks: there settle_s must be set, and is all that protects.
 *
 * The position: path is the table, offset the last id taken, inode and
 * generation its OID and file node, by which a table that was made anew or
 * truncated is told, head_hash of the last record, size_seen the highest id
 * seen, and device the last row's time in seconds (see row_plan_record).
 */
#include "base/base.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/option.h"
#include "base/table.h"
#include "feed/transports.h"
#include "store/link.h"
#include "store/postgres_row.h"
#include "store/store.h"

#define TABLE_RETRY_US	     (100 * USEC_PER_MSEC) /* doubled each time ... */
#define TABLE_RETRY_MAX_US   (10 * USEC_PER_SEC)   /* ... up to this */
#define TABLE_TRIES	     8			   /* then --once gives up */
#define TABLE_WRITERS_US     (20 * USEC_PER_MSEC)  /* to ask for them again */
#define TABLE_WRITERS_MAX_US USEC_PER_SEC
#define TABLE_NAG_US	     (60 * USEC_PER_SEC)
#define TABLE_KEPT	     1024 /* ids of the last rows */
#define TABLE_TURN	     500  /* records handed over in one turn */

struct table_options {
	char *conninfo;
	char *schema, *table, *id;
	int form;
	char **columns;
	char *separator;
	char *channel;
	int start;
	int64_t settle_us, poll_us, batch;
};

enum table_start { TABLE_BEGINNING, TABLE_END };

enum table_step {
	STEP_OFF,
	STEP_DESCRIBE,
	STEP_LOOK,
	STEP_WRITERS, /* asking whether those seen are over */
	STEP_WAIT,    /* for them, or for settle_s */
	STEP_FETCH,
	STEP_GIVE, /* rows wait to be handed over */
	STEP_IDLE
};

struct table_row {
	int64_t id, clock_s;
	size_t at, n; /* of its text */
	bool ambiguous;
};

struct postgres_table {
	const char *feed;
	char *conninfo, *schema, *name, *id, *channel, *zone;
	char separator;
	int64_t settle_us, poll_us, batch;
	bool at_end, once;
	struct stage_upstream *up;
	struct link *link;
	struct link_script script;
	struct timer *timer;
	struct task *task;
	struct position pos;

	enum table_step step;
	bool paused, idle, done, again; /* again: notified meanwhile */
	struct strbuf quoted;		/* the table, as SQL names it */
	char path[STAGE_PATH_MAX];	/* as people do */
	struct row_plan plan;
	struct strbuf sql_look, sql_same, sql_fetch;
	int64_t oid, filenode;
	char kind; /* relkind; 0: there is no such table */
	bool recovery, described, warned;

	/* what a look has found */
	int64_t highest, in_kept; /* 0: no row; of the last ones, how many */
	bool any_here, same_here; /* rows with the id of our position */
	char *writers;		  /* as text[]; NULL: none */
	int64_t looked_us, writers_us;
	struct strbuf text, record;
	struct table_row *rows;
	size_t n_rows, cap_rows, given;
	int64_t fetched_upto;

	int64_t kept[TABLE_KEPT]; /* ids of rows taken, a ring */
	uint64_t n_kept;
	int64_t late; /* rows between them that were reported */

	unsigned retries;
	int64_t nag_us, since_us, heard_us;
	struct log_limit limit;
	char said[512], trouble[512];
};

/* --- saying how it goes -------------------------------------------------- */

static void
table_set_idle(struct postgres_table *t, bool idle)
{
	if (idle == t->idle)
		return;
	t->idle = idle;
	t->up->idle(t->up, idle);
}

/* Says it once, and begins anew later and later. */
static void
table_trouble(struct postgres_table *t, bool mend, const char *text)
{
	int64_t delay = TABLE_RETRY_US << RT_MIN(t->retries, 10U);

	t->retries++;
	link_close(t->link);
	t->step = STEP_OFF;
	timer_set(t->timer, RT_MIN(delay, TABLE_RETRY_MAX_US));
	snprintf(t->trouble, sizeof(t->trouble), "%s", text);
	if (t->once && t->up->failed != NULL &&
	    (mend || t->retries == TABLE_TRIES))
		t->up->failed(t->up, text);
	if (strcmp(text, t->said) != 0)
		log_warn(
		    "feed %s: %s: %s: trying again", t->feed, t->path, text);
	snprintf(t->said, sizeof(t->said), "%s", text);
	if (!t->once)
		table_set_idle(t, true);
}

static void
table_down(void *ctx, const struct link_trouble *trouble)
{
	table_trouble(ctx, trouble->verdict == LINK_MEND, trouble->text);
}

/* Each minute at most. */
static void
table_nag(struct postgres_table *t, const char *text)
{
	int64_t now = clock_mono_us();

	snprintf(t->trouble, sizeof(t->trouble), "%s", text);
	if (t->nag_us != 0 && now - t->nag_us < TABLE_NAG_US)
		return;
	t->nag_us = now;
	log_warn("feed %s: %s: %s", t->feed, t->path, text);
}

/* --- what there is ------------------------------------------------------- */

static int64_t
table_int(const PGresult *res, int row, int column)
{
	return strtoll(PQgetvalue(res, row, column), NULL, 10);
}

/* One row for each column of the table. */
static void
table_column(void *ctx, const PGresult *res)
{
	struct postgres_table *t = ctx;
	struct err err;
	int i;

	row_plan_reset(&t->plan);
	t->kind = 0;
	for (i = 0; i < PQntuples(res); i++) {
		t->oid = table_int(res, i, 0);
		t->kind = PQgetvalue(res, i, 1)[0];
		t->recovery = PQgetvalue(res, i, 2)[0] == 't';
		snprintf(t->path, sizeof(t->path), "%s.%s",
		    PQgetvalue(res, i, 3), t->name);
		if (i == 0) {
			strbuf_reset(&t->quoted);
			if (link_identifier(t->link, &t->quoted,
				PQgetvalue(res, i, 3), &err) < 0)
				link_refuse(t->link, LINK_MEND, "%s", err.text);
			strbuf_addc(&t->quoted, '.');
			if (link_identifier(
				t->link, &t->quoted, t->name, &err) < 0)
				link_refuse(t->link, LINK_MEND, "%s", err.text);
		}
		if (row_plan_column(&t->plan, PQgetvalue(res, i, 4),
			(unsigned)table_int(res, i, 5),
			PQgetvalue(res, i, 6)[0] == 't', &err) < 0)
			link_refuse(t->link, LINK_MEND, "%s", err.text);
	}
}

static const char table_sql_columns[] =
    "SELECT c.oid::bigint, c.relkind, pg_catalog.pg_is_in_recovery(),"
    " n.nspname, a.attname, a.atttypid::bigint,"
    " EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid"
    "  AND i.indkey[0] = a.attnum AND i.indisvalid)"
    " FROM pg_catalog.pg_class c"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid"
    "  AND a.attnum > 0 AND NOT a.attisdropped"
    " WHERE c.relname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')"
    " AND CASE WHEN $2::text IS NULL THEN pg_catalog.pg_table_is_visible(c.oid)"
    "  ELSE n.nspname = $2 END"
    " ORDER BY a.attnum";

/* Whoever writes to the table now, or to one of its parts. */
static const char table_sql_writers[] =
    "SELECT array_agg(DISTINCT l.virtualtransaction) FROM pg_catalog.pg_locks l"
    " WHERE l.locktype = 'relation' AND l.mode = 'RowExclusiveLock'"
    " AND l.granted AND l.database = (SELECT oid FROM pg_catalog.pg_database"
    "  WHERE datname = pg_catalog.current_database())"
    " AND l.relation IN (WITH RECURSIVE part AS (SELECT $1::bigint::oid AS oid"
    "  UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i"
    "  JOIN part ON i.inhparent = part.oid) SELECT oid FROM part)"
    /* of these: a prepared one has another name than it had before */
    " AND ($2::text IS NULL OR l.virtualtransaction = ANY ($2::text[])"
    "  OR l.virtualtransaction LIKE '-1/%')";

static void
table_up(void *ctx)
{
	struct postgres_table *t = ctx;
	struct strbuf listen = STRBUF_INIT;
	struct err err;

	t->step = STEP_DESCRIBE;
	link_script_reset(&t->script);
	link_add(&t->script, "SET default_transaction_read_only = on");
	link_add(&t->script, "SET statement_timeout = '25s'");
	link_add(&t->script, "SET datestyle = 'ISO, YMD'");
	link_add_sync(&t->script);
	link_add(&t->script, table_sql_columns)->result = table_column;
	link_param(&t->script, t->name);
	link_param(&t->script, t->schema);
	link_add_sync(&t->script);
	if (t->channel != NULL) {
		strbuf_adds(&listen, "LISTEN ");
		if (link_identifier(t->link, &listen, t->channel, &err) == 0) {
			strbuf_reset(&t->sql_look);
			strbuf_adds(&t->sql_look, strbuf_str(&listen));
			/* on a standby server it can not be */
			link_add(&t->script, strbuf_str(&t->sql_look))
			    ->optional = true;
			link_add_sync(&t->script);
		}
		strbuf_fini(&listen);
	}
	link_run(t->link, &t->script);
}

static int
table_make_statements(struct postgres_table *t, struct err *err)
{
	const char *from = strbuf_str(&t->quoted);
	struct strbuf id = STRBUF_INIT;
	int rc = -1;

	strbuf_reset(&t->sql_look);
	strbuf_reset(&t->sql_same);
	strbuf_reset(&t->sql_fetch);
	if (link_identifier(t->link, &id, t->id, err) < 0 ||
	    row_plan_select(&t->plan, t->link, from, &t->sql_same, err) < 0)
		goto out;
	strbuf_addf(&t->sql_look,
	    "SELECT (SELECT max(%s) FROM %s)::bigint,"
	    " coalesce(pg_catalog.pg_relation_filenode($1::bigint::oid), 0)"
	    "::bigint, (SELECT count(*) FROM %s WHERE %s > $2::bigint"
	    " AND %s <= $3::bigint)",
	    strbuf_str(&id), from, from, strbuf_str(&id), strbuf_str(&id));
	strbuf_add(&t->sql_fetch, t->sql_same.p, t->sql_same.n);
	strbuf_addf(
	    &t->sql_same, " WHERE t.%s = $2::bigint LIMIT 16", strbuf_str(&id));
	/* WITH TIES: rows of one id are not torn apart */
	strbuf_addf(&t->sql_fetch,
	    " WHERE t.%s > $2::bigint AND t.%s <= $3::bigint ORDER BY t.%s"
	    " FETCH FIRST ($4::bigint) ROWS WITH TIES",
	    strbuf_str(&id), strbuf_str(&id), strbuf_str(&id));
	rc = 0;
out:
	strbuf_fini(&id);
	return rc;
}

static bool
table_sees_writers(const struct postgres_table *t)
{
	return !t->recovery && (t->kind == 'r' || t->kind == 'p');
}

/* Whether all is as it must be; what is not, in `err`. */
static int
table_described(struct postgres_table *t, struct err *err)
{
	if (t->kind == 0)
		return err_set(err, "there is no such table");
	if (row_plan_check(&t->plan, err) < 0)
		return -1;
	if (!table_sees_writers(t) && t->settle_us == 0)
		return err_set(err,
		    "%s, where nobody can see who writes: settle_s must be set",
		    t->recovery ? "this is a standby server"
				: "this is no ordinary table");
	if (!t->plan.id_indexed && table_sees_writers(t) && !t->warned)
		log_warn("feed %s: %s: no index begins with the column %s: "
			 "each look reads the whole table",
		    t->feed, t->path, t->id);
	t->warned = true;
	return table_make_statements(t, err);
}

/* --- the position -------------------------------------------------------- */

static void
table_begin(struct postgres_table *t, int64_t after)
{
	uint32_t file_no = t->pos.file_no;

	t->pos = (struct position){.file_no = file_no + 1, .offset = after};
	snprintf(t->pos.path, sizeof(t->pos.path), "%s", t->path);
	t->pos.inode = (uint64_t)t->oid;
	t->pos.generation = (uint64_t)t->filenode;
	t->n_kept = 0;
	t->late = 0;
	log_info("feed %s: begins with %s behind id %" PRId64, t->feed, t->path,
	    after);
}

/* The ids begin anew. */
static void
table_restarted(struct postgres_table *t, const char *how)
{
	char why[STAGE_PATH_MAX + 200];

	snprintf(why, sizeof(why),
	    "%s %s: what was written to it behind id %" PRId64
	    " before that is not known",
	    t->path, how, t->pos.offset);
	table_begin(t, 0);
	t->up->lost(t->up, STAGE_LOSS_TRUNCATED, -1, why);
}

/*
 * Is it still the table that we read? Its ids may have begun anew, or it was
 * restored from a backup, or only its old rows were deleted.
 */
static void
table_check_position(struct postgres_table *t)
{
	bool other = t->pos.inode != (uint64_t)t->oid ||
	    t->pos.generation != (uint64_t)t->filenode;
	char text[200];

	if (t->pos.file_no == 0) {
		table_begin(t, t->at_end ? t->highest : 0);
		return;
	}
	if (strcmp(t->pos.path, t->path) != 0) {
		log_note("feed %s: %s is read now, not %s", t->feed, t->path,
		    t->pos.path);
		table_begin(t, 0);
		return;
	}
	if (t->highest == 0 || t->pos.offset == 0)
		return; /* an empty table tells nothing */
	if (t->any_here && !t->same_here && t->plan.form == ROW_QUEUE_LOG) {
		table_restarted(t, "has begun to count its ids anew");
		return;
	}
	if (!t->any_here && t->highest < t->pos.offset) {
		if (other) {
			table_restarted(t, "was emptied or made anew");
			return;
		}
		snprintf(text, sizeof(text),
		    "its highest id is %" PRId64 ", though %" PRId64
		    " was read before: rows were deleted, or its ids were set "
		    "back; nothing is read until they are higher",
		    t->highest, t->pos.offset);
		table_nag(t, text);
		return;
	}
	t->pos.inode = (uint64_t)t->oid;
	t->pos.generation = (uint64_t)t->filenode;
	t->trouble[0] = '\0';
}

/* --- a look -------------------------------------------------------------- */

static void
table_found(void *ctx, const PGresult *res)
{
	struct postgres_table *t = ctx;

	t->highest = table_int(res, 0, 0); /* NULL is "" is 0 */
	t->filenode = table_int(res, 0, 1);
	t->in_kept = table_int(res, 0, 2);
}

static uint64_t
table_hash(const struct strbuf *record)
{
	return XXH3_64bits(strbuf_str(record), record->n);
}

/*
 * Its time is worked out as it was then, so that a row in the repeated hour is
 * the same again.
 */
static void
table_here(void *ctx, const PGresult *res)
{
	struct postgres_table *t = ctx;
	int64_t clock_s;
	int i;

	for (i = 0; i < PQntuples(res); i++) {
		clock_s = (int64_t)t->pos.device;
		row_plan_record(
		    &t->plan, res, i, t->separator, &clock_s, &t->record);
		t->any_here = true;
		t->same_here |= table_hash(&t->record) == t->pos.head_hash;
	}
}

static void
table_writers(void *ctx, const PGresult *res)
{
	struct postgres_table *t = ctx;

	free(t->writers);
	t->writers =
	    PQgetisnull(res, 0, 0) ? NULL : mem_strdup(PQgetvalue(res, 0, 0));
}

/* The oldest of the last rows taken; INT64_MAX: none. */
static int64_t
table_oldest_kept(const struct postgres_table *t)
{
	if (t->n_kept == 0)
		return INT64_MAX;
	return t->kept[t->n_kept > TABLE_KEPT ? t->n_kept % TABLE_KEPT : 0];
}

static void
table_look(struct postgres_table *t)
{
	t->step = STEP_LOOK;
	t->again = false;
	t->any_here = t->same_here = false;
	t->looked_us = clock_mono_us();
	t->writers_us = TABLE_WRITERS_US;
	link_script_reset(&t->script);
	link_add(&t->script, strbuf_str(&t->sql_look))->result = table_found;
	link_param_int(&t->script, t->oid);
	link_param_int(&t->script, table_oldest_kept(t));
	link_param_int(&t->script, t->pos.offset);
	link_add_sync(&t->script);
	link_add(&t->script, strbuf_str(&t->sql_same))->result = table_here;
	link_param(&t->script, t->zone);
	link_param_int(&t->script, t->pos.offset);
	link_add_sync(&t->script);
	/* behind the look, in a snapshot of its own */
	link_add(&t->script, table_sql_writers)->result = table_writers;
	link_param_int(&t->script, t->oid);
	link_param(&t->script, NULL);
	link_add_sync(&t->script);
	link_run(t->link, &t->script);
}

/* Rows that appeared between those that were taken: they can not be had. */
static void
table_count_late(struct postgres_table *t)
{
	int64_t held = (int64_t)RT_MIN(t->n_kept, (uint64_t)TABLE_KEPT) - 1;
	int64_t late = t->in_kept - held;
	char why[STAGE_PATH_MAX + 200];

	if (t->n_kept == 0)
		return;
	if (late > t->late) {
		snprintf(why, sizeof(why),
		    "%" PRId64 " rows of %s came with ids that had been passed "
		    "already, up to %" PRId64 ": is its sequence cached, or "
		    "does an application choose the ids?",
		    late - t->late, t->path, t->pos.offset);
		t->up->lost(t->up, STAGE_LOSS_MISSING, -1, why);
	}
	t->late = RT_MAX(late, INT64_C(0));
}

static void
table_wait(struct postgres_table *t)
{
	t->step = STEP_IDLE;
	t->retries = 0;
	t->said[0] = '\0';
	t->done = t->once;
	if (!t->done)
		timer_set(t->timer, t->again ? 0 : t->poll_us);
	table_set_idle(t, true);
}

static void
table_rows(void *ctx, const PGresult *res)
{
	struct postgres_table *t = ctx;
	int64_t clock_s = (int64_t)t->pos.device;
	size_t n = (size_t)PQntuples(res), i;

	if (n > t->cap_rows) {
		t->rows = mem_realloc(t->rows, n, sizeof(*t->rows));
		t->cap_rows = n;
	}
	for (i = 0; i < n; i++) {
		bool ambiguous = row_plan_record(
		    &t->plan, res, (int)i, t->separator, &clock_s, &t->record);

		t->rows[i] = (struct table_row){.id = table_int(res, (int)i, 0),
		    .clock_s = clock_s,
		    .ambiguous = ambiguous,
		    .at = t->text.n,
		    .n = t->record.n};
		strbuf_add(&t->text, strbuf_str(&t->record), t->record.n);
	}
	t->n_rows = n;
	/* a full batch: there may be more below the highest */
	t->fetched_upto = (int64_t)n < t->batch ? t->highest : 0;
}

static void
table_fetch(struct postgres_table *t)
{
	t->step = STEP_FETCH;
	t->n_rows = t->given = 0;
	strbuf_reset(&t->text);
	link_script_reset(&t->script);
	link_add(&t->script, strbuf_str(&t->sql_fetch))->result = table_rows;
	link_param(&t->script, t->zone);
	link_param_int(&t->script, t->pos.offset);
	link_param_int(&t->script, t->highest);
	link_param_int(&t->script, t->batch);
	link_add_sync(&t->script);
	link_run(t->link, &t->script);
}

/* Asks later whether those who wrote then are over. */
static void
table_wait_for_writers(struct postgres_table *t, int64_t delay)
{
	char text[200];

	t->step = STEP_WAIT;
	timer_set(t->timer, delay);
	if (clock_mono_us() - t->looked_us < TABLE_NAG_US || t->writers == NULL)
		return;
	snprintf(text, sizeof(text),
	    "a transaction that writes to it is open since %d s (virtual "
	    "transaction %.60s): rows behind id %" PRId64 " wait for its end",
	    (int)((clock_mono_us() - t->looked_us) / USEC_PER_SEC), t->writers,
	    t->pos.offset);
	table_nag(t, text);
}

/* The look is over, or those who wrote are: what now? */
static void
table_go_on(struct postgres_table *t)
{
	int64_t settled = t->looked_us + t->settle_us;

	if (t->highest <= t->pos.offset) {
		table_wait(t);
		return;
	}
	fault_point("table-looked");
	if (t->writers != NULL && table_sees_writers(t)) {
		table_set_idle(t, false);
		table_wait_for_writers(t, t->writers_us);
		t->writers_us = RT_MIN(2 * t->writers_us, TABLE_WRITERS_MAX_US);
		return;
	}
	/* that is as it was asked for: whoever waits for it is not behind */
	if (clock_mono_us() < settled) {
		table_wait_for_writers(t, settled - clock_mono_us());
		return;
	}
	table_set_idle(t, false);
	table_fetch(t);
}

static void
table_ask_writers(struct postgres_table *t)
{
	struct strbuf before = STRBUF_INIT;

	if (t->writers == NULL) {
		table_go_on(t);
		return;
	}
	t->step = STEP_WRITERS;
	strbuf_adds(&before, t->writers);
	link_script_reset(&t->script);
	link_add(&t->script, table_sql_writers)->result = table_writers;
	link_param_int(&t->script, t->oid);
	link_param(&t->script, strbuf_str(&before));
	link_add_sync(&t->script);
	link_run(t->link, &t->script);
	strbuf_fini(&before);
}

/* --- rows ---------------------------------------------------------------- */

/* False: it is not taken now. */
static bool
table_give(struct postgres_table *t, const struct table_row *row)
{
	struct slice bytes = {strbuf_str(&t->text) + row->at, row->n};
	struct record record = RECORD_OF(bytes);
	struct position at = t->pos;
	char why[200];

	record.ambiguous = row->ambiguous;
	at.offset = row->id;
	if (row->n > STAGE_RECORD_MAX) {
		snprintf(why, sizeof(why),
		    "the row with id %" PRId64 " is longer than %d bytes",
		    row->id, STAGE_RECORD_MAX);
		t->up->lost(t->up, STAGE_LOSS_DAMAGED, (int64_t)row->n, why);
	} else if (!t->up->record(t->up, &at, &record)) {
		return false;
	}
	t->pos.offset = row->id;
	t->pos.size_seen = RT_MAX(t->pos.size_seen, t->highest);
	t->pos.device = (uint64_t)row->clock_s;
	t->pos.head_hash = XXH3_64bits(bytes.p, bytes.n);
	t->pos.head_size = (uint32_t)RT_MIN(row->n, (size_t)STAGE_HEAD_BYTES);
	t->kept[t->n_kept++ % TABLE_KEPT] = row->id;
	return true;
}

static void
table_give_some(struct postgres_table *t)
{
	int i;

	if (t->n_rows > 0)
		t->heard_us = clock_wall_us();
	for (i = 0; i < TABLE_TURN && t->given < t->n_rows; i++) {
		if (t->paused)
			return;
		if (!table_give(t, &t->rows[t->given])) {
			timer_set(t->timer, t->poll_us);
			return;
		}
		t->given++;
	}
	fault_point("table-given");
	if (t->given < t->n_rows) {
		task_set(t->task);
	} else if (t->fetched_upto == 0) {
		t->writers_us = TABLE_WRITERS_US;
		table_go_on(t); /* the next ones below the highest */
	} else {
		/* all that was there; there may always be a new one */
		if (!t->once)
			table_set_idle(t, true);
		table_look(t);
	}
}

/* --- turns --------------------------------------------------------------- */

static void
table_done(void *ctx)
{
	struct postgres_table *t = ctx;
	struct err err;

	switch (t->step) {
	case STEP_DESCRIBE:
		if (table_described(t, &err) < 0) {
			table_trouble(t, true, err.text);
			return;
		}
		t->trouble[0] = '\0';
		t->since_us = clock_wall_us();
		log_info("feed %s: reads %s", t->feed, t->path);
		table_look(t);
		break;
	case STEP_LOOK:
		table_check_position(t);
		table_count_late(t);
		table_go_on(t);
		break;
	case STEP_WRITERS:
		table_go_on(t);
		break;
	case STEP_FETCH:
		t->step = STEP_GIVE;
		task_set(t->task);
		break;
	default:
		BUG("an answer in step %d", (int)t->step);
	}
}

/* The timer, and whoever wants something done: the next thing, if any. */
static void
table_turn_cb(void *ctx)
{
	struct postgres_table *t = ctx;

	if (t->done || (t->paused && t->step != STEP_OFF))
		return;
	switch (t->step) {
	case STEP_OFF:
		if (!timer_is_set(t->timer))
			link_connect(t->link);
		break;
	case STEP_WAIT:
		if (!timer_is_set(t->timer))
			table_ask_writers(t);
		break;
	case STEP_GIVE:
		table_give_some(t);
		break;
	case STEP_IDLE:
		table_look(t);
		break;
	default:
		break; /* an answer is on its way */
	}
}

static void
table_notified(void *ctx)
{
	struct postgres_table *t = ctx;

	t->again = true;
	if (t->step == STEP_IDLE)
		task_set(t->task);
}

static const struct link_ops table_ops = {.up = table_up,
    .done = table_done,
    .down = table_down,
    .notified = table_notified,
    .reads_only = true};

/* --- the stage ----------------------------------------------------------- */

static char *
table_copy_text(const char *text)
{
	return text != NULL && text[0] != '\0' ? mem_strdup(text) : NULL;
}

static int
table_check_options(const void *options, bool files RT_UNUSED, struct err *err)
{
	const struct table_options *o = options;

	if (o->conninfo != NULL && store_check_conninfo(o->conninfo, err) < 0)
		return err_prefix(err, "conninfo");
	if (o->separator != NULL && strlen(o->separator) != 1)
		return err_set(err, "separator must be one character");
	if (o->form == ROW_CSV && (o->columns == NULL || o->columns[0] == NULL))
		return err_set(
		    err, "with form = \"csv\" columns must be named");
	if (o->form == ROW_QUEUE_LOG && o->columns != NULL) {
		size_t n = 0;

		while (o->columns[n] != NULL)
			n++;
		if (n > 0 && n < ROW_FIXED)
			return err_set(err,
			    "columns must begin with those of time, call, "
			    "queue, agent and event");
	}
	return 0;
}

static int
table_open(void **self, const struct stage_setup *setup, struct err *err)
{
	const struct table_options *o = setup->options;
	struct postgres_table *t;

	if (table_check_options(o, false, err) < 0)
		return -1;
	t = mem_zalloc(sizeof(*t));
	t->feed = setup->feed;
	t->conninfo = mem_strdup(o->conninfo != NULL ? o->conninfo : "");
	t->schema = table_copy_text(o->schema);
	t->name = mem_strdup(o->table);
	t->id = mem_strdup(o->id);
	t->channel = table_copy_text(o->channel);
	t->zone = mem_strdup(setup->timezone != NULL ? setup->timezone : "UTC");
	t->separator = o->separator != NULL ? o->separator[0] : ',';
	t->settle_us = o->settle_us;
	t->poll_us = o->poll_us;
	t->batch = o->batch;
	t->at_end = setup->at_end || o->start == TABLE_END;
	t->once = setup->once;
	t->up = setup->up;
	t->pos = *setup->from;
	snprintf(t->path, sizeof(t->path), "%s", t->name);
	row_plan_init(&t->plan, (enum row_form)o->form, t->id, o->columns);
	t->link = link_new(setup->loop, t->conninfo, &table_ops, t);
	t->timer = timer_new(setup->loop, table_turn_cb, t);
	t->task = task_new(setup->loop, table_turn_cb, t);
	task_set(t->task);
	*self = t;
	return 0;
}

static void
table_pause(void *self, bool paused)
{
	struct postgres_table *t = self;

	t->paused = paused;
	if (!paused)
		task_set(t->task);
}

static void
table_position(void *self, struct position *position)
{
	const struct postgres_table *t = self;

	*position = t->pos;
}

static void
table_status(void *self, struct stage_status *status)
{
	const struct postgres_table *t = self;

	*status = (struct stage_status){.connected = link_is_up(t->link),
	    .since_us = t->since_us,
	    .heard_us = t->heard_us};
	if (t->trouble[0] != '\0')
		snprintf(
		    status->text, sizeof(status->text), "%.250s", t->trouble);
	else
		snprintf(status->text, sizeof(status->text),
		    "%.180s: at id %" PRId64 " of %" PRId64, t->path,
		    t->pos.offset, RT_MAX(t->highest, t->pos.offset));
}

static void
table_close(void *self, const char *reason)
{
	struct postgres_table *t = self;

	log_info("feed %s: %s closed at id %" PRId64 ": %s", t->feed, t->path,
	    t->pos.offset, reason);
	link_free(t->link);
	timer_free(t->timer);
	task_free(t->task);
	link_script_fini(&t->script);
	row_plan_fini(&t->plan);
	strbuf_fini(&t->quoted);
	strbuf_fini(&t->sql_look);
	strbuf_fini(&t->sql_same);
	strbuf_fini(&t->sql_fetch);
	strbuf_fini(&t->text);
	strbuf_fini(&t->record);
	free(t->rows);
	free(t->writers);
	free(t->conninfo);
	free(t->schema);
	free(t->name);
	free(t->id);
	free(t->channel);
	free(t->zone);
	free(t);
}

static const char *const table_forms[] = {
    [ROW_QUEUE_LOG] = "queue-log", [ROW_CSV] = "csv", NULL};
static const char *const table_starts[] = {
    [TABLE_BEGINNING] = "beginning", [TABLE_END] = "end", NULL};

#define TABLE_ROW(name_, type_, member)                 \
	.name = name_, .group = "feeds", .type = type_, \
	.offset = offsetof(struct table_options, member)

static const struct option_row table_options[] = {
    {TABLE_ROW("conninfo", OPTION_TEXT, conninfo), .unit = "", .required = true,
	.help = "How to connect to the switch's database, as libpq takes it: "
		"\"service=asterisk\". A password belongs into a passfile."},
    {TABLE_ROW("table", OPTION_TEXT, table), .min = 1, .max = 63, .unit = "",
	.required = true, .help = "The table, as it is spelt in the database."},
    {TABLE_ROW("schema", OPTION_TEXT, schema), .unit = "",
	.help = "Its schema; that of the search path, when not given."},
    {TABLE_ROW("id", OPTION_TEXT, id), .preset = "id", .min = 1, .max = 63,
	.unit = "",
	.help = "The column with the rising number, which should be indexed."},
    {TABLE_ROW("form", OPTION_CHOICE, form), .preset = "queue-log", .unit = "",
	.choices = table_forms,
	.help = "What a row is made into: a line of Asterisk's queue_log, or "
		"values separated by commas."},
    {TABLE_ROW("columns", OPTION_TEXTS, columns), .unit = "",
	.help = "The columns to read, in this order; an empty name is an empty "
		"field. For a queue_log they are found by their usual names."},
    {TABLE_ROW("separator", OPTION_TEXT, separator), .preset = ",", .unit = "",
	.help = "What stands between two values of form \"csv\"."},
    {TABLE_ROW("channel", OPTION_TEXT, channel), .unit = "",
	.help = "A channel to LISTEN on: a notification there tells that there "
		"are new rows, so that nobody waits for poll_s."},
    {TABLE_ROW("start", OPTION_CHOICE, start), .preset = "beginning",
	.unit = "", .choices = table_starts,
	.help = "Where to begin when the feed is read for the first time: with "
		"the first row, or behind the last one."},
    {TABLE_ROW("settle_s", OPTION_SECS, settle_us), .preset = "0", .min = 0,
	.max = 3600, .unit = "s",
	.help = "How long a row must have been there before it is taken. "
		"Needed for a view and on a standby server only, where open "
		"transactions can not be seen."},
    {TABLE_ROW("poll_s", OPTION_SECS, poll_us), .preset = "1", .min = 0.01,
	.max = 3600, .unit = "s", .help = "How often to look for new rows."},
    {TABLE_ROW("batch", OPTION_INT, batch), .preset = "1000", .min = 1,
	.max = 100000, .unit = "rows",
	.help = "How many rows to fetch at a time."},
    {.name = NULL},
};

const struct stage postgres_table_stage = {
    .name = "postgres-table",
    .kind = STAGE_TRANSPORT,
    .traits = STAGE_REPLAYABLE | STAGE_LATE,
    .help = "Reads the rows that a switch writes into a PostgreSQL table.",
    .options = table_options,
    .options_size = sizeof(struct table_options),
    .check = table_check_options,
    .open = table_open,
    .pause = table_pause,
    .position = table_position,
    .status = table_status,
    .close = table_close,
};
