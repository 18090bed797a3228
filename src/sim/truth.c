/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "sim/world.h"

/*
 * An interval is told once its time is over and no visit of it is open: so
 * memory holds the intervals of open visits and those between them.
 */

static struct sim_interval *
truth_interval_new(struct sim *sim, int64_t starts_s)
{
	size_t size = sizeof(struct sim_interval) +
	    sim->config.queues * sizeof(struct sim_cell);
	struct sim_interval *interval = sim->spare;

	if (interval == NULL)
		interval = mem_alloc(size);
	sim->spare = NULL;
	memset(interval, 0, size);
	interval->starts_s = starts_s;
	TAILQ_INSERT_TAIL(&sim->intervals, interval, list);
	return interval;
}

static struct sim_interval *
truth_interval(struct sim *sim)
{
	struct sim_interval *last = TAILQ_LAST(&sim->intervals, sim_intervals);
	int64_t starts_s = utc_floor(sim->now_s, sim->config.interval_s);

	if (last != NULL && last->starts_s == starts_s)
		return last;
	truth_settle(sim, false);
	return truth_interval_new(sim, starts_s);
}

static struct sim_cell *
truth_cell(const struct sim_call *call)
{
	return &call->interval->cells[call->queue->index];
}

/* Tells one interval and keeps its memory for the next. */
static void
truth_tell(struct sim *sim, struct sim_interval *interval)
{
	uint32_t i;

	for (i = 0; i < sim->config.queues; i++) {
		const struct sim_queue *queue = &sim->queues[i];
		const struct sim_cell *cell = &interval->cells[i];

		if (sim->sink->cell != NULL && cell->offered + cell->rings > 0)
			sim->sink->cell(sim->sink,
			    (struct slice){queue->name, queue->name_len},
			    interval->starts_s, cell);
	}
	TAILQ_REMOVE(&sim->intervals, interval, list);
	free(sim->spare);
	sim->spare = interval;
}

void
truth_settle(struct sim *sim, bool all)
{
	struct sim_interval *interval;

	while ((interval = TAILQ_FIRST(&sim->intervals)) != NULL) {
		int64_t ends_s = interval->starts_s + sim->config.interval_s;

		if (!all && (interval->open > 0 || ends_s > sim->now_s))
			break;
		truth_tell(sim, interval);
	}
}

void
truth_fini(struct sim *sim)
{
	struct sim_interval *interval;

	while ((interval = TAILQ_FIRST(&sim->intervals)) != NULL) {
		TAILQ_REMOVE(&sim->intervals, interval, list);
		free(interval);
	}
	free(sim->spare);
}

void
truth_enter(struct sim *sim, struct sim_call *call)
{
	struct sim_cell *cell;

	call->order = ++sim->visits;
	call->interval = truth_interval(sim);
	call->interval->open++;
	cell = truth_cell(call);
	cell->offered++;
	cell->waiting++;
}

static int64_t
truth_wait(const struct sim_call *call, int64_t until_us)
{
	return sim_whole(until_us) - sim_whole(call->entered_us);
}

static void
truth_answered(struct sim_cell *cell, int64_t wait_s)
{
	cell->answered_15 += wait_s <= 15;
	cell->answered_20 += wait_s <= 20;
	cell->wait_answered_s += wait_s;
}

static void
truth_abandoned(const struct sim *sim, struct sim_cell *cell, int64_t wait_s)
{
	cell->abandoned_short += wait_s <= sim->config.short_abandon_s;
	cell->wait_abandoned_s += wait_s;
}

void
truth_outcome(struct sim *sim, struct sim_call *call, enum outcome end)
{
	struct sim_cell *cell = truth_cell(call);
	int64_t wait_s = truth_wait(call, sim->now_us);

	cell->waiting--;
	cell->ended[end]++;
	if (end == OUTCOME_LOST)
		return; /* nobody knows how long it waited */
	cell->max_wait_s = RT_MAX(cell->max_wait_s, wait_s);
	if (end == OUTCOME_ANSWERED)
		truth_answered(cell, wait_s);
	else if (end == OUTCOME_ABANDONED)
		truth_abandoned(sim, cell, wait_s);
}

void
truth_close(
    struct sim *sim, struct sim_call *call, enum outcome end, int64_t talk_s)
{
	struct sim_visit visit = {.order = call->order,
	    .outcome = end,
	    .number = call->entries,
	    .talk_s = talk_s,
	    .answered_s = -1,
	    .wait_s = -1};

	if (talk_s > 0)
		truth_cell(call)->talk_s += talk_s;
	call->interval->open--;
	if (sim->sink->visit == NULL)
		return;
	visit.call = (struct slice){call->id.text, call->id.n};
	visit.queue = (struct slice){call->queue->name, call->queue->name_len};
	visit.caller = (struct slice){call->number, strlen(call->number)};
	visit.entered_s = sim_whole(call->entered_us);
	if (end == OUTCOME_ANSWERED) {
		visit.agent =
		    (struct slice){call->agent->name, call->agent->name_len};
		visit.answered_s = sim_whole(call->answered_us);
		visit.wait_s = truth_wait(call, call->answered_us);
	} else if (end != OUTCOME_LOST && end != OUTCOME_NONE) {
		visit.wait_s = truth_wait(call, sim->now_us);
	}
	sim->sink->visit(sim->sink, &visit);
}

void
truth_ring(struct sim *sim, const struct sim_queue *queue)
{
	truth_interval(sim)->cells[queue->index].rings++;
}

void
truth_refuse(struct sim *sim, struct sim_call *call)
{
	truth_enter(sim, call);
	truth_outcome(sim, call, OUTCOME_REFUSED);
	truth_close(sim, call, OUTCOME_REFUSED, -1);
}
