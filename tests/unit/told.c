/* SPDX-License-Identifier: BSD-2-Clause */
#include "told.h"

static void
told_keep(void *ctx, const struct visit *v RT_UNUSED)
{
	((struct told_to *)ctx)->kept++;
}

static void
told_corrected(void *ctx, struct visit *v, enum outcome before)
{
	struct told_to *t = ctx;

	t->corrected++;
	t->before = before;
	t->after = (enum outcome)v->outcome;
}

void
told_begin(struct told_to *t, unsigned n_feeds)
{
	unsigned i;

	*t = (struct told_to){.kept = 0};
	played_init(&t->played);
	played_start(&t->played, n_feeds);
	t->played.machine.config.keep = told_keep;
	t->played.machine.config.corrected = told_corrected;
	t->played.machine.config.ctx = t;
	for (i = 0; i < n_feeds; i++)
		t->played.machine.config.facts[i] =
		    asterisk_queue_log_stage.facts;
}

struct event
told_event(enum event_kind kind, int64_t at_s, const char *call)
{
	return (struct event){.kind = kind,
	    .time_us = T0_US + at_s * USEC_PER_SEC,
	    .name = SLICE("TOLD"),
	    .call = slice_of(call),
	    .queue = SLICE("q"),
	    .wait_ms = EVENT_UNKNOWN_MS,
	    .ring_ms = EVENT_UNKNOWN_MS,
	    .talk_ms = EVENT_UNKNOWN_MS,
	    .session_ms = EVENT_UNKNOWN_MS};
}

void
told_give(struct told_to *t, unsigned slot, struct event ev)
{
	ev.feed = ev.slot = slot;
	(void)machine_expect(&t->played.machine, &ev);
	machine_event(&t->played.machine, &ev, &t->counters);
}

int64_t
told_sum(struct told_to *t, enum measure measure)
{
	return tally_cell(tally_queue(&t->played.tally, SLICE("q")), T0_US)
	    ->v[measure];
}

int64_t
told_agent_sum(struct told_to *t, enum agent_measure measure)
{
	struct tally *tally = &t->played.tally;
	const struct agent_cell *cell;
	int64_t sum = 0;

	TAILQ_FOREACH (cell, &tally->agent_changed, list)
		if (cell->agent == tally_agent(tally, SLICE("Jo")))
			sum += cell->v[measure];
	return sum;
}

struct event
told_summary(int64_t at_s, const char *call, int64_t began_s,
    enum outcome outcome, int64_t wait_ms, int64_t talk_ms)
{
	struct event ev = told_event(EVENT_SUMMARY, at_s, call);

	ev.begin_us = T0_US + began_s * USEC_PER_SEC;
	ev.outcome = outcome;
	ev.wait_ms = wait_ms;
	ev.talk_ms = talk_ms;
	ev.agent = SLICE("Jo");
	return ev;
}

struct event
told_present(int64_t at_s, const char *call, int64_t since_s)
{
	struct event ev = told_event(EVENT_ENTER, at_s, call);

	ev.flags = EVENT_PRESENT;
	ev.begin_us = T0_US + since_s * USEC_PER_SEC;
	return ev;
}
