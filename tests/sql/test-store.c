/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store against a real server: run by store.sh, which starts one. Lines
 * of a queue_log go in at one end, rows are asked for at the other.
 */
#include "base/base.h"

#include <setjmp.h>
#include <cmocka.h>
#include <libpq-fe.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "base/zone.h"
#include "format/formats.h"
#include "io/loop.h"
#include "store/inner.h"
#include "store/schema.h"
#include "store/store.h"

#define PATIENCE_US (20 * USEC_PER_SEC)

/* A daemon in small: one switch, one feed, one store. */
struct small {
	struct loop *loop;
	struct timer *late;
	struct tally tally;
	struct machine machine;
	struct intake intake;
	struct store *store;
	struct position position, loaded;
	enum store_state state;
	bool live, ready, finished;
	int resets, commits, visits_loaded;
	char failed[256];
	int until; /* a state; -1: none */
	int until_commits;
	struct store_queue_now now[2]; /* of ctax and help */
	int shown, looks, until_looks;
	struct strbuf callbacks; /* "id+ id ... total" as loaded */
};

static PGconn *db;
static struct loop *loop;

static const char *
test_ask(const char *sql)
{
	static char answer[4096];
	PGresult *res = PQexec(db, sql);

	if (PQresultStatus(res) != PGRES_TUPLES_OK &&
	    PQresultStatus(res) != PGRES_COMMAND_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(db));
	snprintf(answer, sizeof(answer), "%s",
	    PQntuples(res) > 0 ? PQgetvalue(res, 0, 0) : "");
	PQclear(res);
	return answer;
}

static void
small_ended(void *ctx, const struct visit *visit)
{
	struct small *s = ctx;

	store_visit(s->store, "pbx", "log", visit);
}

/* Callers are known by the first digits of their numbers. */
static bool
small_hash(
    void *ctx RT_UNUSED, struct slice number, uint8_t hash[CALL_CALLER_BYTES])
{
	memset(hash, 0, CALL_CALLER_BYTES);
	memcpy(hash, number.p, RT_MIN(number.n, (size_t)CALL_CALLER_BYTES));
	return true;
}

static void
small_span(void *ctx, const struct session_span *span)
{
	struct small *s = ctx;

	store_span(s->store, "pbx", span);
}

static void
small_end(struct small *s)
{
	if (!s->live)
		return;
	intake_fini(&s->intake);
	machine_fini(&s->machine);
	tally_fini(&s->tally);
	s->live = false;
}

static void
small_reset(void *ctx)
{
	struct small *s = ctx;
	struct tally_config tally = {.interval_us = 900 * USEC_PER_SEC,
	    .short_abandon_us = 5 * USEC_PER_SEC,
	    .max_queues = 100,
	    .max_agents = 100};
	struct machine_config machine = {.lost_after_us = 86400 * USEC_PER_SEC,
	    .max_open = 1000,
	    .keep = small_ended,
	    .span = small_span,
	    .hash_caller = small_hash,
	    .ctx = s,
	    .persistent = true};
	struct err err;

	small_end(s);
	tally_init(&s->tally, &tally);
	machine_init(&s->machine, &machine, &s->tally);
	assert_int_equal(
	    intake_init(&s->intake, "log", 0, format_find("asterisk-queue-log"),
		NULL, &s->machine, &err),
	    0);
	s->live = true;
	s->ready = false;
	s->resets++;
	s->visits_loaded = 0;
	memset(&s->loaded, 0, sizeof(s->loaded));
}

static void
small_load_switch(
    void *ctx, const char *name, int64_t clock, int64_t leap, int64_t forgotten)
{
	struct small *s = ctx;

	assert_string_equal(name, "pbx");
	machine_restore_clock(&s->machine, clock, leap, forgotten);
}

static void
small_load_feed(void *ctx, const char *name, const struct store_feed_row *row)
{
	struct small *s = ctx;

	assert_string_equal(name, "log");
	s->loaded = s->position = row->position;
}

static void
small_load_visit(void *ctx, const char *sw RT_UNUSED, const struct visit *like,
    struct slice call_id, struct slice queue, struct slice agent)
{
	struct small *s = ctx;

