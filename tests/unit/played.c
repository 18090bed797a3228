/* SPDX-License-Identifier: BSD-2-Clause */
#include "played.h"

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

void
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

void
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

void
played_start(struct played *p, unsigned n_feeds)
{
	struct tally_config tally_config = {
	    .interval_us = p->config.interval_s * USEC_PER_SEC,
	    .short_abandon_us = p->config.short_abandon_s * USEC_PER_SEC,
	    .max_queues = 2000,
	    .max_agents = 60000};
	struct machine_config machine_config = {.lost_after_us = 6 * HOUR_US,
	    .max_open = 1000000,
	    .n_feeds = n_feeds,
	    .merge_window_us = 48 * HOUR_US};

	tally_init(&p->tally, &tally_config);
	machine_init(&p->machine, &machine_config, &p->tally);
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

void
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

void
played_fini(struct played *p)
{
	struct told *next;

	for (; p->told != NULL; p->told = next) {
		next = p->told->next;
		free(p->told);
	}
	machine_fini(&p->machine);
	tally_fini(&p->tally);
	strbuf_fini(&p->log);
}
