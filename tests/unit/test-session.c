/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Agents' sessions against the rules of tally/session.h: each rule by hand,
 * and all of them at once against a model that knows no restarts and cuts its
 * spans by itself.
 */
#include "base/base.h"
#include "base/utc.h"
#include "tally/session.h"
#include <setjmp.h>
#include <cmocka.h>

#define SEC	 USEC_PER_SEC
#define MIN	 (60 * SEC)
#define HOUR	 (3600 * SEC)
#define DAY	 (24 * HOUR)
#define INTERVAL (15 * MIN)
#define NINE	 (INT64_C(1325408400) * SEC) /* 2012-01-01 09:00 UTC */

/* A switch: its tally, its sessions, its clock. */
struct world {
	struct tally tally;
	struct sessions sessions;
	struct agent *jo;
	struct queue *sales;
	int spans; /* told */
	struct session_span last;
	char reason[64]; /* of the last one */
};

/* As ringtally tally does; so that cells hold what has ended. */
static void
world_span(void *ctx, const struct session_span *span)
{
	struct world *w = ctx;

	assert_true(span->from_us < span->to_us);
	w->spans++;
	w->last = *span;
	snprintf(w->reason, sizeof(w->reason), "%s", span->reason);
	session_span_book(&w->tally, span);
}

static int
world_setup(void **state)
{
	const struct tally_config config = {
	    .interval_us = INTERVAL, .max_queues = 100, .max_agents = 100};
	struct world *w = mem_zalloc(sizeof(*w));

	tally_init(&w->tally, &config);
	sessions_init(&w->sessions, world_span, w);
	w->jo = tally_agent(&w->tally, SLICE("Jo"));
	w->sales = tally_queue(&w->tally, SLICE("sales"));
	*state = w;
	return 0;
}

static int
world_teardown(void **state)
{
	struct world *w = *state;

	sessions_fini(&w->sessions);
	tally_fini(&w->tally);
	free(w);
	return 0;
}

static void
world_event(struct world *w, struct queue *queue, const struct event *ev)
{
	sessions_clock(&w->sessions, ev->time_us);
	sessions_event(&w->sessions, w->jo, queue, ev);
}

static void
happens(
    struct world *w, enum event_kind kind, struct queue *queue, int64_t t_us)
{
	const struct event ev = {
	    .kind = kind, .time_us = t_us, .session_ms = EVENT_UNKNOWN_MS};

	world_event(w, queue, &ev);
}

static void
logs_off(struct world *w, int64_t t_us, int64_t session_s)
{
	const struct event ev = {.kind = EVENT_LOGOFF,
	    .time_us = t_us,
	    .session_ms = session_s * 1000};

	world_event(w, NULL, &ev);
}

static void
pauses(struct world *w, int64_t t_us, const char *reason)
{
	const struct event ev = {.kind = EVENT_PAUSE,
	    .time_us = t_us,
	    .text = slice_of(reason),
	    .session_ms = EVENT_UNKNOWN_MS};

	world_event(w, NULL, &ev);
}

/* Jo's seconds in [from, from + length); both on borders. */
static double
seconds(struct world *w, struct queue *queue, enum agent_measure m,
    int64_t from_us, int64_t length_us)
{
	int64_t t_us, sum = 0;

	for (t_us = from_us; t_us < from_us + length_us; t_us += INTERVAL)
		sum += tally_agent_cell(&w->tally, w->jo, queue, t_us)->v[m];
	return (double)sum / 1000;
}

static double
login_s(struct world *w, int64_t from_us, int64_t length_us)
{
	return seconds(w, NULL, AGENT_login_ms, from_us, length_us);
}

static double
pause_s(struct world *w, int64_t from_us, int64_t length_us)
{
	return seconds(w, NULL, AGENT_pause_ms, from_us, length_us);
}

struct running {
	const struct queue *queue;
	enum session_kind kind;
	int64_t us;
};

static void
running_span(void *ctx, const struct session_span *span)
{
	struct running *running = ctx;

	if (span->queue == running->queue && span->kind == running->kind)
		running->us += span->to_us - span->from_us;
}

/* Seconds of what has not ended. */
static double
running_s(struct world *w, const struct queue *queue, enum session_kind kind)
{
	struct running running = {queue, kind, 0};

	sessions_running(&w->sessions, running_span, &running);
	return (double)running.us / (double)SEC;
}

#define assert_seconds(got, want) assert_float_equal(got, want, 0.0001)

/* What a store would hold after sessions_take. */
struct row {
	struct agent *agent;
	struct queue *queue;
	int64_t login_us, pause_us, logoff_us;
	char reason[64];
	bool used;
};

struct rows {
	struct row v[64];
	int told; /* calls of the last take */
};