	machine_restore(&s->machine, like, call_id, queue, agent);
	s->visits_loaded++;
}

static bool
small_load_session(void *ctx, const char *sw RT_UNUSED, struct slice agent,
    struct slice queue, int64_t login_us, int64_t pause_us, int64_t logoff_us,
    struct slice reason)
{
	struct small *s = ctx;

	return sessions_restore(&s->machine.sessions, &s->tally, agent, queue,
	    login_us, pause_us, logoff_us, reason,
	    s->machine.sessions.clock_us);
}

static void
small_ready(void *ctx)
{
	struct small *s = ctx;

	s->ready = true;
}

static void
small_pressure(void *ctx RT_UNUSED, bool on RT_UNUSED)
{
}

static void
small_committed(void *ctx, uint64_t number RT_UNUSED, int64_t lag_us RT_UNUSED)
{
	struct small *s = ctx;

	if (++s->commits == s->until_commits)
		loop_stop(s->loop);
}

static void
small_state(void *ctx, enum store_state state, const char *text RT_UNUSED)
{
	struct small *s = ctx;

	s->state = state;
	if ((int)state == s->until)
		loop_stop(s->loop);
}

static void
small_position(void *ctx, struct position *position)
{
	struct small *s = ctx;

	*position = s->position;
}

static void
small_load_cell(void *ctx RT_UNUSED, const char *sw RT_UNUSED,
    struct slice queue RT_UNUSED, const struct cell *cell RT_UNUSED)
{
}

static void
small_load_heard(void *ctx RT_UNUSED, const char *sw RT_UNUSED,
    struct slice queue RT_UNUSED, int64_t starts_us RT_UNUSED)
{
}

static void
small_load_ended(void *ctx RT_UNUSED, const char *sw RT_UNUSED,
    struct slice queue RT_UNUSED, const struct visit *like RT_UNUSED)
{
}

static void
small_load_since(
    void *ctx RT_UNUSED, int64_t day_us RT_UNUSED, int64_t hour_us RT_UNUSED)
{
}

static void
small_load_callback(void *ctx, const char *sw RT_UNUSED, struct slice queue,
    struct slice call_id, const struct callback *like)
{
	struct small *s = ctx;

	strbuf_addf(&s->callbacks, "%.*s/%.*s", (int)queue.n, queue.p,
	    (int)call_id.n, call_id.p);
	if (like->through_us != 0)
		strbuf_addf(&s->callbacks, "+%" PRId64,
		    (like->through_us - like->ended_us) / USEC_PER_SEC);
	strbuf_addf(&s->callbacks, "%s ", like->has_caller ? "" : "?");
}

static void
small_load_abandoned(void *ctx, const char *sw RT_UNUSED, uint64_t n)
{
	struct small *s = ctx;

	strbuf_addf(&s->callbacks, "of %" PRIu64, n);
}

static void
small_queues(void *ctx, struct store *store)
{
	struct small *s = ctx;

	if (s->shown > 0)
		store_queue_now(store, "pbx", SLICE("ctax"), &s->now[0]);
	if (s->shown > 1)
		store_queue_now(store, "pbx", SLICE("help"), &s->now[1]);
	if (++s->looks == s->until_looks)
		loop_stop(s->loop);
}

static const struct store_ops small_ops = {.reset = small_reset,
    .load_switch = small_load_switch,
    .load_feed = small_load_feed,
    .load_visit = small_load_visit,
    .load_session = small_load_session,
    .ready = small_ready,
    .pressure = small_pressure,
    .queues = small_queues,
    .load_cell = small_load_cell,
    .load_heard = small_load_heard,
    .load_ended = small_load_ended,
    .load_since = small_load_since,
    .load_callback = small_load_callback,
    .load_abandoned = small_load_abandoned,
    .committed = small_committed,
    .state = small_state};

static const char *
small_service(void *ctx RT_UNUSED, const char *queue)
{
	return strcmp(queue, "ctax") == 0 ? "Council Tax" : NULL;
}

static void
small_late(void *ctx RT_UNUSED)
{
	fail_msg("waited in vain");
}

