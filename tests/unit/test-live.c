/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The day so far and the last hour: by hand, and of a call centre that was
 * played, where each queue's figures must be those of a recount of all visits.
 */
#include "base/base.h"
#include <setjmp.h>
#include <cmocka.h>

#include "base/strbuf.h"
#include "base/utc.h"
#include "base/zone.h"
#include "call/intake.h"
#include "format/formats.h"
#include "sim/sim.h"
#include "tally/live.h"

#define SEC	 USEC_PER_SEC
#define MIN	 (60 * SEC)
#define HOUR	 (3600 * SEC)
#define INTERVAL (15 * MIN)
#define MIDNIGHT (INT64_C(1792882800) * SEC) /* 2026-10-25, 25 hours */
#define NEXT_DAY (MIDNIGHT + 25 * HOUR)

/* --- by hand ------------------------------------------------------------- */

struct world {
	struct tally tally;
	struct live live;
	struct queue *sales;
};

static void
world_init(struct world *w)
{
	const struct tally_config config = {.interval_us = INTERVAL,
	    .short_abandon_us = 5 * SEC,
	    .max_queues = 100,
	    .max_agents = 100,
	    .keep_us = HOUR};

	tally_init(&w->tally, &config);
	live_init(&w->live, &w->tally);
	w->sales = tally_queue(&w->tally, SLICE("sales"));
}

static void
world_fini(struct world *w)
{
	live_fini(&w->live);
	tally_fini(&w->tally);
}

static int
world_setup(void **state)
{
	struct world *w = mem_zalloc(sizeof(*w));

	zone_set("Europe/London");
	world_init(w);
	*state = w;
	return 0;
}

static int
world_teardown(void **state)
{
	struct world *w = *state;

	world_fini(w);
	free(w);
	return 0;
}

/* As visit.c books it. */
static void
world_visit(struct world *w, int64_t at_us, enum outcome outcome, int64_t wait)
{
	struct cell *cell = tally_cell(w->sales, at_us);

	tally_book(&w->tally, cell, MEASURE_offered, 1);
	live_book(&w->live, w->sales, at_us, MEASURE_offered, 1);
	tally_outcome(&w->tally, cell, outcome, wait, 1);
	tally_book(&w->tally, cell, MEASURE_max_wait_ms, wait);
	live_outcome(&w->live, w->sales, at_us, outcome, wait, 1);
	live_book(&w->live, w->sales, at_us, MEASURE_max_wait_ms, wait);
}

static void
take_none(void *ctx RT_UNUSED, const struct cell *cell RT_UNUSED)
{
}

static void
take_no_agent(void *ctx RT_UNUSED, const struct agent_cell *cell RT_UNUSED)
{
}

static void
tally_cut(struct tally *tally, int64_t now_us)
{
	tally_take(tally, take_none, take_no_agent, NULL, now_us);
}

static int64_t
today(const struct world *w, enum measure m)
{
	struct figure_sum sum = {0};
	int64_t n;

	live_today(&w->live, w->sales, &sum);
	n = sum.v[m];
	assert_int_equal(
	    hist_total(&sum.wait_answered), sum.v[MEASURE_answered]);
	assert_int_equal(
	    hist_total(&sum.wait_abandoned), sum.v[MEASURE_abandoned]);
	figure_sum_fini(&sum);
	return n;
}

static int64_t
window(const struct world *w, unsigned minutes, enum measure m)
{
	struct figure_sum sum = {0};
	int64_t n;

	live_window(&w->live, w->sales, minutes, &sum);
	n = sum.v[m];
	figure_sum_fini(&sum);
	return n;
}

