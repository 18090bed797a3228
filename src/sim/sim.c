/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "sim/world.h"

#define SIM_RELOAD_US ((6 * 60 + 25) * 60 * USEC_PER_SEC) /* cron.daily's */
#define SIM_DOWN_US   (25 * USEC_PER_SEC)

struct sim_id
sim_id_new(struct sim *sim)
{
	struct sim_id id;
	int n = snprintf(id.text, sizeof(id.text), "%" PRId64 ".%" PRIu64,
	    sim->now_s, sim->channels++);

	id.n = (uint32_t)n;
	return id;
}

static int
sim_check(const struct sim_config *config, struct err *err)
{
	if (config->queues < 1 || config->queues > SIM_QUEUES_MAX)
		return err_set(err, "queues must be 1 to %d", SIM_QUEUES_MAX);
	if (config->agents < config->queues || config->agents > SIM_AGENTS_MAX)
		return err_set(err,
		    "agents must be %" PRIu32 " (one for each queue) to %d",
		    config->queues, SIM_AGENTS_MAX);
	if (config->rate < 1 || config->rate > SIM_RATE_MAX)
		return err_set(
		    err, "the rate must be 0.001 to %d", SIM_RATE_MAX / 1000);
	if (config->interval_s < 1 || SEC_PER_DAY % config->interval_s != 0)
		return err_set(err, "the interval must divide a day");
	if (config->start_us < 0 || config->end_us < config->start_us)
		return err_set(err, "the start must be after 1970");
	return 0;
}

static void
sim_make_queues(struct sim *sim)
{
	uint32_t i;

	for (i = 0; i < sim->config.queues; i++) {
		struct sim_queue *queue = &sim->queues[i];
		uint32_t kind = i % COUNCIL_KINDS;
		uint32_t over = i - kind + COUNCIL_SWITCHBOARD;

		queue->kind = &council_queues[kind];
		queue->index = i;
		queue->name_len = (uint32_t)council_queue_name(
		    queue->name, sizeof(queue->name), i);
		snprintf(
		    queue->exten, sizeof(queue->exten), "%" PRIu32, 8000 + i);
		if (over != i && over < sim->config.queues)
			queue->overflow = &sim->queues[over];
		TAILQ_INIT(&queue->waiters);
		sim->weight += queue->kind->weight;
	}
}

/* The next time of that day's hour, after from_us. */
static int64_t
sim_daily(int64_t from_us, int64_t of_day_us)
{
	int64_t at_us = utc_floor(from_us, COUNCIL_DAY_US) + of_day_us;

	return at_us > from_us ? at_us : at_us + COUNCIL_DAY_US;
}

static void
sim_plan(struct sim *sim)
{
	sim->power.kind = DUE_SWITCH;
	sim->reload.kind = DUE_RELOAD;
	sim->arrival.kind = DUE_ARRIVAL;
	sim->down = true;
	agenda_set(&sim->agenda, &sim->power, sim->now_us);
	agenda_set(
	    &sim->agenda, &sim->reload, sim_daily(sim->now_us, SIM_RELOAD_US));
	agenda_set(&sim->agenda, &sim->arrival, sim->now_us);
}

struct sim *
sim_new(const struct sim_config *config, struct sim_sink *sink, struct err *err)
{
	struct sim *sim;

	if (sim_check(config, err) < 0)
		return NULL;
	sim = mem_zalloc(sizeof(*sim));
	sim->config = *config;
	sim->sink = sink;
	sim->now_us = config->start_us;
	sim->now_s = sim_whole(sim->now_us);
	sim->stamp_s = -1;
	TAILQ_INIT(&sim->open);
	TAILQ_INIT(&sim->intervals);
	pool_init(&sim->call_pool, sizeof(struct sim_call));
	dice_seed(&sim->dice, config->seed);
	dice_seed(&sim->noise, ~config->seed);
	dice_seed(&sim->judge, config->seed + 1);
	dice_seed(&sim->again, config->seed ^ UINT64_C(0x616761696e));
	sim->queues = mem_zalloc(config->queues * sizeof(*sim->queues));
	sim->agents = mem_zalloc(config->agents * sizeof(*sim->agents));
	sim_make_queues(sim);
	sim_plan(sim);
	staff_init(sim);
	return sim;
}

void
sim_free(struct sim *sim)
{
	if (sim == NULL)
		return;
	truth_fini(sim);
	agenda_fini(&sim->agenda);
	pool_fini(&sim->call_pool);
	free(sim->members);
	free(sim->agents);
	free(sim->queues);
	free(sim);
}

static void
sim_start(struct sim *sim)
{
	uint32_t i;

	sim->down = false;
	sim->channels = 0;
	script_quiet(sim);
	script_event(sim, "QUEUESTART");
	script_quiet(sim);
	caller_lost(sim);
	for (i = 0; i < sim->config.agents; i++)
		staff_restart(sim, &sim->agents[i]);
}

static void
sim_crash(struct sim *sim)
{
	struct sim_call *call;

	sim->down = true;
	sim->config.crash_min = -1;
	TAILQ_FOREACH (call, &sim->open, open)
		agenda_cancel(&sim->agenda, &call->due);
	agenda_set(&sim->agenda, &sim->power, sim->now_us + SIM_DOWN_US);
}

static void
sim_power(struct sim *sim)
{
	if (!sim->down) {
		sim_crash(sim);
		return;
	}
	sim_start(sim);
	if (sim->config.crash_min >= 0)
		agenda_set(&sim->agenda, &sim->power,
		    sim_daily(sim->now_us,
			sim->config.crash_min * 60 * USEC_PER_SEC));
}

static void
sim_reload(struct sim *sim)
{
	if (!sim->down)
		script_event(sim, "CONFIGRELOAD");
	agenda_set(
	    &sim->agenda, &sim->reload, sim_daily(sim->now_us, SIM_RELOAD_US));
}

int64_t
sim_next(const struct sim *sim)
{
	if (sim->closed && TAILQ_EMPTY(&sim->open))
		return INT64_MAX;
	return agenda_next(&sim->agenda);
}

void
sim_step(struct sim *sim)
{
	int64_t at_us = agenda_next(&sim->agenda);
	struct due *due = agenda_take(&sim->agenda);

	BUG_ON(at_us < sim->now_us);
	sim->now_us = at_us;
	sim->now_s = sim_whole(at_us);
	switch ((enum due_kind)due->kind) {
	case DUE_CALL:
		caller_due(sim, (struct sim_call *)due);
		break;
	case DUE_AGENT:
		staff_due(sim, (struct sim_agent *)due);
		break;
	case DUE_ARRIVAL:
		caller_arrive(sim);
		break;
	case DUE_RELOAD:
		sim_reload(sim);
		break;
	case DUE_SWITCH:
		sim_power(sim);
		break;
	}
}

void
sim_quiet(struct sim *sim)
{
	script_quiet(sim);
}

void
sim_end(struct sim *sim)
{
	struct sim_call *call;

	script_quiet(sim);
	TAILQ_FOREACH (call, &sim->open, open)
		truth_close(sim, call,
		    call->state == CALLER_TALKING ? OUTCOME_ANSWERED
						  : OUTCOME_NONE,
		    -1);
	truth_settle(sim, true);
}