static void
rows_take(void *ctx, const struct agent_session *session)
{
	struct rows *rows = ctx;
	struct row *row = NULL;
	size_t i;

	rows->told++;
	for (i = 0; i < RT_COUNT(rows->v); i++) {
		struct row *r = &rows->v[i];

		if (r->used && r->agent == session->agent &&
		    r->queue == session->queue) {
			row = r;
			break;
		}
		if (!r->used && row == NULL)
			row = r;
	}
	assert_non_null(row);
	*row = (struct row){.agent = session->agent,
	    .queue = session->queue,
	    .login_us = session->login_us,
	    .pause_us = session->pause_us,
	    .logoff_us = session->logoff_us,
	    .used = !session_is_over(session)};
	memcpy(row->reason, session->reason, sizeof(row->reason));
	assert_int_equal(session->logged_in, session->login_us != 0);
	assert_int_equal(session->paused, session->pause_us != 0);
}

static int
rows_cut(struct rows *rows, struct sessions *s)
{
	rows->told = 0;
	sessions_take(s, rows_take, rows);
	return rows->told;
}

/* Stops and starts again from what is stored. */
static void
rows_restart(struct rows *rows, struct sessions *s, struct tally *tally)
{
	session_span_fn span_fn = s->span_fn;
	int64_t clock_us = s->clock_us;
	void *ctx = s->ctx;
	size_t i;

	rows_cut(rows, s);
	sessions_fini(s);
	sessions_init(s, span_fn, ctx);
	if (clock_us != 0)
		sessions_clock(s, clock_us);
	for (i = 0; i < RT_COUNT(rows->v); i++) {
		struct row *r = &rows->v[i];

		if (r->used)
			assert_true(sessions_restore(s, tally,
			    slice_of(r->agent->name),
			    slice_of(r->queue != NULL ? r->queue->name : ""),
			    r->login_us, r->pause_us, r->logoff_us,
			    slice_of(r->reason), clock_us));
	}
	assert_true(TAILQ_EMPTY(&s->changed));
}

static void
test_login_within_an_interval(void **state)
{
	struct world *w = *state;

	happens(w, EVENT_LOGIN, NULL, NINE + 60 * SEC);
	assert_seconds(login_s(w, NINE, HOUR), 0); /* it has not ended */
	happens(w, EVENT_LOGOFF, NULL, NINE + 66 * SEC);
	assert_seconds(login_s(w, NINE, HOUR), 6);
	happens(w, EVENT_LOGIN, NULL, NINE + 120 * SEC);
	happens(w, EVENT_LOGOFF, NULL, NINE + 150 * SEC);
	assert_seconds(login_s(w, NINE, HOUR), 36);
}

static void
test_what_runs_is_told_up_to_the_clock(void **state)
{
	struct world *w = *state;

	happens(w, EVENT_LOGIN, NULL, NINE + 50 * MIN);
	assert_seconds(running_s(w, NULL, SESSION_LOGIN), 0);
	sessions_clock(&w->sessions, NINE + HOUR - 1);
	assert_seconds(running_s(w, NULL, SESSION_LOGIN), 599.999999);
	sessions_clock(&w->sessions, NINE + 3 * HOUR + 7 * MIN);
	assert_seconds(running_s(w, NULL, SESSION_LOGIN), 137 * 60);
	assert_seconds(running_s(w, NULL, SESSION_PAUSE), 0);
	/* the clock does not go back */
	sessions_clock(&w->sessions, NINE);
	assert_int_equal(w->sessions.clock_us, NINE + 3 * HOUR + 7 * MIN);
	/* a begin ahead of the clock has not come yet */
	sessions_event(&w->sessions, w->jo, w->sales,
	    &(struct event){.kind = EVENT_PAUSE, .time_us = NINE + 4 * HOUR});
	assert_seconds(running_s(w, w->sales, SESSION_PAUSE), 0);
	/* nothing of this was an end */
	assert_int_equal(w->spans, 0);
	happens(w, EVENT_LOGOFF, NULL, NINE + 3 * HOUR + 8 * MIN);
	assert_seconds(running_s(w, NULL, SESSION_LOGIN), 0);
	assert_int_equal(w->spans, 1);
	assert_seconds(login_s(w, NINE, HOUR), 600);
	assert_seconds(login_s(w, NINE + HOUR, HOUR), 3600);
	assert_seconds(login_s(w, NINE + 2 * HOUR, HOUR), 3600);
	assert_seconds(login_s(w, NINE + 3 * HOUR, HOUR), 480);
}