static void
test_today_by_intervals(void **state)
{
	struct world *w = *state;
	int i;

	live_clock(&w->live, MIDNIGHT + 25 * HOUR - 1);
	for (i = 0; i < 3; i++) {
		world_visit(w, MIDNIGHT - 1, OUTCOME_ANSWERED, 1000);
		world_visit(w, MIDNIGHT, OUTCOME_ANSWERED, 2000);
		world_visit(w, NEXT_DAY - 1, OUTCOME_ABANDONED, 3000);
		world_visit(w, NEXT_DAY, OUTCOME_ABANDONED, 4000);
		assert_int_equal(today(w, MEASURE_offered), 2 * (i + 1));
		assert_int_equal(today(w, MEASURE_answered), i + 1);
		assert_int_equal(today(w, MEASURE_max_wait_ms), 3000);
		tally_cut(&w->tally, w->live.now_us);
		assert_int_equal(today(w, MEASURE_offered), 2 * (i + 1));
		assert_int_equal(today(w, MEASURE_abandoned_short), i + 1);
	}
	/* what came before midnight struck is there when it has */
	live_clock(&w->live, NEXT_DAY);
	assert_int_equal(today(w, MEASURE_offered), 3);
	assert_int_equal(today(w, MEASURE_abandoned), 3);
	assert_int_equal(today(w, MEASURE_max_wait_ms), 4000);
	live_clock(&w->live, NEXT_DAY + 48 * HOUR);
	assert_int_equal(today(w, MEASURE_offered), 0);
}

/* More cells wait for the cut than the day has intervals. */
static void
test_today_in_a_back_fill(void **state)
{
	struct world *w = *state;
	int64_t t;

	live_clock(&w->live, MIDNIGHT + 12 * HOUR);
	for (t = MIDNIGHT - 400 * HOUR; t <= MIDNIGHT + 12 * HOUR;
	     t += INTERVAL)
		world_visit(w, t, OUTCOME_ANSWERED, 0);
	assert_int_equal(today(w, MEASURE_offered), 49);
	tally_cut(&w->tally, w->live.now_us);
	assert_int_equal(today(w, MEASURE_offered), 49);
}

static void
test_windows_slide(void **state)
{
	struct world *w = *state;
	int64_t noon = MIDNIGHT + 13 * HOUR;

	live_clock(&w->live, noon);
	world_visit(w, noon - 59 * MIN, OUTCOME_ANSWERED, 1000);
	world_visit(w, noon - 59 * MIN - 1, OUTCOME_ANSWERED, 1000);
	world_visit(w, noon - 14 * MIN, OUTCOME_LOST, EVENT_UNKNOWN_MS);
	world_visit(w, noon - 14 * MIN - 1, OUTCOME_ABANDONED, 5000);
	/* a switch whose clock is ahead of ours */
	world_visit(w, noon + 2 * MIN, OUTCOME_ABANDONED, 5001);
	assert_int_equal(window(w, 60, MEASURE_offered), 3);
	assert_int_equal(window(w, 60, MEASURE_abandoned_short), 1);
	assert_int_equal(window(w, 15, MEASURE_offered), 1);
	assert_int_equal(window(w, 15, MEASURE_lost), 1);
	assert_int_equal(window(w, 1, MEASURE_offered), 0);
	assert_int_equal(live_window_since(&w->live, 15), noon - 14 * MIN);
	live_clock(&w->live, noon + 3 * MIN - 1);
	assert_int_equal(window(w, 1, MEASURE_offered), 1);
	assert_int_equal(window(w, 15, MEASURE_offered), 1);
	assert_int_equal(window(w, 60, MEASURE_offered), 3);
	assert_int_equal(window(w, 60, MEASURE_abandoned_short), 1);
	live_clock(&w->live, noon + 62 * MIN);
	assert_int_equal(window(w, 60, MEASURE_offered), 0);
}

