/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Format, call machine and tally against the truth of a call centre that was
 * played: the log goes through the same intake as the daemon's, and each
 * queue's interval must hold what the simulation knows of it. Neither side
 * sees anything of the other but the lines.
 */
#include "base/base.h"
#include <setjmp.h>
#include <cmocka.h>

#include "base/strbuf.h"
#include "base/utc.h"
#include "call/intake.h"
#include "format/formats.h"
#include "sim/sim.h"

#define MONDAY_US (INT64_C(1795392000) * USEC_PER_SEC) /* 2026-11-23 */
#define HOUR_US	  (3600 * USEC_PER_SEC)
#define PIECE	  100003 /* bytes at once: lines are cut anywhere */

struct told {
	struct told *next;
	char queue[64];
	int64_t starts_s;
	struct sim_cell cell;
};

struct played {
	struct sim_sink sink;
	struct sim_config config;
	struct strbuf log;
	struct told *told; /* the last first */
	struct tally tally;
	struct machine machine;
	struct intake intake;
};

static void
played_line(struct sim_sink *sink, struct slice line)
{
	struct played *p = (struct played *)sink;

	strbuf_add(&p->log, line.p, line.n);
}

static void
played_cell(struct sim_sink *sink, struct slice queue, int64_t starts_s,
    const struct sim_cell *cell)
{
	struct played *p = (struct played *)sink;
	struct told *told = mem_zalloc(sizeof(*told));

	assert_true(queue.n < sizeof(told->queue));
	memcpy(told->queue, queue.p, queue.n);
	told->starts_s = starts_s;
	told->cell = *cell;
	told->next = p->told;
	p->told = told;
}

static void
played_init(struct played *p)
{
	*p = (struct played){.sink = {played_line, played_cell, NULL},
	    .config = {.seed = 11,
		.start_us = MONDAY_US,
		.end_us = MONDAY_US + 24 * HOUR_US,
		.queues = 8,
		.agents = 50,
		.rate = 1000,
		.redial = 400000,
		.crash_min = -1,
		.interval_s = 900,
		.short_abandon_s = 5}};
}

static void
played_run(struct played *p)
{
	struct err err;
	struct sim *sim = sim_new(&p->config, &p->sink, &err);

	assert_non_null(sim);
	while (sim_next(sim) < p->config.end_us)
		sim_step(sim);
	sim_end(sim);
	sim_free(sim);
}

static void
played_read(struct played *p)
{
	struct tally_config tally_config = {
	    .interval_us = p->config.interval_s * USEC_PER_SEC,
	    .short_abandon_us = p->config.short_abandon_s * USEC_PER_SEC,
	    .max_queues = 2000,
	    .max_agents = 60000};
	struct machine_config machine_config = {
	    .lost_after_us = 6 * HOUR_US, .max_open = 1000000};
	struct position position = {.file_no = 1};
	struct err err;
	size_t n;

	tally_init(&p->tally, &tally_config);
	machine_init(&p->machine, &machine_config, &p->tally);
	assert_int_equal(
	    intake_init(&p->intake, "played", 0, &asterisk_queue_log_stage,
		NULL, &p->machine, &err),
	    0);
	while ((size_t)position.offset < p->log.n) {
		n = p->log.n - (size_t)position.offset;
		n = RT_MIN(n, (size_t)PIECE);
		position.offset += (int64_t)intake_bytes(&p->intake, &position,
		    p->log.p + position.offset, n, n < PIECE);
	}
}

static void
check_cell(const struct cell *got, const struct sim_cell *want)
{
	const int64_t *v = got->v;
	const uint64_t *ended = want->ended;

	assert_int_equal(v[MEASURE_offered], want->offered);
	assert_int_equal(got->waiting, want->waiting);
	assert_int_equal(v[MEASURE_answered], ended[OUTCOME_ANSWERED]);
	assert_int_equal(
	    hist_within(&got->wait_answered, 15), want->answered_15);
	assert_int_equal(
	    hist_within(&got->wait_answered, 20), want->answered_20);
	assert_int_equal(v[MEASURE_abandoned], ended[OUTCOME_ABANDONED]);
	assert_int_equal(v[MEASURE_abandoned_short], want->abandoned_short);
	assert_int_equal(v[MEASURE_timed_out], ended[OUTCOME_TIMED_OUT]);
	assert_int_equal(v[MEASURE_exited_key], ended[OUTCOME_EXITED_KEY]);
	assert_int_equal(v[MEASURE_exited_empty], ended[OUTCOME_EXITED_EMPTY]);
	assert_int_equal(v[MEASURE_withdrawn], ended[OUTCOME_WITHDRAWN]);
	assert_int_equal(v[MEASURE_refused], ended[OUTCOME_REFUSED]);
	assert_int_equal(v[MEASURE_lost], ended[OUTCOME_LOST]);
	assert_int_equal(v[MEASURE_ring_no_answer], want->rings);
	assert_int_equal(
	    v[MEASURE_wait_answered_ms], want->wait_answered_s * 1000);
	assert_int_equal(
	    v[MEASURE_wait_abandoned_ms], want->wait_abandoned_s * 1000);
	assert_int_equal(v[MEASURE_max_wait_ms], want->max_wait_s * 1000);
	assert_int_equal(v[MEASURE_talk_ms], want->talk_s * 1000);
}