static void
test_a_span_is_told_once(void **state)
{
	struct world *w = *state;

	happens(w, EVENT_LOGIN, w->sales, NINE);
	pauses(w, NINE + MIN, "tea");
	pauses(w, NINE + 2 * MIN, "lunch");
	assert_int_equal(w->spans, 0);
	happens(w, EVENT_LOGOFF, NULL, NINE + 3 * MIN);
	assert_int_equal(w->spans, 1);
	assert_ptr_equal(w->last.agent, w->jo);
	assert_null(w->last.queue);
	assert_int_equal(w->last.kind, SESSION_PAUSE);
	assert_string_equal(w->reason, "lunch");
	assert_true(w->last.from_us == NINE + MIN);
	assert_true(w->last.to_us == NINE + 3 * MIN);
	happens(w, EVENT_LOGOFF, w->sales, NINE + HOUR);
	assert_int_equal(w->spans, 2);
	assert_ptr_equal(w->last.queue, w->sales);
	assert_int_equal(w->last.kind, SESSION_LOGIN);
	assert_string_equal(w->reason, "");
	assert_true(w->last.from_us == NINE);
	assert_true(w->last.to_us == NINE + HOUR);
	happens(w, EVENT_LOGOFF, w->sales, NINE + HOUR);
	happens(w, EVENT_UNPAUSE, NULL, NINE + HOUR);
	assert_int_equal(w->spans, 2);
	/* of no length */
	happens(w, EVENT_LOGIN, w->sales, NINE + HOUR);
	happens(w, EVENT_LOGOFF, w->sales, NINE + HOUR);
	assert_int_equal(w->spans, 2);
}

/* A member of a queue for a year: each interval has its share. */
static void
test_login_over_months(void **state)
{
	struct world *w = *state;
	int day;

	happens(w, EVENT_LOGIN, w->sales, NINE);
	for (day = 1; day < 365; day += 6)
		sessions_clock(&w->sessions, NINE + day * DAY);
	happens(w, EVENT_LOGOFF, w->sales, NINE + 365 * DAY);
	assert_int_equal(w->spans, 1);
	for (day = 0; day < 365; day++)
		assert_seconds(
		    seconds(w, w->sales, AGENT_login_ms, NINE + day * DAY, DAY),
		    86400);
	assert_int_equal(w->tally.n_agent_cells, 365 * 96);
}

static void
test_login_before_the_hour_logout_within(void **state)
{
	struct world *w = *state;

	happens(w, EVENT_LOGIN, NULL, NINE - 10 * MIN + 999999);
	logs_off(w, NINE + 66 * SEC, 665);
	happens(w, EVENT_LOGIN, NULL, NINE + 120 * SEC);
	logs_off(w, NINE + 150 * SEC, 30);
	assert_seconds(login_s(w, NINE - HOUR, HOUR), 599.001);
	assert_seconds(login_s(w, NINE, HOUR), 96);
	assert_seconds(login_s(w, NINE + HOUR, HOUR), 0);
}

static void
test_pause_said_again(void **state)
{
	static const struct {
		enum event_kind kind;
		int h, m, s;
	} log[] = {
	    {EVENT_UNPAUSE, 8, 41, 9},
	    {EVENT_PAUSE, 8, 41, 30},
	    {EVENT_UNPAUSE, 8, 46, 38},
	    {EVENT_PAUSE, 8, 47, 16},
	    {EVENT_PAUSE, 8, 47, 17},
	    {EVENT_PAUSE, 8, 48, 45},
	    {EVENT_UNPAUSE, 8, 50, 46},
	    {EVENT_UNPAUSE, 8, 50, 59},
	    {EVENT_UNPAUSE, 8, 54, 9},
	    {EVENT_PAUSE, 9, 41, 10},
	    {EVENT_UNPAUSE, 10, 46, 0},
	};
	struct world *w = *state;
	size_t i;

	for (i = 0; i < RT_COUNT(log); i++)
		happens(w, log[i].kind, NULL,
		    NINE + (log[i].h - 9) * HOUR + log[i].m * MIN +
			log[i].s * SEC);
	assert_seconds(pause_s(w, NINE - HOUR, HOUR), 518);
	assert_seconds(pause_s(w, NINE, HOUR), 1130);
	assert_seconds(pause_s(w, NINE + HOUR, HOUR), 2760);
	assert_seconds(login_s(w, NINE - HOUR, 3 * HOUR), 0);
}

