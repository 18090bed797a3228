/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "sim/world.h"

#define STAFF_MINUTE_US (60 * USEC_PER_SEC)
#define STAFF_PAUSES_US (75 * STAFF_MINUTE_US) /* from one to the next */

/*
 * The agents. One who is ready is asked by staff_find, in turn; one who gets
 * ready looks for the caller who has waited longest in any of his queues.
 */

/* Counts an agent into his queues, or out of them. */
static void
staff_count(struct sim_agent *agent, int present, int ready)
{
	unsigned i;

	for (i = 0; i < agent->n_skills; i++) {
		agent->skills[i]->present += (uint32_t)present;
		agent->skills[i]->ready += (uint32_t)ready;
	}
}

/* The only place where an agent's state changes. */
static void
staff_set(struct sim *sim, struct sim_agent *agent, enum staff_state state,
    int64_t until_us)
{
	enum staff_state old = agent->state;

	agent->state = state;
	staff_count(agent, (state != STAFF_OFF) - (old != STAFF_OFF),
	    (state == STAFF_READY) - (old == STAFF_READY));
	if (until_us == INT64_MAX)
		agenda_cancel(&sim->agenda, &agent->due);
	else
		agenda_set(&sim->agenda, &agent->due, until_us);
}

static int64_t
staff_minutes(struct sim *sim, int low, int high)
{
	int64_t ms = dice_between(
	    &sim->dice, low * INT64_C(60000), high * INT64_C(60000));

	return ms * USEC_PER_MSEC;
}

/*
 * The first shift from that day on that is not over: most come in the morning
 * for the day, a third for a part of it.
 */
static void
staff_roster(struct sim *sim, struct sim_agent *agent, int64_t day)
{
	if (sim->config.flat) {
		agent->came_us = sim->now_us +
		    dice_between(&sim->dice, 0, 10 * USEC_PER_SEC);
		agent->leaves_us = INT64_MAX;
		return;
	}
	for (;; day += COUNCIL_DAY_US) {
		int64_t opens_us = day + COUNCIL_OPENS_US;

		if (!council_works(day) ||
		    sim->now_us >= day + COUNCIL_CLOSES_US)
			continue;
		agent->came_us = opens_us + staff_minutes(sim, -15, 60);
		agent->leaves_us = opens_us + staff_minutes(sim, 480, 605);
		if (dice_chance(&sim->dice, 330000))
			agent->leaves_us =
			    agent->came_us + staff_minutes(sim, 240, 330);
		if (agent->leaves_us > sim->now_us + STAFF_MINUTE_US)
			break;
	}
	if (agent->came_us < sim->now_us) /* the run begins in mid-shift */
		agent->came_us = sim->now_us +
		    dice_between(&sim->dice, 0, 10 * USEC_PER_SEC);
}

static void
staff_leave(struct sim *sim, struct sim_agent *agent)
{
	unsigned i;

	if (agent->form == STAFF_LOGIN)
		script_login(sim, agent, false);
	else
		script_member(sim, agent, false);
	staff_roster(sim, agent,
	    utc_floor(sim->now_us, COUNCIL_DAY_US) + COUNCIL_DAY_US);
	staff_set(sim, agent, STAFF_OFF, agent->came_us);
	for (i = 0; i < agent->n_skills; i++) {
		if (agent->skills[i]->present == 0)
			caller_empty(sim, agent->skills[i]);
	}
}

static void
staff_pause(struct sim *sim, struct sim_agent *agent, const char *reason,
    int64_t median_us)
{
	int64_t for_us = dice_lognormal(&sim->dice, median_us, 40);

	agent->reason = reason;
	staff_set(sim, agent, STAFF_PAUSED, sim->now_us + for_us);
	script_pause(sim, agent, true);
	agent->pauses_us =
	    sim->now_us + for_us + dice_exp(&sim->dice, STAFF_PAUSES_US);
}

