/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "sim/world.h"

#define CALLER_ATTEMPTS	  4
#define CALLER_AGAIN_DAYS 9
#define CALLER_HOUR_US	  (3600 * USEC_PER_SEC)
#define CALLER_FLAT	  30000 /* callers in an hour, in hundredths */

/* Chances, of a million. */
#define CALLER_HASTY	 35000 /* gives up at once */
#define CALLER_KEY	 25000
#define CALLER_WITHDRAWN 500
#define CALLER_IN_VAIN	 50000	/* the agent does not answer */
#define CALLER_IN_VAIN_0 100000 /* of these: busy, no ring at all */
#define CALLER_DUMP	 3000
#define CALLER_AUTOPAUSE 150000

struct sim_call *
caller_new(struct sim *sim)
{
	struct sim_call *call = pool_get(&sim->call_pool);

	call->due.kind = DUE_CALL;
	return call;
}

static int64_t
caller_seconds(struct sim *sim, int low, int high)
{
	return dice_between(&sim->dice, low * 1000, high * 1000) *
	    USEC_PER_MSEC;
}

/* Sets when, and how, the caller goes if nobody answers. */
static void
caller_plan(struct sim *sim, struct sim_call *call)
{
	int64_t now = sim->now_us;
	int64_t timeout_us = call->queue->kind->timeout_s * USEC_PER_SEC;
	int64_t key_us = INT64_MAX;

	call->leave = OUTCOME_ABANDONED;
	call->leaves_us = now + dice_exp(&sim->dice, 240 * USEC_PER_SEC);
	if (dice_chance(&sim->dice, CALLER_HASTY))
		call->leaves_us = now + caller_seconds(sim, 0, 6);
	if (dice_chance(&sim->dice, CALLER_KEY))
		key_us = now + caller_seconds(sim, 10, 120);
	if (call->leaves_us > now + timeout_us) {
		call->leave = OUTCOME_TIMED_OUT;
		call->leaves_us = now + timeout_us;
	}
	if (call->leaves_us > key_us) {
		call->leave = OUTCOME_EXITED_KEY;
		call->leaves_us = key_us;
		call->key = dice_chance(&sim->dice, 300000) ? '2' : '1';
	}
	if (dice_chance(&sim->dice, CALLER_WITHDRAWN))
		call->leave = OUTCOME_WITHDRAWN;
	call->leaves_us =
	    RT_MAX(call->leaves_us, call->not_before_us + USEC_PER_SEC);
}

/* Waits on without a phone ringing, or with the next one. */
static void
caller_wait(struct sim *sim, struct sim_call *call)
{
	struct sim_agent *agent = NULL;

	call->state = CALLER_WAITING;
	call->agent = NULL;
	call->queue->unrung++;
	agenda_set(
	    &sim->agenda, &call->due, RT_MAX(call->leaves_us, sim->now_us));
	if (call->leaves_us > sim->now_us)
		agent = staff_find(call->queue);
	if (agent != NULL)
		caller_ring(sim, call, agent);
}

static bool
caller_refused(struct sim *sim, struct sim_call *call)
{
	bool empty = call->queue->present == 0;

	if (!empty && call->queue->waiting < call->queue->max_waiting)
		return false;
	if (sim->config.refusals) {
		call->entries++;
		script_refuse(sim, call, empty ? "JOINEMPTY" : "FULL");
		truth_refuse(sim, call);
	}
	return true;
}

bool
caller_enter(struct sim *sim, struct sim_call *call, struct sim_queue *queue)
{
	call->queue = queue;
	call->entered_us = sim->now_us;
	if (caller_refused(sim, call))
		return false;
	if (call->state == CALLER_AWAY)
		TAILQ_INSERT_TAIL(&sim->open, call, open);
	TAILQ_INSERT_TAIL(&queue->waiters, call, list);
	call->position = ++queue->waiting;
	call->entries++;
	script_enter(sim, call);
	truth_enter(sim, call);
	caller_plan(sim, call);
	caller_wait(sim, call);
	return true;
}

void
caller_unqueue(struct sim_call *call)
{
	TAILQ_REMOVE(&call->queue->waiters, call, list);
	call->queue->waiting--;
	if (call->state == CALLER_WAITING)
		call->queue->unrung--;
}

struct sim_call *
caller_first(const struct sim_queue *queue)
{
	struct sim_call *call;

	if (queue->unrung == 0)
		return NULL;
	TAILQ_FOREACH (call, &queue->waiters, list) {
		if (call->state == CALLER_WAITING)
			break;
	}
	return call;
}