static void
test_pause_reason(void **state)
{
	struct rows rows = {0};
	struct world *w = *state;

	pauses(w, NINE, "lunch");
	assert_int_equal(rows_cut(&rows, &w->sessions), 1);
	assert_string_equal(rows.v[0].reason, "lunch");
	pauses(w, NINE + MIN, "lunch");
	assert_int_equal(rows_cut(&rows, &w->sessions), 0);
	pauses(w, NINE + MIN, "Pauze \xe2\x80\x93 th\xe9");
	assert_int_equal(rows_cut(&rows, &w->sessions), 1);
	assert_string_equal(rows.v[0].reason, "Pauze \xe2\x80\x93 th\xc3\xa9");
	assert_true(rows.v[0].pause_us == NINE);
	/* cut at a whole character, and the same again after a restart */
	pauses(w, NINE + MIN,
	    "62 bytes and then one of two: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "\xc3\xa9");
	rows_cut(&rows, &w->sessions);
	assert_int_equal(strlen(rows.v[0].reason), 62);
	rows_restart(&rows, &w->sessions, &w->tally);
	assert_string_equal(w->jo->sessions->reason, rows.v[0].reason);
	happens(w, EVENT_UNPAUSE, NULL, NINE + 2 * MIN);
	rows_cut(&rows, &w->sessions);
	assert_false(rows.v[0].used);
	assert_seconds(pause_s(w, NINE, HOUR), 120);
}

static void
test_queue_and_whole_are_apart(void **state)
{
	struct world *w = *state;
	struct queue *rents = tally_queue(&w->tally, SLICE("rents"));

	happens(w, EVENT_LOGIN, NULL, NINE);
	happens(w, EVENT_LOGIN, w->sales, NINE + MIN);
	happens(w, EVENT_LOGIN, rents, NINE + 2 * MIN);
	happens(w, EVENT_PAUSE, NULL, NINE + 3 * MIN);
	happens(w, EVENT_PAUSE, w->sales, NINE + 4 * MIN);
	happens(w, EVENT_UNPAUSE, w->sales, NINE + 5 * MIN);
	happens(w, EVENT_PAUSE, rents, NINE + 5 * MIN);
	/* out of the queue: its pause is over, no other one */
	happens(w, EVENT_LOGOFF, rents, NINE + 7 * MIN);
	/* the agent as a whole: the same */
	happens(w, EVENT_LOGOFF, NULL, NINE + 9 * MIN);
	happens(w, EVENT_LOGOFF, w->sales, NINE + 10 * MIN);
	assert_seconds(login_s(w, NINE, HOUR), 540);
	assert_seconds(pause_s(w, NINE, HOUR), 360);
	assert_seconds(seconds(w, w->sales, AGENT_login_ms, NINE, HOUR), 540);
	assert_seconds(seconds(w, w->sales, AGENT_pause_ms, NINE, HOUR), 60);
	assert_seconds(seconds(w, rents, AGENT_login_ms, NINE, HOUR), 300);
	assert_seconds(seconds(w, rents, AGENT_pause_ms, NINE, HOUR), 120);
}

static void
test_logoff_ends_pause_without_login(void **state)
{
	struct world *w = *state;

	happens(w, EVENT_PAUSE, w->sales, NINE);
	happens(w, EVENT_LOGOFF, w->sales, NINE + MIN);
	happens(w, EVENT_UNPAUSE, w->sales, NINE + 2 * MIN);
	assert_seconds(seconds(w, w->sales, AGENT_pause_ms, NINE, HOUR), 60);
	assert_seconds(seconds(w, w->sales, AGENT_login_ms, NINE, HOUR), 0);
}

static void
test_logoff_tells_a_login_not_seen(void **state)
{
	struct world *w = *state;

	logs_off(w, NINE + MIN, 300);
	assert_seconds(login_s(w, NINE - HOUR, HOUR), 240);
	assert_seconds(login_s(w, NINE, HOUR), 60);
	/* told twice: the same time is not booked twice */
	logs_off(w, NINE + MIN, 300);
	logs_off(w, NINE + MIN, 30);
	assert_seconds(login_s(w, NINE - HOUR, 2 * HOUR), 300);
	logs_off(w, NINE + 2 * MIN, 360);
	assert_seconds(login_s(w, NINE - HOUR, 2 * HOUR), 360);
	/* nothing told, nothing known */
	happens(w, EVENT_LOGOFF, NULL, NINE + 10 * MIN);
	logs_off(w, NINE + 11 * MIN, 0);
	assert_seconds(login_s(w, NINE - HOUR, 2 * HOUR), 360);
}

static void
test_logoff_twice(void **state)
{
	struct rows rows = {0};
	struct world *w = *state;

	happens(w, EVENT_LOGIN, NULL, NINE);
	logs_off(w, NINE + HOUR, 3600);
	rows_restart(&rows, &w->sessions, &w->tally);
	logs_off(w, NINE + HOUR + MIN, 3660);
	assert_seconds(login_s(w, NINE, 2 * HOUR), 3660);
}

static void
test_logoff_told_beyond_belief(void **state)
{
	struct world *w = *state;

	logs_off(w, NINE, NINE / SEC);		   /* since 1970 */
	logs_off(w, NINE + MIN, INT64_MAX / 1000); /* nor an overflow */
	logs_off(w, NINE + MIN, 7 * 86400 + 1);
	assert_int_equal(w->tally.n_agent_cells, 0);
	logs_off(w, NINE + MIN, 7 * 86400 - 60);
	assert_seconds(
	    login_s(w, NINE - 7 * DAY, 7 * DAY + HOUR), 7 * 86400 - 60);
}

static void
test_restart_of_the_switch(void **state)
{
	struct world *w = *state;
	struct event late = {.kind = EVENT_LOGOFF, .session_ms = 7200000};

	happens(w, EVENT_LOGIN, NULL, NINE);
	happens(w, EVENT_PAUSE, NULL, NINE + 10 * MIN);
	happens(w, EVENT_LOGIN, w->sales, NINE);
	happens(w, EVENT_PAUSE, w->sales, NINE + 10 * MIN);
	sessions_clock(&w->sessions, NINE + HOUR);
	sessions_restart(&w->sessions, NINE + HOUR);
	assert_seconds(login_s(w, NINE, 3 * HOUR), 3600);
	assert_seconds(pause_s(w, NINE, 3 * HOUR), 3000);
	/* a persistent agent, whose login the switch remembers */
	late.time_us = NINE + 2 * HOUR;
	world_event(w, NULL, &late);
	assert_seconds(login_s(w, NINE, 3 * HOUR), 7200);
	/* members stay, paused too */
	happens(w, EVENT_LOGOFF, w->sales, NINE + 2 * HOUR);
	assert_seconds(
	    seconds(w, w->sales, AGENT_login_ms, NINE, 3 * HOUR), 7200);
	assert_seconds(
	    seconds(w, w->sales, AGENT_pause_ms, NINE, 3 * HOUR), 6600);
}

static void
test_restart_leaves_a_pause_without_login(void **state)
{
	struct world *w = *state;

	happens(w, EVENT_PAUSE, NULL, NINE);
	sessions_restart(&w->sessions, NINE + MIN);
	happens(w, EVENT_UNPAUSE, NULL, NINE + 2 * MIN);
	assert_seconds(pause_s(w, NINE, HOUR), 120);
}

static void
test_late_events(void **state)
{
	struct world *w = *state;

	happens(w, EVENT_LOGIN, NULL, NINE);
	happens(w, EVENT_PAUSE, NULL, NINE + 5 * MIN);
	sessions_clock(&w->sessions, NINE + HOUR + MIN);
	assert_seconds(running_s(w, NULL, SESSION_LOGIN), 3660);
	happens(w, EVENT_LOGOFF, NULL, NINE + 20 * MIN);
	assert_seconds(running_s(w, NULL, SESSION_LOGIN), 0);
	assert_seconds(login_s(w, NINE, 2 * HOUR), 1200);
	assert_seconds(login_s(w, NINE + 15 * MIN, INTERVAL), 300);
	assert_seconds(login_s(w, NINE + 30 * MIN, INTERVAL), 0);
	assert_seconds(pause_s(w, NINE, 2 * HOUR), 900);
	happens(w, EVENT_LOGIN, NULL, NINE + 40 * MIN);
	assert_seconds(running_s(w, NULL, SESSION_LOGIN), 1260);
	/* an end before its begin: no length, but logged off */
	happens(w, EVENT_LOGOFF, NULL, NINE + 30 * MIN);
	assert_int_equal(w->spans, 2);
	sessions_clock(&w->sessions, NINE + 2 * HOUR);
	assert_seconds(running_s(w, NULL, SESSION_LOGIN), 0);
	assert_seconds(login_s(w, NINE, 2 * HOUR), 1200);
}

static void
test_logins_and_logoffs_out_of_order(void **state)
{
	struct world *w = *state;

	happens(w, EVENT_LOGIN, NULL, NINE + 30 * SEC);
	happens(w, EVENT_LOGIN, NULL, NINE + 20 * MIN);
	logs_off(w, NINE + 643 * SEC, 613);
	logs_off(w, NINE + 40 * MIN, 1200);
	assert_seconds(login_s(w, NINE, INTERVAL), 613);
	assert_seconds(login_s(w, NINE + 15 * MIN, INTERVAL), 600);
	assert_seconds(login_s(w, NINE + 30 * MIN, INTERVAL), 600);
}

static void
test_silence(void **state)
{
	struct world *w = *state;
	int64_t last = NINE + HOUR + MIN, again = last + SESSION_GAP_US + 1;

	happens(w, EVENT_LOGIN, NULL, NINE);
	happens(w, EVENT_LOGIN, w->sales, NINE);
	happens(w, EVENT_PAUSE, w->sales, NINE);
	sessions_clock(&w->sessions, last);
	/* its first word again, which the clock does not follow yet */
	sessions_event(&w->sessions, w->jo, NULL,
	    &(struct event){.kind = EVENT_PAUSE, .time_us = again});
	sessions_clock(&w->sessions, again);
	assert_seconds(login_s(w, NINE, 9 * DAY), 3660);
	assert_seconds(
	    seconds(w, w->sales, AGENT_login_ms, NINE, 9 * DAY), 3660);
	assert_seconds(
	    seconds(w, w->sales, AGENT_pause_ms, NINE, 9 * DAY), 3660);
	happens(w, EVENT_UNPAUSE, NULL, again + MIN);
	assert_seconds(pause_s(w, NINE, 9 * DAY), 60);
	/* seconds that would reach over the silence are not believed */
	logs_off(w, again + 2 * MIN, SESSION_GAP_US / SEC);
	assert_seconds(login_s(w, NINE, 9 * DAY), 3660);
}

static void
test_silence_of_a_week_is_none(void **state)
{
	struct world *w = *state;

	happens(w, EVENT_LOGIN, NULL, NINE);
	happens(w, EVENT_LOGOFF, NULL, NINE + SESSION_GAP_US);
	assert_seconds(login_s(w, NINE, 8 * DAY), 7 * 86400);
}

static void
test_broken_times_cost_little(void **state)
{
	struct world *w = *state;
	const struct event ancient = {.kind = EVENT_LOGIN, .time_us = 0};
	const struct event far = {.kind = EVENT_LOGOFF,
	    .time_us = NINE + 30000 * DAY,
	    .session_ms = 60000};

	sessions_clock(&w->sessions, NINE + MIN);
	sessions_event(&w->sessions, w->jo, NULL, &ancient);
	sessions_clock(&w->sessions, NINE + 2 * MIN);
	sessions_event(&w->sessions, w->jo, NULL, &far);
	assert_seconds(login_s(w, NINE, HOUR), 60);
	assert_int_equal(w->tally.n_agent_cells, 4); /* the hour looked at */
	/* not logged in now, and an end of no time tells no begin */
	sessions_event(&w->sessions, w->jo, NULL, &far);
	assert_seconds(login_s(w, NINE, HOUR), 60);
}

/* The very first event is not believed until the next one. */
static void
test_broken_first_time(void **state)
{
	struct world *w = *state;
	const struct event ancient = {.kind = EVENT_LOGIN, .time_us = 1};

	sessions_event(&w->sessions, w->jo, NULL, &ancient);
	sessions_clock(&w->sessions, NINE);
	assert_int_equal(w->tally.n_agent_cells, 0);
	happens(w, EVENT_LOGOFF, NULL, NINE + MIN);
	assert_int_equal(w->tally.n_agent_cells, 0);
}

static void
test_taking(void **state)
{
	struct rows rows = {0};
	struct world *w = *state;
	struct sessions *s = &w->sessions;

	happens(w, EVENT_LOGIN, w->sales, NINE);
	assert_int_equal(rows_cut(&rows, s), 1);
	assert_true(rows.v[0].used);
	assert_true(rows.v[0].login_us == NINE);
	/* time passing is no change, saying it again neither */
	sessions_clock(s, NINE + HOUR);
	happens(w, EVENT_LOGIN, w->sales, NINE + HOUR);
	assert_int_equal(rows_cut(&rows, s), 0);
	happens(w, EVENT_LOGOFF, w->sales, NINE + HOUR);
	assert_int_equal(s->pool.used, 1);
	assert_int_equal(rows_cut(&rows, s), 1);
	assert_false(rows.v[0].used);
	assert_int_equal(s->pool.used, 0);
	assert_null(w->jo->sessions);
	/* ends of nothing leave nothing */
	happens(w, EVENT_UNPAUSE, w->sales, NINE + HOUR);
	happens(w, EVENT_LOGOFF, NULL, NINE + HOUR);
	assert_int_equal(s->pool.used, 0);
	assert_int_equal(rows_cut(&rows, s), 0);
}

static void
test_logoff_is_forgotten(void **state)
{
	struct rows rows = {0};
	struct world *w = *state;
	struct sessions *s = &w->sessions;
	int64_t t_us;

	happens(w, EVENT_LOGIN, NULL, NINE);
	happens(w, EVENT_LOGOFF, NULL, NINE + HOUR);
	assert_int_equal(rows_cut(&rows, s), 1);
	assert_true(rows.v[0].used);
	assert_true(rows.v[0].logoff_us == NINE + HOUR);
	for (t_us = NINE; t_us < NINE + HOUR + 7 * DAY; t_us += HOUR)
		sessions_clock(s, t_us);
	assert_int_equal(rows_cut(&rows, s), 0);
	sessions_clock(s, NINE + HOUR + 7 * DAY);
	assert_int_equal(rows_cut(&rows, s), 1);
	assert_false(rows.v[0].used);
	assert_int_equal(s->pool.used, 0);
}

static void
test_restored_under_one_name(void **state)
{
	struct rows rows = {0};
	struct world *w = *state;
	struct sessions *s = &w->sessions;
	struct slice none = SLICE("");

	tally_alias_add(&w->tally, SLICE("SIP/1"), SLICE("Jo"));
	assert_true(sessions_restore(s, &w->tally, SLICE("Jo"), none,
	    NINE + MIN, 0, 0, none, NINE + 20 * MIN));
	assert_true(sessions_restore(s, &w->tally, SLICE("Jo"), SLICE("sales"),
	    NINE + MIN, 0, 0, none, NINE + 20 * MIN));
	assert_int_equal(rows_cut(&rows, s), 0);
	/* the row of the old name must go, and be in that of the new one */
	assert_false(sessions_restore(s, &w->tally, SLICE("SIP/1"), none, NINE,
	    NINE + 2 * MIN, 0, SLICE("tea"), NINE + 20 * MIN));
	assert_int_equal(s->pool.used, 2);
	assert_int_equal(rows_cut(&rows, s), 1);
	assert_ptr_equal(rows.v[0].agent, w->jo);
	assert_null(rows.v[0].queue);
	assert_true(rows.v[0].login_us == NINE);
	assert_true(rows.v[0].pause_us == NINE + 2 * MIN);
	assert_string_equal(rows.v[0].reason, "tea");
	happens(w, EVENT_LOGOFF, NULL, NINE + 21 * MIN);
	assert_seconds(login_s(w, NINE, HOUR), 1260);
	assert_int_equal(w->spans, 2);
}

/* The same of a queue that is one too many by now. */
static void
test_restored_in_other_queue(void **state)
{
	struct world *w = *state;
	struct sessions *s = &w->sessions;

	w->tally.config.max_queues = 1;
	assert_false(sessions_restore(s, &w->tally, SLICE("Jo"), SLICE("rents"),
	    NINE, 0, 0, SLICE(""), NINE + MIN));
	assert_string_equal(w->jo->sessions->queue->name, "other");
}

/* -- all rules at once, against a model */

#define MODEL_AGENTS	3
#define MODEL_QUEUES	3 /* the first stands for the agent as a whole */
#define MODEL_SESSIONS	(MODEL_AGENTS * MODEL_QUEUES)
#define MODEL_INTERVALS 16384
#define MODEL_START	(NINE - 40 * DAY)

struct model_session {
	bool on[2]; /* logged in, paused */
	int64_t since[2];
	int64_t logoff;
};

struct model {
	struct model_session session[MODEL_SESSIONS];
	int64_t clock;
	int64_t ms[2][MODEL_SESSIONS][MODEL_INTERVALS];
};

static uint64_t
roll(uint64_t *seed, uint64_t below)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (*seed >> 11) % below;
}