/* The one who has waited longest, over all queues of the agent. */
static struct sim_call *
staff_choose(const struct sim_agent *agent)
{
	struct sim_call *best = NULL;
	unsigned i;

	for (i = 0; i < agent->n_skills; i++) {
		struct sim_call *call = caller_first(agent->skills[i]);

		if (call != NULL && (best == NULL || call->order < best->order))
			best = call;
	}
	return best;
}

static void
staff_ready(struct sim *sim, struct sim_agent *agent)
{
	struct sim_call *call;

	if (sim->now_us >= agent->leaves_us) {
		staff_leave(sim, agent);
		return;
	}
	if (sim->now_us >= agent->pauses_us) {
		const struct council_pause *pause = council_pause(&sim->dice);

		staff_pause(
		    sim, agent, pause->reason, pause->median_s * USEC_PER_SEC);
		return;
	}
	staff_set(sim, agent, STAFF_READY,
	    RT_MIN(agent->leaves_us, agent->pauses_us));
	call = staff_choose(agent);
	if (call != NULL)
		caller_ring(sim, call, agent);
}

static void
staff_come(struct sim *sim, struct sim_agent *agent)
{
	agent->came_us = sim->now_us;
	agent->pauses_us = sim->now_us + dice_exp(&sim->dice, STAFF_PAUSES_US);
	agent->session = sim_id_new(sim);
	if (agent->form == STAFF_LOGIN)
		script_login(sim, agent, true);
	else
		script_member(sim, agent, true);
	staff_ready(sim, agent);
}

void
staff_due(struct sim *sim, struct sim_agent *agent)
{
	if (sim->down) { /* nothing reaches the switch: try again */
		agenda_set(
		    &sim->agenda, &agent->due, sim->now_us + 30 * USEC_PER_SEC);
		return;
	}
	switch (agent->state) {
	case STAFF_OFF:
		staff_come(sim, agent);
		break;
	case STAFF_PAUSED:
		script_pause(sim, agent, false);
		staff_ready(sim, agent);
		break;
	default: /* done with writing, or time for a pause or home */
		staff_ready(sim, agent);
		break;
	}
}

struct sim_agent *
staff_find(struct sim_queue *queue)
{
	uint32_t i;

	if (queue->ready == 0)
		return NULL;
	for (i = 0; i < queue->n_members; i++) {
		struct sim_agent *agent = queue->members[queue->turn];

		queue->turn = (queue->turn + 1) % queue->n_members;
		if (agent->state == STAFF_READY)
			return agent;
	}
	BUG("queue %s has ready agents and none is found", queue->name);
}

void
staff_busy(struct sim *sim, struct sim_agent *agent)
{
	BUG_ON(agent->state != STAFF_READY);
	staff_set(sim, agent, STAFF_BUSY, INT64_MAX);
}

void
staff_free(struct sim *sim, struct sim_agent *agent, int64_t wrap_us)
{
	BUG_ON(agent->state != STAFF_BUSY);
	staff_set(sim, agent, STAFF_WRAP, sim->now_us + wrap_us);
}

void
staff_autopause(struct sim *sim, struct sim_agent *agent)
{
	BUG_ON(agent->state != STAFF_BUSY);
	staff_pause(sim, agent, "Auto-Pause", 3 * STAFF_MINUTE_US);
}

/*
 * Dynamic members and their pauses come back from the switch's own database,
 * without a line; who had logged in by phone must do so again.
 */
void
staff_restart(struct sim *sim, struct sim_agent *agent)
{
	if (agent->state == STAFF_OFF)
		return;
	if (agent->form == STAFF_LOGIN) {
		staff_set(sim, agent, STAFF_OFF,
		    sim->now_us + staff_minutes(sim, 0, 2));
		agent->pauses_us = INT64_MAX;
	} else if (agent->state != STAFF_PAUSED) {
		staff_set(sim, agent, STAFF_WRAP,
		    sim->now_us + dice_between(&sim->dice, 0, 1000000));
	}
}