/* Decides what becomes of the ring; -> how long it lasts. */
static int64_t
caller_ring_for(struct sim *sim, struct sim_call *call)
{
	int64_t us = dice_lognormal(&sim->dice, 3500000, 50);

	if (dice_chance(&sim->dice, CALLER_IN_VAIN)) {
		call->ring_end = RING_IN_VAIN;
		return dice_chance(&sim->dice, CALLER_IN_VAIN_0)
		    ? 0
		    : 15 * USEC_PER_SEC;
	}
	call->ring_end =
	    dice_chance(&sim->dice, CALLER_DUMP) ? RING_DUMP : RING_ANSWER;
	return RT_MIN(us, 14900000);
}

void
caller_ring(struct sim *sim, struct sim_call *call, struct sim_agent *agent)
{
	BUG_ON(call->state != CALLER_WAITING);
	staff_busy(sim, agent);
	call->state = CALLER_RINGING;
	call->agent = agent;
	call->queue->unrung--;
	call->ring_no = sim->channels++;
	call->rang_us = sim->now_us;
	call->ring_ends_us = sim->now_us + caller_ring_for(sim, call);
	/* a withdrawal takes effect between two rings only */
	agenda_set(&sim->agenda, &call->due,
	    call->leave == OUTCOME_WITHDRAWN
		? call->ring_ends_us
		: RT_MIN(call->leaves_us, call->ring_ends_us));
}

static void
caller_ring_ends(struct sim *sim, struct sim_call *call)
{
	if (call->ring_end == RING_ANSWER) {
		talk_start(sim, call);
		return;
	}
	if (call->ring_end == RING_DUMP) {
		script_dump(sim, call);
		staff_free(sim, call->agent, caller_seconds(sim, 10, 40));
	} else {
		script_ring(sim, call, "RINGNOANSWER");
		truth_ring(sim, call->queue);
		if (dice_chance(&sim->dice, CALLER_AUTOPAUSE))
			staff_autopause(sim, call->agent);
		else
			staff_free(
			    sim, call->agent, caller_seconds(sim, 3, 10));
	}
	caller_wait(sim, call);
}

/* An answered caller who will ring for the same: within the hour, or days on.
 */
static bool
caller_again(struct sim *sim, struct sim_call *call)
{
	int64_t days;

	if (call->served == NULL || call->attempts > CALLER_ATTEMPTS ||
	    call->number[0] == '\0' || sim->closed ||
	    !dice_chance(&sim->again, sim->config.repeat))
		return false;
	days = dice_between(&sim->again, 0, CALLER_AGAIN_DAYS);
	call->queue = call->served;
	call->attempts = 0;
	agenda_set(&sim->agenda, &call->due,
	    sim->now_us + days * COUNCIL_DAY_US +
		dice_between(&sim->again, 60, 3600) * USEC_PER_SEC);
	return true;
}

/* A number of his own: 0999 is nobody's. */
static void
caller_number(struct sim *sim, struct sim_call *call)
{
	council_caller(&sim->dice, call->number, sizeof(call->number));
	if (sim->config.repeat > 0 && call->number[0] != '\0')
		snprintf(call->number, sizeof(call->number), "0999%07" PRIu64,
		    sim->numbers++ % 10000000);
}

void
caller_gone(struct sim *sim, struct sim_call *call, bool unserved)
{
	if (call->state != CALLER_AWAY)
		TAILQ_REMOVE(&sim->open, call, open);
	call->state = CALLER_AWAY;
	call->agent = NULL;
	if (unserved && !sim->closed && call->attempts < CALLER_ATTEMPTS &&
	    dice_chance(&sim->dice, sim->config.redial)) {
		agenda_set(&sim->agenda, &call->due,
		    sim->now_us +
			dice_lognormal(&sim->dice, 300 * USEC_PER_SEC, 90));
		return;
	}
	if (!unserved && caller_again(sim, call))
		return;
	agenda_cancel(&sim->agenda, &call->due);
	pool_put(&sim->call_pool, call);
}

/* The phone that rings for a caller who leaves stops. */
static void
caller_ring_stops(struct sim *sim, struct sim_call *call)
{
	if (call->leave == OUTCOME_TIMED_OUT) {
		script_ring(sim, call, "RINGNOANSWER");
		truth_ring(sim, call->queue);
	} else {
		script_ring(sim, call, "RINGCANCELED");
	}
	staff_free(sim, call->agent, USEC_PER_SEC);
	call->state = CALLER_WAITING;
	call->agent = NULL;
	call->queue->unrung++;
}