static void
model_span(struct model *m, int what, int who, int64_t from, int64_t to)
{
	while (from < to) {
		int64_t i = (from - MODEL_START) / INTERVAL;
		int64_t until = RT_MIN(to, MODEL_START + (i + 1) * INTERVAL);

		assert_in_range(i, 0, MODEL_INTERVALS - 1);
		m->ms[what][who][i] += until / 1000 - from / 1000;
		from = until;
	}
}

static void
model_end(struct model *m, int what, int who, int64_t t)
{
	struct model_session *s = &m->session[who];
	int64_t end = RT_MAX(t, s->since[what]);

	if (!s->on[what])
		return;
	model_span(m, what, who, s->since[what], end);
	s->on[what] = false;
	if (what == 0)
		s->logoff = RT_MAX(s->logoff, end);
}

static void
model_clock(struct model *m, int64_t t)
{
	int who, what;

	if (m->clock != 0 && t > m->clock + SESSION_GAP_US)
		for (who = 0; who < MODEL_SESSIONS; who++)
			for (what = 0; what < 2; what++)
				if (t > m->session[who].since[what] +
					SESSION_GAP_US)
					model_end(m, what, who, m->clock);
	m->clock = RT_MAX(m->clock, t);
}

static void
model_event(struct model *m, int who, const struct event *ev)
{
	struct model_session *s = &m->session[who];
	bool begins = ev->kind == EVENT_LOGIN || ev->kind == EVENT_PAUSE;
	int what = ev->kind == EVENT_PAUSE || ev->kind == EVENT_UNPAUSE;
	int64_t t = ev->time_us, length = ev->session_ms * 1000;
	bool was_on = s->on[0];

	if (t < m->clock - SESSION_GAP_US ||
	    (!begins && t > m->clock + SESSION_GAP_US))
		t = m->clock;
	if (begins && !s->on[what]) {
		s->on[what] = true;
		s->since[what] = t;
	}
	if (!begins)
		model_end(m, what, who, t);
	if (ev->kind != EVENT_LOGOFF)
		return;
	model_end(m, 1, who, t);
	if (!was_on && who % MODEL_QUEUES == 0 && t == ev->time_us &&
	    length > 0 && t - length > m->clock - SESSION_GAP_US &&
	    RT_MAX(t - length, s->logoff) < t) {
		model_span(m, 0, who, RT_MAX(t - length, s->logoff), t);
		s->logoff = t;
	}
}