/* Queues in proportion to their calls, each at least one agent. */
static struct sim_queue *
staff_first_skill(const struct sim *sim, uint32_t agent, uint64_t *given)
{
	uint32_t i, best = 0;
	int64_t most = INT64_MIN;

	if (agent < sim->config.queues)
		return &sim->queues[agent];
	for (i = 0; i < sim->config.queues; i++) {
		int64_t owed =
		    (int64_t)sim->queues[i].kind->weight * (agent + 1) -
		    (int64_t)given[i] * sim->weight;

		if (owed > most) {
			most = owed;
			best = i;
		}
	}
	return &sim->queues[best];
}

static void
staff_add_skill(struct sim_agent *agent, struct sim_queue *queue)
{
	unsigned i;

	for (i = 0; i < agent->n_skills; i++) {
		if (agent->skills[i] == queue)
			return;
	}
	agent->skills[agent->n_skills++] = queue;
	queue->n_members++;
}

static void
staff_name(struct sim_agent *agent, uint32_t index)
{
	char *name = agent->name, *iface = agent->iface;
	size_t size = COUNCIL_NAME_MAX;
	int n;

	agent->number = 2001 + index;
	agent->form = index % 10 < 6 ? STAFF_NAMED
	    : index % 10 < 8	     ? STAFF_PLAIN
				     : STAFF_LOGIN;
	snprintf(iface, size, "PJSIP/%" PRIu32, agent->number);
	if (agent->form == STAFF_NAMED) {
		n = council_agent_name(name, size, index);
	} else if (agent->form == STAFF_PLAIN) {
		n = snprintf(name, size, "PJSIP/%" PRIu32, agent->number);
	} else {
		n = snprintf(name, size, "Agent/%" PRIu32, agent->number);
		snprintf(iface, size, "%" PRIu32, agent->number);
	}
	agent->name_len = (uint32_t)n;
}

/* Turns the lists of queues by agent into those of agents by queue. */
static void
staff_enlist(struct sim *sim)
{
	uint32_t i, total = 0;
	unsigned j;

	for (i = 0; i < sim->config.queues; i++)
		total += sim->queues[i].n_members;
	sim->members = mem_alloc(total * sizeof(struct sim_agent *));
	total = 0;
	for (i = 0; i < sim->config.queues; i++) {
		struct sim_queue *queue = &sim->queues[i];

		queue->members = sim->members + total;
		total += queue->n_members;
		queue->max_waiting = 10 + 2 * queue->n_members;
		queue->n_members = 0;
	}
	for (i = 0; i < sim->config.agents; i++) {
		for (j = 0; j < sim->agents[i].n_skills; j++) {
			struct sim_queue *queue = sim->agents[i].skills[j];

			queue->members[queue->n_members++] = &sim->agents[i];
		}
	}
}

void
staff_init(struct sim *sim)
{
	uint64_t *given = mem_zalloc(sim->config.queues * sizeof(*given));
	uint32_t i, j;

	for (i = 0; i < sim->config.agents; i++) {
		struct sim_agent *agent = &sim->agents[i];
		struct sim_queue *first = staff_first_skill(sim, i, given);
		uint32_t more = dice_below(&sim->dice, SIM_SKILLS);

		given[first->index]++;
		staff_add_skill(agent, first);
		for (j = 0; j < more; j++)
			staff_add_skill(agent,
			    &sim->queues[dice_below(
				&sim->dice, sim->config.queues)]);
		staff_name(agent, i);
		agent->due.kind = DUE_AGENT;
		staff_roster(
		    sim, agent, utc_floor(sim->now_us, COUNCIL_DAY_US));
		staff_set(sim, agent, STAFF_OFF, agent->came_us);
	}
	free(given);
	staff_enlist(sim);
}