static void
caller_leave(struct sim *sim, struct sim_call *call)
{
	struct sim_queue *overflow = call->queue->overflow;
	bool passed_on = call->leave == OUTCOME_TIMED_OUT ||
	    (call->leave == OUTCOME_EXITED_KEY && call->key == '2');
	bool unserved = call->leave == OUTCOME_ABANDONED ||
	    call->leave == OUTCOME_EXITED_EMPTY;

	if (call->state == CALLER_RINGING)
		caller_ring_stops(sim, call);
	script_leave(sim, call);
	truth_outcome(sim, call, call->leave);
	truth_close(sim, call, call->leave, -1);
	caller_unqueue(call);
	if (passed_on && overflow != NULL && caller_enter(sim, call, overflow))
		return;
	caller_gone(sim, call, unserved);
}

void
caller_empty(struct sim *sim, struct sim_queue *queue)
{
	struct sim_call *call;

	while ((call = TAILQ_FIRST(&queue->waiters)) != NULL) {
		call->leave = OUTCOME_EXITED_EMPTY;
		caller_leave(sim, call);
	}
}

/* Rings the council, for the first time or again. */
static void
caller_dial(struct sim *sim, struct sim_call *call)
{
	call->attempts++;
	call->entries = 0;
	call->other_id.n = 0;
	call->served = NULL;
	if (sim->down || sim->closed) {
		caller_gone(sim, call, true);
		return;
	}
	if (dice_chance(&sim->dice, sim->config.optimise))
		call->other_id = sim_id_new(sim);
	call->id = sim_id_new(sim);
	script_did(sim, call);
	if (!caller_enter(sim, call, call->queue)) {
		caller_gone(sim, call, true);
		return;
	}
	if (++sim->callers == sim->config.calls) {
		sim->closed = true;
		agenda_cancel(&sim->agenda, &sim->arrival);
	}
}

void
caller_due(struct sim *sim, struct sim_call *call)
{
	switch (call->state) {
	case CALLER_AWAY:
		caller_dial(sim, call);
		break;
	case CALLER_WAITING:
		caller_leave(sim, call);
		break;
	case CALLER_RINGING:
		if (sim->now_us >= call->ring_ends_us)
			caller_ring_ends(sim, call);
		else
			caller_leave(sim, call);
		break;
	case CALLER_TALKING:
		talk_due(sim, call);
		break;
	}
}

static struct sim_queue *
caller_choose(struct sim *sim)
{
	uint32_t at = dice_below(&sim->dice, sim->weight);
	struct sim_queue *queue = sim->queues;

	while (at >= queue->kind->weight)
		at -= (queue++)->kind->weight;
	return queue;
}

/*
 * Plans the next arrival. The rate is constant within half an hour, and an
 * exponential has no memory: beyond the border it is drawn anew.
 */
static void
caller_next(struct sim *sim)
{
	int64_t from_us = sim->now_us, until_us = INT64_MAX, at_us;
	int64_t rate;

	for (;; from_us = until_us) {
		rate = sim->config.flat ? CALLER_FLAT
					: council_callers(from_us, &until_us);
		rate *= sim->config.rate;
		if (rate == 0)
			continue;
		at_us = from_us +
		    dice_exp(&sim->dice, CALLER_HOUR_US * 100000 / rate);
		if (at_us < until_us)
			break;
	}
	agenda_set(&sim->agenda, &sim->arrival, at_us);
}

void
caller_arrive(struct sim *sim)
{
	struct sim_call *call;

	caller_next(sim);
	if (sim->now_us == sim->config.start_us)
		return; /* that was the planning of the first */
	call = caller_new(sim);
	caller_number(sim, call);
	call->queue = caller_choose(sim);
	caller_dial(sim, call);
}

/* Those who talked have hung up long ago, and no line says so. */
void
caller_lost(struct sim *sim)
{
	struct sim_call *call, *next;

	for (call = TAILQ_FIRST(&sim->open); call != NULL; call = next) {
		next = TAILQ_NEXT(call, open);
		if (call->state == CALLER_TALKING) {
			truth_close(sim, call, OUTCOME_ANSWERED, -1);
			caller_gone(sim, call, false);
			continue;
		}
		truth_outcome(sim, call, OUTCOME_LOST);
		truth_close(sim, call, OUTCOME_LOST, -1);
		caller_unqueue(call);
		caller_gone(sim, call, true);
	}
}