static int64_t *
model_at(struct model *m, int what, const struct agent_cell *cell)
{
	/* agents and queues are numbered as they were made */
	uint32_t queue = cell->queue == NULL ? 0 : cell->queue->id + 1;

	return &m->ms[what][cell->agent->id * MODEL_QUEUES + queue]
		     [(cell->key.starts_us - MODEL_START) / INTERVAL];
}

static void
model_check(struct model *m, struct tally *t)
{
	static const int64_t nothing[2][MODEL_SESSIONS][MODEL_INTERVALS];
	struct agent_cell *cell, *tmp;
	int who, what;

	/* what runs counts up to the clock */
	for (who = 0; who < MODEL_SESSIONS; who++)
		for (what = 0; what < 2; what++)
			if (m->session[who].on[what])
				model_span(m, what, who,
				    m->session[who].since[what], m->clock);
	HASH_ITER (hh, t->agent_cells, cell, tmp) {
		assert_int_equal(
		    cell->v[AGENT_login_ms], *model_at(m, 0, cell));
		assert_int_equal(
		    cell->v[AGENT_pause_ms], *model_at(m, 1, cell));
		*model_at(m, 0, cell) = 0;
		*model_at(m, 1, cell) = 0;
	}
	assert_memory_equal(m->ms, nothing, sizeof(nothing));
}