static struct small *
small_new_with(bool queue_live)
{
	struct small *s = mem_zalloc(sizeof(*s));
	struct store_config config = {.conninfo = "",
	    .site = "here",
	    .flush_us = 10 * USEC_PER_MSEC,
	    .keep_visits_days = 36500,
	    .interval_us = 900 * USEC_PER_SEC,
	    .timezone = "Europe/London",
	    .pending_max = 64 << 20,
	    .queue_live = queue_live};
	struct store_switch sw = {"pbx", &s->tally, &s->machine};
	struct store_feed feed = {"log", "pbx", "file", "asterisk-queue-log",
	    &s->intake, small_position, "replayable", false, NULL, s};

	s->loop = loop;
	s->until = -1;
	s->late = timer_new(loop, small_late, s);
	s->store = store_new(loop, &config, &small_ops, s);
	store_add_switch(s->store, &sw);
	store_add_feed(s->store, &feed);
	store_set_services(s->store, small_service, s);
	store_start(s->store);
	return s;
}

static struct small *
small_new(void)
{
	return small_new_with(false);
}

static void
small_free(struct small *s)
{
	store_free(s->store);
	timer_free(s->late);
	small_end(s);
	strbuf_fini(&s->callbacks);
	free(s);
}

static void
small_run(struct small *s)
{
	timer_set(s->late, PATIENCE_US);
	loop_run(loop);
	timer_unset(s->late);
	s->until = -1;
}

static void
small_until(struct small *s, enum store_state state)
{
	if (s->state == state)
		return;
	s->until = (int)state;
	small_run(s);
}

/* Takes lines in and waits for their commit. */
static void
small_commit(struct small *s, const char *lines)
{
	size_t n = strlen(lines);

	s->position.file_no = 1;
	snprintf(s->position.path, sizeof(s->position.path), "/queue_log");
	assert_int_equal(
	    intake_bytes(&s->intake, &s->position, lines, n, false), n);
	s->position.offset += (int64_t)n;
	s->until_commits = s->commits + 1;
	store_touch(s->store);
	small_run(s);
}

static void
small_done(void *ctx, const char *failed)
{
	struct small *s = ctx;

	s->finished = true;
	snprintf(
	    s->failed, sizeof(s->failed), "%s", failed != NULL ? failed : "");
	loop_stop(s->loop);
}

static void
small_finish(struct small *s)
{
	store_finish(s->store, PATIENCE_US, small_done, s);
	small_run(s);
	assert_true(s->finished);
	assert_string_equal(s->failed, "");
}

/* --- the schema ---------------------------------------------------------- */