/* Cells that hold anything, of all queues. */
static uint64_t
played_count(struct played *p)
{
	struct queue *queue, *next_queue;
	struct cell *cell, *next_cell;
	uint64_t n = 0;

	HASH_ITER (hh, p->tally.queues, queue, next_queue) {
		HASH_ITER (hh, queue->cells, cell, next_cell)
			n += cell->v[MEASURE_offered] > 0 ||
			    cell->v[MEASURE_ring_no_answer] > 0;
	}
	return n;
}

static void
played_compare(struct played *p)
{
	const struct told *told;
	uint64_t cells = 0;

	assert_non_null(p->told);
	for (told = p->told; told != NULL; told = told->next) {
		struct queue *queue =
		    tally_queue(&p->tally, slice_of(told->queue));

		check_cell(tally_cell(queue, told->starts_s * USEC_PER_SEC),
		    &told->cell);
		cells++;
	}
	assert_int_equal(played_count(p), cells);
	assert_int_equal(p->machine.in_state[VISIT_EARLY], 0);
}

static void
played_check(struct played *p)
{
	struct told *next;

	played_run(p);
	played_read(p);
	played_compare(p);
	for (; p->told != NULL; p->told = next) {
		next = p->told->next;
		free(p->told);
	}
	intake_fini(&p->intake);
	machine_fini(&p->machine);
	tally_fini(&p->tally);
	strbuf_fini(&p->log);
}

static void
test_days(void **state)
{
	struct played p;
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 10; seed++) {
		played_init(&p);
		p.config.seed = seed;
		p.config.optimise = 10000;
		played_check(&p);
	}
}

/* Each answered call ends under an id that was never heard of. */
static void
test_optimised(void **state)
{
	struct played p;

	(void)state;
	played_init(&p);
	p.config.optimise = 1000000;
	played_check(&p);
}

static void
test_out_of_order(void **state)
{
	struct played p;

	(void)state;
	played_init(&p);
	p.config.disorder = 1000000;
	p.config.optimise = 100000;
	p.config.rate = 5000;
	p.config.agents = 250;
	played_check(&p);
}

static void
test_crashed(void **state)
{
	struct played p;

	(void)state;
	played_init(&p);
	p.config.crash_min = 9 * 60 + 47;
	p.config.refusals = true;
	p.config.disorder = 100000;
	p.config.rate = 4000;
	played_check(&p);
}

/* In the middle of it all: those who wait are waiting. */
static void
test_unfinished(void **state)
{
	struct played p;
	int minute;

	(void)state;
	for (minute = 0; minute < 30; minute += 7) {
		played_init(&p);
		p.config.rate = 3000;
		p.config.end_us =
		    MONDAY_US + 10 * HOUR_US + minute * 60 * USEC_PER_SEC;
		played_check(&p);
	}
}

static void
test_other_intervals(void **state)
{
	struct played p;

	(void)state;
	played_init(&p);
	p.config.interval_s = 60;
	p.config.short_abandon_s = 10;
	played_check(&p);
}

static void
test_many_queues(void **state)
{
	struct played p;

	(void)state;
	played_init(&p);
	p.config.queues = 100;
	p.config.agents = 2000;
	p.config.rate = 50000;
	p.config.refusals = true;
	p.config.start_us = MONDAY_US + 9 * HOUR_US;
	p.config.end_us = MONDAY_US + 11 * HOUR_US;
	played_check(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_days),
	    cmocka_unit_test(test_optimised),
	    cmocka_unit_test(test_out_of_order),
	    cmocka_unit_test(test_crashed),
	    cmocka_unit_test(test_unfinished),
	    cmocka_unit_test(test_other_intervals),
	    cmocka_unit_test(test_many_queues),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