static int64_t
model_step(uint64_t *seed)
{
	switch (roll(seed, 60)) {
	case 0: /* a long silence, or nearly */
		return (int64_t)roll(seed, 9) * DAY + (int64_t)roll(seed, DAY);
	case 1:
	case 2: /* a clock set back, a back-dated group */
		return -(int64_t)roll(seed, 3 * HOUR);
	case 3:
		return -(int64_t)roll(seed, 9) * DAY;
	case 4:
	case 5: /* on a border to the microsecond, sometimes */
		return 0;
	default:
		return (int64_t)roll(seed, 20 * MIN);
	}
}

/*
 * One random log. A time ahead of the clock by more than a day moves the clock
 * only with the next event, as in the call machine.
 */
static void
model_run(uint64_t seed, bool restarts)
{
	static const enum event_kind kinds[] = {
	    EVENT_LOGIN, EVENT_LOGOFF, EVENT_PAUSE, EVENT_UNPAUSE};
	const struct tally_config config = {
	    .interval_us = INTERVAL, .max_queues = 9, .max_agents = 9};
	struct model *m = mem_zalloc(sizeof(*m));
	struct agent *agents[MODEL_AGENTS];
	struct queue *queues[MODEL_QUEUES] = {NULL};
	struct rows rows = {0};
	struct tally tally;
	struct sessions s;
	int64_t t = NINE, leap = 0;
	int i;

	tally_init(&tally, &config);
	sessions_init(&s, session_span_book, &tally);
	for (i = 0; i < MODEL_AGENTS; i++)
		agents[i] = tally_agent(&tally, (struct slice){&"abc"[i], 1});
	for (i = 1; i < MODEL_QUEUES; i++)
		queues[i] = tally_queue(&tally, (struct slice){&"xyz"[i], 1});
	for (i = 0; i < 300; i++) {
		int who = (int)roll(&seed, MODEL_SESSIONS);
		struct event ev = {.kind = kinds[roll(&seed, 4)],
		    .session_ms = EVENT_UNKNOWN_MS};

		t = RT_MAX(t + model_step(&seed), NINE);
		if (roll(&seed, 8) == 0)
			t = utc_floor(t, INTERVAL);
		if (ev.kind == EVENT_LOGOFF && roll(&seed, 2) == 0)
			ev.session_ms = (int64_t)roll(&seed, 90000000);
		ev.time_us = t;
		if (m->clock == 0 || t <= m->clock + DAY || leap != 0) {
			model_clock(m, t);
			sessions_clock(&s, t);
			leap = 0;
		} else {
			leap = t;
		}
		model_event(m, who, &ev);
		sessions_event(&s, agents[who / MODEL_QUEUES],
		    queues[who % MODEL_QUEUES], &ev);
		if (restarts && roll(&seed, 5) == 0)
			rows_restart(&rows, &s, &tally);
		else if (roll(&seed, 5) == 0)
			rows_cut(&rows, &s);
	}
	sessions_running(&s, session_span_book, &tally);
	model_check(m, &tally);
	sessions_fini(&s);
	tally_fini(&tally);
	free(m);
}