static void
test_a_broken_time_changes_nothing(void **state)
{
	struct world *w = *state;
	int64_t noon = MIDNIGHT + 13 * HOUR;

	live_clock(&w->live, noon);
	world_visit(w, noon, OUTCOME_ANSWERED, 1000);
	world_visit(w, 0, OUTCOME_ANSWERED, 1000);
	world_visit(w, -1, OUTCOME_ANSWERED, 1000);
	world_visit(w, noon + 64 * MIN, OUTCOME_ANSWERED, 1000);
	world_visit(w, noon + INT64_C(10000) * 24 * HOUR, OUTCOME_ANSWERED, 1);
	tally_cut(&w->tally, noon);
	assert_int_equal(window(w, 60, MEASURE_offered), 1);
	assert_int_equal(today(w, MEASURE_offered), 2);
	live_clock(&w->live, noon + 24 * HOUR * 30);
	assert_false(live_shows(&w->live, w->sales));
}

static void
lost_cb(void *ctx)
{
	++*(int *)ctx;
}

static void
test_clock_goes_back(void **state)
{
	struct world *w = *state;
	int lost = 0;

	live_on_lost(&w->live, lost_cb, &lost);
	live_clock(&w->live, MIDNIGHT + HOUR);
	live_loaded(&w->live, MIDNIGHT, MIDNIGHT);
	assert_true(live_day_is_complete(&w->live));
	world_visit(w, MIDNIGHT, OUTCOME_ANSWERED, 1000);
	tally_cut(&w->tally, w->live.now_us);
	live_clock(&w->live, MIDNIGHT - HOUR + 1);
	assert_int_equal(today(w, MEASURE_offered), 1);
	assert_int_equal(lost, 0);
	live_clock(&w->live, MIDNIGHT - 2 * HOUR);
	assert_int_equal(lost, 1);
	assert_int_equal(w->live.day_us, MIDNIGHT - 24 * HOUR);
	assert_int_equal(today(w, MEASURE_offered), 0);
	assert_false(live_day_is_complete(&w->live));
	/* it is right again, and nothing was loaded */
	live_clock(&w->live, MIDNIGHT);
	assert_int_equal(lost, 1);
	assert_false(live_day_is_complete(&w->live));
	assert_false(live_window_is_complete(&w->live, 1));
	live_loaded(&w->live, MIDNIGHT, MIDNIGHT);
	assert_true(live_day_is_complete(&w->live));
	live_clock(&w->live, NEXT_DAY + 30 * HOUR);
	assert_int_equal(lost, 2);
	assert_false(live_day_is_complete(&w->live));
}

static int64_t
total(const struct world *w, enum measure m, int64_t abandoned_within)
{
	struct figure_sum sum = {0};
	int64_t n;

	live_total(w->sales, &sum);
	n = sum.v[m];
	if (abandoned_within >= 0)
		n = hist_within(&sum.wait_abandoned, abandoned_within);
	figure_sum_fini(&sum);
	return n;
}

/* An outcome that is taken back, whether it was cut meanwhile or not. */
static void
test_total_never_falls(void **state)
{
	static const enum measure gone = MEASURE_abandoned;
	struct world *w = *state;
	struct totals totals = {0};
	struct cell *cell;
	int cut;

	live_carry(&w->live, &totals);
	live_clock(&w->live, MIDNIGHT + HOUR);
	for (cut = 0; cut < 2; cut++) {
		world_visit(w, MIDNIGHT, OUTCOME_ABANDONED, 30000);
		assert_int_equal(total(w, gone, -1), cut + 1);
		if (cut)
			tally_cut(&w->tally, w->live.now_us);
		cell = tally_cell(w->sales, MIDNIGHT);
		tally_outcome(&w->tally, cell, OUTCOME_ABANDONED, 30000, -1);
		tally_outcome(&w->tally, cell, OUTCOME_TIMED_OUT, 30000, 1);
		assert_int_equal(total(w, gone, -1), cut + 1);
		assert_int_equal(total(w, gone, 30), cut + 1);
		assert_int_equal(total(w, MEASURE_wait_abandoned_ms, -1),
		    30000 + cut * 20000);
		assert_int_equal(total(w, MEASURE_timed_out, -1), cut + 1);
		/* that it had been shown too early */
		world_visit(w, MIDNIGHT, OUTCOME_ABANDONED, 20000);
		assert_int_equal(total(w, gone, -1), cut + 1);
		assert_int_equal(total(w, gone, 20), cut + 1);
		assert_int_equal(total(w, MEASURE_offered, -1), 2 * cut + 2);
	}
	/* begun anew; what was not cut comes again */
	tally_cut(&w->tally, w->live.now_us);
	world_visit(w, MIDNIGHT, OUTCOME_ABANDONED, 30000);
	assert_int_equal(total(w, gone, -1), 3);
	for (cut = 0; cut < 2; cut++) {
		world_fini(w);
		world_init(w);
		live_carry(&w->live, &totals);
		live_clock(&w->live, MIDNIGHT + HOUR);
		world_visit(w, MIDNIGHT, OUTCOME_ABANDONED, 30000);
		assert_int_equal(total(w, gone, -1), 3);
		assert_int_equal(total(w, MEASURE_offered, -1), 5);
	}
	world_visit(w, MIDNIGHT, OUTCOME_ABANDONED, 1000);
	assert_int_equal(total(w, gone, -1), 4);
	totals_fini(&totals);
}

