/* SPDX-License-Identifier: BSD-2-Clause */
/* A machine as the database remembers it, before it is told anything. */
#include "base/base.h"
#include "call/merge.h"
#include "call/visit_inner.h"

void
machine_restore_clock(
    struct machine *m, int64_t clock_us, int64_t leap_us, int64_t forgotten_us)
{
	m->clock_us = clock_us;
	/* a first time that was wrong may have been stored */
	m->forgotten_us = RT_MIN(forgotten_us, clock_us - MACHINE_LINGER_US);
	m->leap_us = leap_us;
	if (leap_us != clock_us)
		sessions_clock(&m->sessions, clock_us);
}

void
machine_restore_feed(
    struct machine *m, unsigned slot, const struct machine_feed *feed)
{
	BUG_ON(slot >= MACHINE_FEEDS);
	m->feeds[slot] = *feed;
}

void
machine_restore_former(struct machine *m, int64_t first_us, int64_t last_us)
{
	/* a first time that was wrong may have been stored before it was known
	 */
	int64_t until_us = RT_MIN(last_us, m->clock_us);
	struct machine_former former = {first_us, until_us,
	    RT_MIN(until_us, m->clock_us - MACHINE_LINGER_US)};

	if (first_us == 0)
		return;
	m->former = mem_realloc(m->former, m->n_former + 1, sizeof(*m->former));
	m->former[m->n_former++] = former;
}

void
machine_restore(struct machine *m, const struct visit *like,
    struct slice call_id, struct slice queue, struct slice agent)
{
	struct event ev = {.call = call_id};
	struct call *call;
	struct visit *v = pool_get(&m->visit_pool), **at;

	(void)machine_expect(m, &ev);
	call = call_find(m, call_id, ev.call_hash, true);
	at = &call->visits;
	*v = *like;
	v->call = call;
	v->queue = tally_queue(m->tally, queue);
	v->agent = agent.n > 0 ? tally_agent(m->tally, agent) : NULL;
	v->cell = NULL;
	v->caller_number = NULL;
	if (like->heard != NULL) {
		v->heard = pool_get(&m->heard_pool);
		*v->heard = *like->heard;
		v->heard->visit = v;
		if (v->state == VISIT_ENDED)
			merge_ended(m, v);
	}
	v->changed = false;
	v->stored = true;
	v->of_other = slice_eq(queue, TALLY_OTHER);
	while (*at != NULL && (*at)->number > v->number)
		at = &(*at)->next; /* newest first */
	v->next = *at;
	*at = v;
	call->entries = RT_MAX(call->entries, v->number);
	TAILQ_INSERT_TAIL(&m->states[v->state], v, list);
	m->in_state[v->state]++;
	if (v->state == VISIT_TALKING && v->agent != NULL)
		LIST_INSERT_HEAD(&v->agent->talks, v, talk_list);
	if (v->state == VISIT_EARLY)
		return;
	v->cell = like->cell != NULL
	    ? tally_cell_of(v->queue, like->cell->starts_us)
	    : tally_cell(v->queue, v->entered_us);
	v->cell->visits++;
	v->cell->waiting += v->state == VISIT_WAITING;
}