static void
test_random_logs(void **state)
{
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 100; seed++)
		model_run(seed * 0x9e3779b97f4a7c15U, false);
}

static void
test_random_logs_with_restarts(void **state)
{
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 100; seed++)
		model_run(seed * 0x9e3779b97f4a7c15U, true);
}

#define test_in_world(name) \
	cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    test_in_world(test_login_within_an_interval),
	    test_in_world(test_what_runs_is_told_up_to_the_clock),
	    test_in_world(test_a_span_is_told_once),
	    test_in_world(test_login_over_months),
	    test_in_world(test_login_before_the_hour_logout_within),
	    test_in_world(test_pause_said_again),
	    test_in_world(test_pause_reason),
	    test_in_world(test_queue_and_whole_are_apart),
	    test_in_world(test_logoff_ends_pause_without_login),
	    test_in_world(test_logoff_tells_a_login_not_seen),
	    test_in_world(test_logoff_twice),
	    test_in_world(test_logoff_told_beyond_belief),
	    test_in_world(test_restart_of_the_switch),
	    test_in_world(test_restart_leaves_a_pause_without_login),
	    test_in_world(test_late_events),
	    test_in_world(test_logins_and_logoffs_out_of_order),
	    test_in_world(test_silence),
	    test_in_world(test_silence_of_a_week_is_none),
	    test_in_world(test_broken_times_cost_little),
	    test_in_world(test_broken_first_time),
	    test_in_world(test_taking),
	    test_in_world(test_logoff_is_forgotten),
	    test_in_world(test_restored_under_one_name),
	    test_in_world(test_restored_in_other_queue),
	    cmocka_unit_test(test_random_logs),
	    cmocka_unit_test(test_random_logs_with_restarts),
	};

	return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