static void
test_complete(void **state)
{
	struct world *w = *state;
	int64_t noon = MIDNIGHT + 13 * HOUR;

	live_clock(&w->live, noon);
	assert_false(live_day_is_complete(&w->live));
	assert_false(live_window_is_complete(&w->live, 15));
	live_loaded(&w->live, MIDNIGHT, noon - 20 * MIN);
	assert_true(live_day_is_complete(&w->live));
	assert_true(live_window_is_complete(&w->live, 15));
	assert_false(live_window_is_complete(&w->live, 60));
	live_clock(&w->live, noon + 39 * MIN);
	assert_true(live_window_is_complete(&w->live, 60));
}

static void
test_loads(void **state)
{
	struct world *w = *state;
	struct cell cell = {.starts_us = MIDNIGHT + 4 * INTERVAL};
	uint64_t version;

	live_clock(&w->live, MIDNIGHT + 13 * HOUR);
	assert_false(live_shows(&w->live, w->sales));
	live_load_heard(&w->live, w->sales, MIDNIGHT - LIVE_SHOWN_US - 1);
	assert_false(live_shows(&w->live, w->sales));
	live_load_heard(&w->live, w->sales, MIDNIGHT - LIVE_SHOWN_US);
	assert_true(live_shows(&w->live, w->sales));
	version = live_version(w->sales);
	cell.v[MEASURE_offered] = cell.v[MEASURE_answered] = 5;
	hist_add(&cell.wait_answered, 10, 5);
	live_load(&w->live, w->sales, &cell);
	world_visit(w, cell.starts_us, OUTCOME_ANSWERED, 1000);
	assert_true(live_version(w->sales) > version);
	assert_int_equal(today(w, MEASURE_answered), 6);
	tally_cut(&w->tally, w->live.now_us);
	assert_int_equal(today(w, MEASURE_answered), 6);
	hist_fini(&cell.wait_answered);
}

/* --- a call centre that was played ---------------------------------------- */

struct told {
	struct told *next;
	struct queue *queue;
	struct sim_visit visit;
};

struct played {
	struct sim_sink sink;
	struct sim_config config;
	struct sim *sim;
	struct tally tally;
	struct machine machine;
	struct live live;
	struct intake intake;
	struct position position;
	struct told *told;
	int64_t rings;	    /* of today, all queues */
	int64_t started_us; /* when the switch began last */
};

static void
played_line(struct sim_sink *sink, struct slice line)
{
	struct played *p = (struct played *)sink;

	if (rand() % 40 == 0)
		tally_cut(&p->tally, p->live.now_us);
	if (memmem(line.p, line.n, "|QUEUESTART|", 12) != NULL)
		p->started_us = strtoll(line.p, NULL, 10) * SEC;
	p->position.offset += (int64_t)intake_bytes(
	    &p->intake, &p->position, line.p, line.n, false);
}

