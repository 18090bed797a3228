/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "sim/world.h"

/* Chances, of a million conversations. */
#define TALK_IS_BLIND	 40000
#define TALK_IS_ATTENDED 20000
#define TALK_BY_AGENT	 450000
#define TALK_CODED	 600000 /* get a disposition ... */
#define TALK_CODED_FIRST 60000	/* ... before the line of their end */

#define TALK_NO_MORE 1000 /* attempts: a consultation never rings again */

static struct sim_queue *
talk_target(struct sim *sim, const struct sim_call *call)
{
	uint32_t step = dice_below(&sim->dice, sim->config.queues - 1) + 1;

	return &sim->queues[(call->queue->index + step) % sim->config.queues];
}

static void
talk_plan(struct sim *sim, struct sim_call *call)
{
	uint32_t at = dice_below(&sim->dice, DICE_MILLION);

	if (at < TALK_IS_BLIND)
		call->talk_end = TALK_BLIND;
	else if (at < TALK_IS_BLIND + TALK_IS_ATTENDED)
		call->talk_end = TALK_CONSULT;
	else
		call->talk_end = dice_chance(&sim->dice, TALK_BY_AGENT)
		    ? TALK_AGENT
		    : TALK_CALLER;
	if (call->talk_end != TALK_BLIND && call->talk_end != TALK_CONSULT)
		return;
	if (sim->config.queues > 1)
		call->target = talk_target(sim, call);
	else
		call->talk_end = TALK_AGENT;
}

void
talk_start(struct sim *sim, struct sim_call *call)
{
	int64_t median_us = call->queue->kind->talk_s * USEC_PER_SEC;
	int64_t until_us;

	call->answered_us = sim->now_us;
	if (call->served == NULL)
		call->served = call->queue;
	script_connect(sim, call);
	truth_outcome(sim, call, OUTCOME_ANSWERED);
	caller_unqueue(call);
	call->state = CALLER_TALKING;
	talk_plan(sim, call);
	until_us = sim->now_us + USEC_PER_SEC +
	    dice_lognormal(&sim->dice, median_us, 70);
	until_us = RT_MAX(until_us, call->not_before_us + USEC_PER_SEC);
	agenda_set(&sim->agenda, &call->due, until_us);
}

static void
talk_close(struct sim *sim, struct sim_call *call)
{
	truth_close(sim, call, OUTCOME_ANSWERED,
	    sim->now_s - sim_whole(call->answered_us));
	staff_free(sim, call->agent,
	    dice_lognormal(&sim->dice, 20 * USEC_PER_SEC, 60));
	call->agent = NULL;
}

static void
talk_complete(struct sim *sim, struct sim_call *call)
{
	bool coded = dice_chance(&sim->dice, TALK_CODED);
	bool first = coded && dice_chance(&sim->dice, TALK_CODED_FIRST);

	if (first)
		script_disposition(sim, call);
	script_complete(sim, call);
	if (coded && !first)
		script_disposition(sim, call);
	if (dice_chance(&sim->judge, sim->config.assess))
		script_status(sim, call);
	talk_close(sim, call);
	caller_gone(sim, call, false);
}

static void
talk_blind(struct sim *sim, struct sim_call *call)
{
	script_blind(sim, call);
	talk_close(sim, call);
	if (!caller_enter(sim, call, call->target))
		caller_gone(sim, call, false);
}

/*
 * The agent calls the other queue himself while the caller listens to music:
 * that is a call of its own, with its own id. The transfer joins the two.
 */
static void
talk_consult(struct sim *sim, struct sim_call *call)
{
	int64_t until_us =
	    sim->now_us + dice_between(&sim->dice, 8000000, 40000000);
	struct sim_call *leg = caller_new(sim);

	leg->id = sim_id_new(sim);
	leg->attempts = TALK_NO_MORE;
	leg->not_before_us = until_us;
	snprintf(
	    leg->number, sizeof(leg->number), "%" PRIu32, call->agent->number);
	if (!caller_enter(sim, leg, call->target)) {
		caller_gone(sim, leg, false);
		call->talk_end = TALK_AGENT;
		talk_complete(sim, call);
		return;
	}
	call->talk_end = TALK_ATTENDED;
	agenda_set(&sim->agenda, &call->due, until_us);
}

static void
talk_attended(struct sim *sim, struct sim_call *call)
{
	script_attended(sim, call);
	talk_close(sim, call);
	caller_gone(sim, call, false);
}

void
talk_due(struct sim *sim, struct sim_call *call)
{
	switch (call->talk_end) {
	case TALK_AGENT:
	case TALK_CALLER:
		talk_complete(sim, call);
		break;
	case TALK_BLIND:
		talk_blind(sim, call);
		break;
	case TALK_CONSULT:
		talk_consult(sim, call);
		break;
	case TALK_ATTENDED:
		talk_attended(sim, call);
		break;
	}
}