static int
test_migrate(void **state RT_UNUSED)
{
	struct err err = {""};

	if (schema_migrate("", getenv("RT_SQL"), true, NULL, NULL, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return -1;
	}
	return 0;
}

static void
test_schema(void **state RT_UNUSED)
{
	struct err err = {""};
	bool ok = false;

	assert_int_equal(
	    schema_migrate("", getenv("RT_SQL"), false, NULL, NULL, &err), 0);
	assert_int_equal(schema_check("", &ok, NULL, NULL, &err), 0);
	assert_true(ok);
	test_ask("INSERT INTO ringtally.schema_version VALUES (9999, 'x')");
	assert_int_equal(schema_check("", &ok, NULL, NULL, &err), 0);
	assert_false(ok);
	assert_int_equal(
	    schema_migrate("", getenv("RT_SQL"), false, NULL, NULL, &err), -1);
	test_ask("DELETE FROM ringtally.schema_version WHERE version = 9999");
	assert_int_equal(strtol(test_ask("SELECT max(version) FROM "
					 "ringtally.schema_version"),
			     NULL, 10),
	    SCHEMA_VERSION);
}

/* The column's comment is what the table of measures says. */
static void
test_column(const char *table, const char *column, const char *help)
{
	char sql[256];

	snprintf(sql, sizeof(sql),
	    "SELECT col_description(attrelid, attnum) FROM pg_attribute "
	    "WHERE attrelid = 'ringtally.%s'::regclass AND attname = '%s' "
	    "AND atttypid = 'bigint'::regtype",
	    table, column);
	assert_string_equal(test_ask(sql), help);
}

static void
test_columns(void **state RT_UNUSED)
{
	int i;

	for (i = 0; i < MEASURES; i++) {
		test_column(
		    "queue_tally", measure_rows[i].name, measure_rows[i].help);
		test_column("queue_interval", measure_rows[i].name,
		    measure_rows[i].help);
	}
	for (i = 0; i < AGENT_MEASURES; i++) {
		if (agent_measure_rows[i].kind != MEASURE_KIND_SPAN)
			test_column("agent_tally", agent_measure_rows[i].name,
			    agent_measure_rows[i].help);
		test_column("agent_interval", agent_measure_rows[i].name,
		    agent_measure_rows[i].help);
	}
	for (i = 0; i < COUNTERS; i++) {
		test_column("feed", counter_rows[i].name, counter_rows[i].help);
		test_column("feed_interval", counter_rows[i].name,
		    counter_rows[i].help);
	}
}

/* --- the store ----------------------------------------------------------- */

#define ENTER	 "1795288700|1|ctax|NONE|ENTERQUEUE||0151|1\n"
#define CONNECT	 "1795288710|1|ctax|Ann|CONNECT|10|1.1|2\n"
#define COMPLETE "1795288770|1|ctax|Ann|COMPLETEAGENT|10|60|1\n"

static void
test_life(void **state RT_UNUSED)
{
	struct small *s = small_new();

	small_until(s, STORE_READY);
	assert_int_equal(s->resets, 1);
	small_commit(s, ENTER);
	assert_string_equal(test_ask("SELECT concat_ws(' ', queue, service, "
				     "offered, waiting) "
				     "FROM ringtally.queue_interval"),
	    "ctax Council Tax 1 1");
	small_commit(s, CONNECT);
	small_finish(s);
	small_free(s);

	/* the visit goes on after a restart */
	s = small_new();
	small_until(s, STORE_READY);
	assert_int_equal(s->visits_loaded, 1);
	assert_int_equal(s->loaded.offset, sizeof(ENTER CONNECT) - 1);
	assert_string_equal(s->loaded.path, "/queue_log");
	small_commit(s, COMPLETE);
	assert_string_equal(
	    test_ask("SELECT concat_ws(' ', offered, answered, waiting, "
		     "wait_answered_ms, talk_ms, wait_answered_hist) "
		     "FROM ringtally.queue_interval"),
	    "1 1 0 10000 60000 [10:10]={1}");
	assert_string_equal(
	    test_ask("SELECT concat_ws(' ', call_id, outcome, wait_ms, "
		     "talk_ms, agent, reason, feed, file_no, file_offset) "
		     "FROM ringtally.visits"),
	    "1 answered 10000 60000 Ann COMPLETEAGENT log 1 0");
	small_finish(s);
	small_free(s);
	assert_string_equal(
	    test_ask("SELECT released FROM ringtally.writer"), "t");
}

/* The second one waits for the first, and goes on where it ended. */
static void
test_standby(void **state RT_UNUSED)
{
	struct small *a = small_new(), *b;
	char offset[32];

	small_until(a, STORE_READY);
	b = small_new();
	small_until(b, STORE_STANDBY);
	assert_int_equal(b->resets, 0);
	small_commit(a, "1795288800|2|ctax|NONE|ENTERQUEUE||0151|1\n");
	assert_int_equal(b->state, STORE_STANDBY);
	snprintf(offset, sizeof(offset), "%" PRId64, a->position.offset);
	/* as a process that dies: nothing released */
	small_free(a);
	small_until(b, STORE_READY);
	assert_string_equal(
	    test_ask("SELECT file_offset FROM ringtally.feed"), offset);
	small_commit(b, "1795288805|2|ctax|NONE|ABANDON|1|1|5\n");
	assert_string_equal(
	    test_ask("SELECT concat_ws(' ', sum(offered), sum(abandoned), "
		     "sum(abandoned_short), sum(waiting)) "
		     "FROM ringtally.queue_interval"),
	    "2 1 1 0");
	small_finish(b);
	small_free(b);
}

/* A killed session is no more than a pause. */
static void
test_killed(void **state RT_UNUSED)
{
	struct small *s = small_new();
	char lines[200];
	int i, resets;

	small_until(s, STORE_READY);
	resets = s->resets;
	for (i = 0; i < 10; i++) {
		test_ask("SELECT count(pg_terminate_backend(pid)) "
			 "FROM pg_stat_activity "
			 "WHERE application_name = 'ringtallyd'");
		snprintf(lines, sizeof(lines),
		    "1795288900|k%d|ctax|NONE|ENTERQUEUE||0151|1\n"
		    "1795288905|k%d|ctax|NONE|ABANDON|1|1|5\n",
		    i, i);
		small_commit(s, lines);
	}
	assert_int_equal(s->resets, resets);
	assert_string_equal(
	    test_ask("SELECT concat_ws(' ', count(*), (SELECT sum(abandoned) "
		     "FROM ringtally.queue_interval)) "
		     "FROM ringtally.visit WHERE call_id LIKE 'k%'"),
	    "10 11");
	small_finish(s);
	small_free(s);
}

/* The database is not where we left it: all is read again from there. */
static void
test_rewind(void **state RT_UNUSED)
{
	struct small *s = small_new();
	int resets;

	small_until(s, STORE_READY);
	resets = s->resets;
	test_ask("UPDATE ringtally.writer SET seq = seq - 1");
	s->position.file_no = 1;
	store_touch(s->store);
	s->state = STORE_OFF;
	small_until(s, STORE_READY);
	assert_true(s->resets > resets);
	assert_true(s->ready);
	small_commit(s, "1795289000|4|ctax|NONE|ENTERQUEUE||0151|1\n");
	small_finish(s);
	small_free(s);
}

/* What an operator must mend is said, and mended without a restart. */
static void
test_broken(void **state RT_UNUSED)
{
	struct small *s;

	test_ask("INSERT INTO ringtally.schema_version VALUES (9999, 'x')");
	s = small_new();
	small_until(s, STORE_BROKEN);
	assert_int_equal(s->resets, 0);
	test_ask("DELETE FROM ringtally.schema_version WHERE version = 9999");
	small_until(s, STORE_READY);
	small_finish(s);
	small_free(s);
}

/* --- the present second -------------------------------------------------- */

#define ROWS                                                          \
	"SELECT coalesce(string_agg(concat_ws(' ', queue, service, "  \
	"waiting, round(longest_wait_s / 10), agents_free, offered, " \
	"answered, within_s, answered_within, sl_offered_pct, "       \
	"abandoned_pct), ', ' ORDER BY queue), 'none') "              \
	"FROM ringtally.queue_live WHERE age_s BETWEEN 0 AND 8"

/* Touches the store until the question has that answer. */
static void
small_until_answer(struct small *s, const char *sql, const char *want)
{
	int i;

	for (i = 0; i < 12 && strcmp(test_ask(sql), want) != 0; i++) {
		store_touch(s->store);
		s->until_looks = s->looks + 1;
		small_run(s);
		/* the script of that look goes out behind it */
		s->until_commits = s->commits + 1;
		store_touch(s->store);
		small_run(s);
	}
	assert_string_equal(test_ask(sql), want);
}

static void
test_queue_live(void **state RT_UNUSED)
{
	struct small *s = small_new_with(true);
	char updated[64];

	small_until(s, STORE_READY);
	s->shown = 2;
	s->now[0] = (struct store_queue_now){.waiting = 1,
	    .waiting_since_us = clock_wall_us() - 40 * USEC_PER_SEC,
	    .today_us = clock_wall_us() - 3600 * USEC_PER_SEC,
	    .offered = 3,
	    .answered = 2,
	    .within_s = 20,
	    .answered_within = 2,
	    .free = 7};
	s->now[1].within_s = 15;
	small_until_answer(s, ROWS,
	    "ctax Council Tax 1 4 7 3 2 20 2 66.7 0.0, help 0 0 0 0 15 0");
	snprintf(updated, sizeof(updated), "%s",
	    test_ask("SELECT updated_at FROM ringtally.queue_live "
		     "WHERE queue = 'help'"));
	/* only what changed is written */
	s->now[0].waiting = 0;
	small_until_answer(s, ROWS,
	    "ctax Council Tax 0 7 3 2 20 2 66.7 0.0, help 0 0 0 0 15 0");
	assert_string_equal(test_ask("SELECT updated_at FROM "
				     "ringtally.queue_live "
				     "WHERE queue = 'help'"),
	    updated);
	/* a queue that is shown no more */
	s->shown = 1;
	small_until_answer(s, ROWS, "ctax Council Tax 0 7 3 2 20 2 66.7 0.0");
	/* a row that the server lost with its crash */
	test_ask("TRUNCATE ringtally.queue_live_state");
	test_ask("SELECT count(pg_terminate_backend(pid)) "
		 "FROM pg_stat_activity "
		 "WHERE application_name = 'ringtallyd'");
	small_until_answer(s, ROWS, "ctax Council Tax 0 7 3 2 20 2 66.7 0.0");
	small_finish(s);
	small_free(s);
	/* who does not write leaves what it finds, and it is seen to be old */
	test_ask("UPDATE ringtally.queue_live_state "
		 "SET updated_at = now() - interval '1 hour'");
	s = small_new();
	small_until(s, STORE_READY);
	small_finish(s);
	assert_int_equal(s->looks, 0);
	small_free(s);
	assert_string_equal(
	    test_ask("SELECT age_s > 3590 FROM ringtally.queue_live"), "t");
}

/* Somebody holds the table: batches go on, and later it goes on too. */
static void
test_queue_live_locked(void **state RT_UNUSED)
{
	struct small *s = small_new_with(true);
	int looks;

	small_until(s, STORE_READY);
	s->shown = 1;
	s->now[0].offered = 1;
	test_ask("BEGIN");
	test_ask("LOCK TABLE ringtally.queue_live_state");
	store_touch(s->store);
	s->until_looks = s->looks + 1;
	small_run(s);
	looks = s->looks;
	small_commit(s, "1795289100|5|ctax|NONE|ENTERQUEUE||0151|1\n");
	small_commit(s, "1795289105|5|ctax|NONE|ABANDON|1|1|5\n");
	test_ask("COMMIT");
	assert_int_equal(s->state, STORE_READY);
	/* and it is not tried again and again */
	assert_int_equal(s->looks, looks);
	small_finish(s);
	small_free(s);
}

/* --- who is to be rung back ---------------------------------------------- */

/*
 * Loaded as tally/callback.h tells it live: answers at or after the abandon, of
 * any queue and whether or not they go on, and only of the same caller. `at`:
 * seconds after noon of today.
 */
static const struct {
	int at;
	const char *line;
} callback_lines[] = {
    {0, "c1|ctax|NONE|ENTERQUEUE||0151111|1"},
    {10, "c1|ctax|NONE|ABANDON|1|1|10"},
    {11, "c2|ctax|NONE|ENTERQUEUE||0151222|1"},
    {20, "c2|ctax|NONE|ABANDON|1|1|9"},
    {21, "c3|ctax|NONE|ENTERQUEUE|||1"},
    {25, "c3|ctax|NONE|ABANDON|1|1|4"},
    /* the first has been answered before, in vain; and twice later */
    {30, "c4|help|NONE|ENTERQUEUE||0151111|1"},
    {35, "c4|help|Jo|CONNECT|5|x.1|2"},
    {40, "c4|help|Jo|COMPLETEAGENT|5|5|1"},
    {50, "c5|help|NONE|ENTERQUEUE||0151111|1"},
    {52, "c5|help|Jo|CONNECT|2|x.2|2"},
    {55, "c5|help|Jo|COMPLETEAGENT|2|3|1"},
    /* gives up, is answered in that second, gives up again */
    {60, "c6|ctax|NONE|ENTERQUEUE||0151333|1"},
    {66, "c6|ctax|NONE|ABANDON|1|1|6"},
    {64, "c7|ctax|NONE|ENTERQUEUE||0151333|1"},
    {66, "c7|ctax|Al|CONNECT|2|x.3|2"},
    {67, "c7|ctax|Al|COMPLETEAGENT|2|1|1"},
    {68, "c8|ctax|NONE|ENTERQUEUE||0151333|1"},
    {70, "c8|ctax|NONE|ABANDON|1|1|2"},
    /* in conversation still */
    {71, "c9|ctax|NONE|ENTERQUEUE||0151222|1"},
    {75, "c9|ctax|Al|CONNECT|4|x.4|2"},
    /* who waits has not been through */
    {80, "c10|ctax|NONE|ENTERQUEUE||0151333|1"},
};

static void
test_callbacks(void **state RT_UNUSED)
{
	struct strbuf lines = STRBUF_INIT;
	int64_t noon_s;
	struct small *s;
	size_t i;

	zone_set("Europe/London");
	noon_s = zone_day_start(clock_wall_us()) / USEC_PER_SEC + 12 * 3600;
	for (i = 0; i < RT_COUNT(callback_lines); i++)
		strbuf_addf(&lines, "%" PRId64 "|%s\n",
		    noon_s + callback_lines[i].at, callback_lines[i].line);
	test_ask("DELETE FROM ringtally.visit");
	test_ask("DELETE FROM ringtally.open_visit");
	test_ask("DELETE FROM ringtally.queue_tally");
	s = small_new();
	small_until(s, STORE_READY);
	assert_string_equal(strbuf_str(&s->callbacks), "");
	small_commit(s, strbuf_str(&lines));
	small_free(s);
	s = small_new();
	small_until(s, STORE_READY);
	assert_string_equal(strbuf_str(&s->callbacks),
	    "ctax/c1+25 ctax/c2+55 ctax/c3? ctax/c6+0 ctax/c8 of 5");
	small_finish(s);
	small_free(s);
	strbuf_fini(&lines);
}

/* Who is the writer no more writes no rows. */
static void
test_queue_live_fenced(void **state RT_UNUSED)
{
	struct small *s = small_new_with(true);
	int resets;

	small_until(s, STORE_READY);
	resets = s->resets;
	s->shown = 1;
	s->now[0].offered = 41;
	small_until_answer(
	    s, "SELECT offered FROM ringtally.queue_live_state", "41");
	test_ask("UPDATE ringtally.writer SET instance = 'another', "
		 "holder = 'another', released = false, locked = false, "
		 "renewed_at = now()");
	s->now[0].offered = 42;
	queue_live_touch(s->store->queue_live);
	s->until_looks = s->looks + 1;
	small_run(s);
	/* it finds out by itself when its lease is to be renewed */
	small_until(s, STORE_STANDBY);
	assert_string_equal(
	    test_ask("SELECT offered FROM ringtally.queue_live_state"), "41");
	test_ask("UPDATE ringtally.writer SET released = true");
	small_until(s, STORE_READY);
	assert_true(s->resets > resets);
	small_until_answer(
	    s, "SELECT offered FROM ringtally.queue_live_state", "42");
	small_finish(s);
	small_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_schema),
	    cmocka_unit_test(test_columns),
	    cmocka_unit_test(test_life),
	    cmocka_unit_test(test_standby),
	    cmocka_unit_test(test_killed),
	    cmocka_unit_test(test_rewind),
	    cmocka_unit_test(test_broken),
	    cmocka_unit_test(test_callbacks),
	    cmocka_unit_test(test_queue_live),
	    cmocka_unit_test(test_queue_live_locked),
	    cmocka_unit_test(test_queue_live_fenced),
	};
	struct err err;
	int failed;

	if (getenv("RT_SQL") == NULL) {
		printf("1..0 # SKIP run by tests/sql/store.sh\n");
		return 77;
	}
	log_set_level(LOG_LEVEL_ERROR);
	db = PQconnectdb("");
	loop = loop_new(&err);
	if (loop == NULL || PQstatus(db) != CONNECTION_OK)
		return 1;
	failed = cmocka_run_group_tests(tests, test_migrate, NULL);
	PQfinish(db);
	loop_free(loop);
	return failed;
}