static void
played_cell(struct sim_sink *sink, struct slice queue RT_UNUSED,
    int64_t starts_s, const struct sim_cell *cell)
{
	struct played *p = (struct played *)sink;

	if (starts_s * SEC >= MIDNIGHT && starts_s * SEC < NEXT_DAY)
		p->rings += (int64_t)cell->rings;
}

static void
played_visit(struct sim_sink *sink, const struct sim_visit *visit)
{
	struct played *p = (struct played *)sink;
	struct told *told = mem_zalloc(sizeof(*told));

	told->queue = tally_queue(&p->tally, visit->queue);
	told->visit = *visit;
	told->next = p->told;
	p->told = told;
}

static void
played_init(struct played *p, uint64_t seed, int64_t end_us)
{
	static const struct tally_config tally = {.interval_us = INTERVAL,
	    .short_abandon_us = 5 * SEC,
	    .max_queues = 100,
	    .max_agents = 100,
	    .keep_us = HOUR};
	static const struct machine_config machine = {
	    .lost_after_us = 6 * HOUR, .max_open = 10000};
	struct err err;

	*p = (struct played){.sink = {played_line, played_cell, played_visit},
	    .config = {.seed = seed,
		.start_us = MIDNIGHT - 3 * HOUR,
		.end_us = end_us,
		.queues = 5,
		.agents = 30,
		.rate = 600,
		.flat = true,
		.refusals = true,
		.crash_min = (int)(seed % 3) * 400 - 1,
		.redial = 300000,
		.optimise = 20000,
		.disorder = 20000,
		.interval_s = 900,
		.short_abandon_s = 5},
	    .position = {.file_no = 1}};
	tally_init(&p->tally, &tally);
	live_init(&p->live, &p->tally);
	machine_init(&p->machine, &machine, &p->tally);
	assert_int_equal(
	    intake_init(&p->intake, "played", 0, &asterisk_queue_log_stage,
		NULL, &p->machine, &err),
	    0);
	p->sim = sim_new(&p->config, &p->sink, &err);
	assert_non_null(p->sim);
}

static void
played_run(struct played *p)
{
	srand((unsigned)p->config.seed);
	while (sim_next(p->sim) < p->config.end_us) {
		live_clock(&p->live, sim_next(p->sim));
		sim_step(p->sim);
	}
	sim_quiet(p->sim);
	sim_end(p->sim);
	sim_free(p->sim);
	live_clock(&p->live, p->config.end_us);
}

static void
recount_add(struct figure_sum *sum, const struct sim_visit *v)
{
	int64_t wait_ms = v->wait_s * 1000;

	sum->v[MEASURE_offered]++;
	if (v->outcome == OUTCOME_NONE)
		return;
	sum->v[tally_outcome_measure[v->outcome]]++;
	if (v->talk_s > 0)
		sum->v[MEASURE_talk_ms] += v->talk_s * 1000;
	if (v->wait_s < 0)
		return;
	sum->v[MEASURE_max_wait_ms] =
	    RT_MAX(sum->v[MEASURE_max_wait_ms], wait_ms);
	if (v->outcome == OUTCOME_ANSWERED) {
		sum->v[MEASURE_wait_answered_ms] += wait_ms;
		hist_add(&sum->wait_answered, hist_bin(wait_ms), 1);
	} else if (v->outcome == OUTCOME_ABANDONED) {
		sum->v[MEASURE_wait_abandoned_ms] += wait_ms;
		sum->v[MEASURE_abandoned_short] += v->wait_s <= 5;
		hist_add(&sum->wait_abandoned, hist_bin(wait_ms), 1);
	}
}

/* All visits that arrived in [from, until). */
static void
recount(const struct played *p, const struct queue *queue, int64_t from_us,
    int64_t until_us, struct figure_sum *sum)
{
	const struct told *told;

	for (told = p->told; told != NULL; told = told->next)
		if (told->queue == queue &&
		    told->visit.entered_s * SEC >= from_us &&
		    told->visit.entered_s * SEC < until_us) {
			recount_add(sum, &told->visit);
			/* what was cut off by a crash; else it goes on */
			sum->v[MEASURE_talk_unknown] +=
			    told->visit.outcome == OUTCOME_ANSWERED &&
			    told->visit.talk_s < 0 &&
			    told->visit.answered_s * SEC < p->started_us;
		}
}

static void
check_sums(struct figure_sum *got, struct figure_sum *want)
{
	int m, t;

	for (m = 0; m < MEASURES; m++)
		if (m != MEASURE_ring_no_answer && m != MEASURE_transferred)
			assert_int_equal(got->v[m], want->v[m]);
	for (t = 0; t < 600; t++) {
		assert_int_equal(hist_within(&got->wait_answered, t),
		    hist_within(&want->wait_answered, t));
		assert_int_equal(hist_within(&got->wait_abandoned, t),
		    hist_within(&want->wait_abandoned, t));
	}
	figure_sum_reset(got);
	figure_sum_reset(want);
}

static int64_t
played_check_queue(const struct played *p, const struct queue *queue)
{
	struct figure_sum got = {0}, want = {0};
	int64_t now = p->config.end_us, rings, t;
	unsigned minutes;

	live_today(&p->live, queue, &got);
	rings = got.v[MEASURE_ring_no_answer];
	recount(p, queue, MIDNIGHT, NEXT_DAY, &want);
	check_sums(&got, &want);
	for (minutes = 1; minutes <= LIVE_WINDOW; minutes++) {
		live_window(&p->live, queue, minutes, &got);
		recount(
		    p, queue, live_window_since(&p->live, minutes), now, &want);
		check_sums(&got, &want);
	}
	for (t = MIDNIGHT; t < NEXT_DAY; t += INTERVAL) {
		live_interval(&p->live, queue, t, &got);
		recount(p, queue, t, t + INTERVAL, &want);
		check_sums(&got, &want);
	}
	figure_sum_fini(&got);
	figure_sum_fini(&want);
	return rings;
}

static void
played_fini(struct played *p)
{
	struct told *told;

	while ((told = p->told) != NULL) {
		p->told = told->next;
		free(told);
	}
	intake_fini(&p->intake);
	machine_fini(&p->machine);
	live_fini(&p->live);
	tally_fini(&p->tally);
}

static void
test_against_a_recount(void **state RT_UNUSED)
{
	struct queue *queue, *next;
	struct played p;
	uint64_t seed;
	int64_t rings, visits = 0;

	zone_set("Europe/London");
	for (seed = 1; seed <= 12; seed++) {
		rings = 0;
		played_init(
		    &p, seed, MIDNIGHT + (int64_t)seed * 117 * MIN + 12345678);
		played_run(&p);
		HASH_ITER (hh, p.tally.queues, queue, next) {
			rings += played_check_queue(&p, queue);
			visits++;
		}
		assert_int_equal(rings, p.rings);
		assert_true(visits > 0);
		played_fini(&p);
	}
}

#define WITH_WORLD(test) \
	cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_WORLD(test_today_by_intervals),
	    WITH_WORLD(test_today_in_a_back_fill),
	    WITH_WORLD(test_windows_slide),
	    WITH_WORLD(test_a_broken_time_changes_nothing),
	    WITH_WORLD(test_clock_goes_back),
	    WITH_WORLD(test_total_never_falls),
	    WITH_WORLD(test_complete),
	    WITH_WORLD(test_loads),
	    cmocka_unit_test(test_against_a_recount),
	};

	return cmocka_run_group_tests_name("live", tests, NULL, NULL);
}
