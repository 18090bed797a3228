/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/utc.h"
#include "call/merge.h"
#include "tally/live.h"

#define MACHINE_LEAP_US	     (SEC_PER_DAY * USEC_PER_SEC)
#define MACHINE_OPTIMISED_US (5 * USEC_PER_SEC)
#define MACHINE_LOOKS	     1000 /* at visits in vain, for one event */

static void
machine_count(struct machine *m, enum counter counter)
{
	m->counters->v[counter]++;
}

/* --- whom an event is about ---------------------------------------------- */

/*
 * Which of a call's visits to a queue an event is about: the first state in
 * this order that one of them is in, the newest of those.
 */
static const uint8_t machine_prefers[VISIT_EVENTS][VISIT_STATES] = {
    [VISIT_EVENT_ENTER] = {VISIT_EARLY, VISIT_WAITING, VISIT_TALKING,
	VISIT_ENDED},
    [VISIT_EVENT_CONNECT] = {VISIT_WAITING, VISIT_EARLY, VISIT_TALKING,
	VISIT_ENDED},
    [VISIT_EVENT_COMPLETE] = {VISIT_TALKING, VISIT_WAITING, VISIT_EARLY,
	VISIT_ENDED},
    [VISIT_EVENT_LEAVE] = {VISIT_WAITING, VISIT_EARLY, VISIT_TALKING,
	VISIT_ENDED},
};

static struct visit *
machine_choose(
    const struct call *call, const struct queue *queue, enum visit_event what)
{
	struct visit *best[VISIT_STATES] = {NULL};
	struct visit *v = call->visits;
	int i;

	if (RT_LIKELY(v != NULL && v->next == NULL))
		return v->queue == queue ? v : NULL;
	for (; v != NULL; v = v->next)
		if (v->queue == queue && best[v->state] == NULL)
			best[v->state] = v;
	for (i = 0; i < VISIT_STATES; i++)
		if (best[machine_prefers[what][i]] != NULL)
			return best[machine_prefers[what][i]];
	return NULL;
}

/* Which of two conversations began first; in an order that restarts keep. */
static bool
machine_is_older(const struct visit *a, const struct visit *b)
{
	if (a->answered_us != b->answered_us)
		return a->answered_us < b->answered_us;
	if (a->file_no != b->file_no)
		return a->file_no < b->file_no;
	return a->offset < b->offset;
}

/* How far an end is from where it should be if it were this conversation's. */
static int64_t
machine_misses(const struct visit *v, const struct event *ev)
{
	if (ev->talk_ms == EVENT_UNKNOWN_MS)
		return 0;
	return llabs(
	    ev->time_us - ev->talk_ms * USEC_PER_MSEC - v->answered_us);
}

/* The conversation that fits a completion best, of those that were looked at.
 */
struct machine_match {
	const struct queue *queue;
	const struct agent *agent;
	const struct event *ev;
	struct visit *found;
	int64_t misses;
};

/* Another feed may have told the wait to the millisecond. */
static bool
machine_waited(const struct visit *v, int64_t wait_ms)
{
	return v->wait_ms == wait_ms ||
	    (v->heard != NULL && v->wait_ms != EVENT_UNKNOWN_MS &&
		llabs(v->wait_ms - wait_ms) * USEC_PER_MSEC < USEC_PER_SEC);
}

static void
machine_match(struct machine_match *match, struct visit *v)
{
	int64_t misses;

	if ((v->queue != match->queue && !v->of_other) ||
	    v->agent != match->agent || !machine_waited(v, match->ev->wait_ms))
		return;
	misses = machine_misses(v, match->ev);
	if (misses > match->misses ||
	    (misses == match->misses && match->found != NULL &&
		!machine_is_older(v, match->found)))
		return;
	match->misses = misses;
	match->found = v;
}

/*
 * A completion under a call id that has no visit in this queue: Asterisk wrote
 * another channel's id because the caller's was optimised away. The
 * conversation of the same agent, queue and wait is the one that ended, if it
 * began when the completion says (all 84 of the recording did, to the second);
 * also one that another feed ended without knowing how long it was.
 */
static struct visit *
machine_optimised(
    struct machine *m, struct queue *queue, const struct event *ev)
{
	struct machine_match match = {
	    .queue = queue, .ev = ev, .misses = MACHINE_OPTIMISED_US};
	struct agent *agent;
	struct visit *v;
	struct heard *h;
	int looks = MACHINE_LOOKS;

	if (ev->agent.n == 0 || ev->wait_ms == EVENT_UNKNOWN_MS)
		return NULL;
	match.agent = agent = tally_agent(m->tally, ev->agent);
	LIST_FOREACH (v, &agent->talks, talk_list) {
		if (looks-- == 0)
			break;
		machine_match(&match, v);
	}
	if (match.found != NULL)
		return match.found;
	TAILQ_FOREACH (h, &m->unkept[true], list) {
		if (looks-- <= 0)
			break;
		if (merge_lacks_end(h, ev))
			machine_match(&match, h->visit);
	}
	return match.found;
}

/* Heard of for the first time, and it is not an arrival. */
static void
machine_early(struct machine *m, struct queue *queue, enum visit_event what,
    const struct event *ev)
{
	struct visit *v = NULL;

	if (what == VISIT_EVENT_COMPLETE)
		v = machine_optimised(m, queue, ev);
	if (v != NULL)
		machine_count(m, COUNTER_repaired);
	else
		v = visit_new(m, call_find(m, ev->call, ev->call_hash, true),
		    queue, VISIT_EARLY);
	if (m->config.n_feeds > 1) {
		merge_note(m, v, what, ev);
		if (merge_again(m, v, what, ev))
			return;
	}
	visit_event(m, v, what, ev);
}

static struct queue *
machine_queue(struct machine *m, struct slice name)
{
	uint64_t capped = m->tally->capped;
	struct queue *queue = tally_queue(m->tally, name);

	m->counters->v[COUNTER_capped] += m->tally->capped - capped;
	return queue;
}

/* The queue that an event of this call names: mostly the one it is in. */
static struct queue *
machine_queue_of(struct machine *m, const struct call *call, struct slice name)
{
	if (call != NULL && call->visits != NULL) {
		struct queue *queue = call->visits->queue;

		if (queue->name_len == name.n &&
		    slice_same(queue->name, name.p, name.n))
			return queue;
	}
	return machine_queue(m, name);
}

/*
 * The queue in which what is told of a call was counted: the one that is named,
 * mostly. A visit that was begun before a restart may have been of one queue
 * too many, and be counted in "other", while its queue has a name by now.
 */
static struct queue *
machine_counted(const struct call *call, struct queue *queue)
{
	struct queue *other = NULL;
	const struct visit *v;

	for (v = call != NULL ? call->visits : NULL; v != NULL; v = v->next) {
		if (v->queue == queue)
			return queue;
		if (v->of_other && other == NULL)
			other = v->queue;
	}
	return other != NULL ? other : queue;
}

/* The same where several feeds tell of the switch. */
static void
machine_merge(struct machine *m, enum visit_event what, struct call *call,
    struct queue *queue, const struct event *ev)
{
	struct queue *counted = machine_counted(call, queue);
	struct visit *v;

	if (what != VISIT_EVENT_ENTER)
		queue = counted;
	else if (merge_arrived_before(m, call, counted, ev))
		return;
	v = merge_choose(m, call, queue, what, ev);
	if (v == NULL && what != VISIT_EVENT_ENTER && call != NULL)
		v = machine_choose(call, queue, what);
	if (v == NULL && merge_is_too_old(m, ev)) {
		machine_count(m, COUNTER_late);
		call_forget_empty(m, call);
		return;
	}
	if (v == NULL && what == VISIT_EVENT_ENTER) {
		visit_begin(m, call, queue, ev);
	} else if (v != NULL && what == VISIT_EVENT_ENTER &&
	    merge_says_again(v, ev)) {
		machine_count(m, COUNTER_repeated);
	} else if (v == NULL) {
		machine_early(m, queue, what, ev);
	} else {
		if (what != VISIT_EVENT_ENTER) {
			merge_note(m, v, what, ev);
			if (merge_again(m, v, what, ev))
				return;
		}
		visit_event(m, v, what, ev);
	}
}

static void
machine_refuse(struct machine *m, const struct event *ev)
{
	struct queue *queue;
	struct call *call;

	if (ev->call.n == 0 || ev->queue.n == 0) {
		machine_count(m, COUNTER_unmatched);
		return;
	}
	call = call_find(m, ev->call, ev->call_hash, true);
	queue = machine_queue(m, ev->queue);
	if (m->config.n_feeds > 1 &&
	    merge_arrived_before(m, call, machine_counted(call, queue), ev))
		return;
	if (m->config.n_feeds > 1 && merge_is_too_old(m, ev)) {
		machine_count(m, COUNTER_late);
		call_forget_empty(m, call);
		return;
	}
	visit_refuse(m, call, queue, ev);
}

/*
 * The visit that a summary is about, the nearest in time; NULL: a new one. Of
 * what its feed has told itself it is another one where it began behind it.
 */
static struct visit *
machine_summarised(const struct machine *m, const struct call *call,
    const struct queue *queue, const struct event *ev)
{
	int64_t miss, least = m->config.n_feeds > 1 ? MERGE_NEAR_US + 1 : 1;
	struct visit *v, *best = NULL;

	for (v = call->visits; v != NULL; v = v->next) {
		if (v->queue != queue || v->state == VISIT_EARLY)
			continue;
		miss = llabs(v->entered_us - ev->begin_us);
		if (miss >= least || (miss > 0 && merge_told_other(v, ev)))
			continue;
		least = miss;
		best = v;
	}
	return best;
}

/* A call that was told of when it was over. */
static void
machine_summary(struct machine *m, const struct event *ev)
{
	enum visit_event what = ev->outcome == OUTCOME_ANSWERED
	    ? VISIT_EVENT_COMPLETE
	    : VISIT_EVENT_LEAVE;
	struct queue *queue;
	struct call *call;
	struct visit *v;

	if (ev->call.n == 0 || ev->queue.n == 0 ||
	    ev->outcome == OUTCOME_NONE) {
		machine_count(m, COUNTER_unmatched);
		return;
	}
	call = call_find(m, ev->call, ev->call_hash, true);
	queue = machine_queue_of(m, call, ev->queue);
	v = machine_summarised(m, call, machine_counted(call, queue), ev);
	if (v == NULL && m->config.n_feeds > 1 && merge_is_too_old(m, ev)) {
		machine_count(m, COUNTER_late);
		call_forget_empty(m, call);
	} else if (v == NULL) {
		visit_summary(m, call, queue, ev);
	} else if (v->heard == NULL) {
		machine_count(m, COUNTER_repeated);
	} else {
		merge_note(m, v, what, ev);
		if (merge_again(m, v, what, ev))
			return;
		if (merge_is_left(m, v, ev))
			visit_end_by_summary(m, v, ev);
		else
			machine_count(m, COUNTER_confirmed);
	}
}

static RT_HOT void
machine_caller(struct machine *m, enum visit_event what, const struct event *ev)
{
	struct queue *queue;
	struct call *call;
	struct visit *v = NULL;

	if (ev->call.n == 0 || ev->queue.n == 0) {
		machine_count(m, COUNTER_unmatched);
		return;
	}
	call = call_find(m, ev->call, ev->call_hash, what == VISIT_EVENT_ENTER);
	queue = machine_queue_of(m, call, ev->queue);
	if (RT_UNLIKELY(m->config.n_feeds > 1)) {
		machine_merge(m, what, call, queue, ev);
		return;
	}
	if (call != NULL)
		v = machine_choose(call, queue, what);
	if (v == NULL && call != NULL && what != VISIT_EVENT_ENTER)
		v = machine_choose(call, machine_counted(call, queue), what);
	if (v != NULL)
		visit_event(m, v, what, ev);
	else if (what == VISIT_EVENT_ENTER)
		visit_begin(m, call, queue, ev);
	else
		machine_early(m, queue, what, ev);
}

/* --- agents ------------------------------------------------------------- */

/*
 * Another feed may have told of the same ring. One of a visit that nobody has
 * told of yet is left to the feed that will.
 */
static bool
machine_ring_is_new(
    struct machine *m, struct queue *queue, const struct event *ev)
{
	struct call *call;
	struct visit *v;

	if (ev->call.n == 0)
		return merge_leads(m, ev, STAGE_FACT_ring);
	call = call_find(m, ev->call, ev->call_hash, false);
	v = merge_choose(
	    m, call, machine_counted(call, queue), VISIT_EVENT_COMPLETE, ev);
	if (v == NULL && merge_is_too_old(m, ev)) {
		if (merge_rings_alone(m, ev))
			return true;
		machine_count(m, COUNTER_late);
	}
	return v != NULL && merge_ring(m, v, ev->slot);
}

static void
machine_ring(struct machine *m, const struct event *ev)
{
	struct queue *queue;

	if (ev->queue.n == 0)
		return;
	queue = machine_queue(m, ev->queue);
	if (m->config.n_feeds > 1 && !machine_ring_is_new(m, queue, ev))
		return;
	tally_book(m->tally, tally_cell(queue, ev->time_us),
	    MEASURE_ring_no_answer, 1);
	if (m->tally->live != NULL)
		live_touch(m->tally->live, queue);
	if (ev->agent.n > 0 && !m->tally->config.without_agents)
		tally_book_agent(m->tally, machine_agent(m, ev), queue,
		    ev->time_us, AGENT_ring_no_answer, 1);
}

static void
machine_wrap_up(struct machine *m, const struct event *ev)
{
	struct queue *queue =
	    ev->queue.n > 0 ? machine_queue(m, ev->queue) : NULL;
	int64_t until_us = ev->time_us + ev->session_ms * USEC_PER_MSEC;
	struct agent *agent;

	if (ev->agent.n == 0 || ev->session_ms == EVENT_UNKNOWN_MS)
		return;
	if (queue != NULL) {
		tally_book(m->tally, tally_cell(queue, ev->time_us),
		    MEASURE_wrap_up_ms, ev->session_ms);
		if (m->tally->live != NULL)
			live_touch(m->tally->live, queue);
	}
	agent = machine_agent(m, ev);
	agent->wrap_up_queue = queue;
	agent->wrap_up_us = ev->time_us;
	agent->wrap_up_until_us = until_us;
	tally_book_span(
	    m->tally, agent, queue, AGENT_wrap_up_ms, ev->time_us, until_us);
}

static void
machine_session(struct machine *m, const struct event *ev)
{
	struct queue *queue;
	struct agent *agent;

	/* sessions are there for the agents' figures alone */
	if (m->tally->config.without_agents)
		return;
	queue = ev->queue.n > 0 ? machine_queue(m, ev->queue) : NULL;
	agent = machine_agent(m, ev);
	if (agent == NULL)
		return;
	sessions_event(&m->sessions, agent, queue, ev);
	if (ev->kind == EVENT_LOGOFF &&
	    (queue == NULL || queue == agent->wrap_up_queue))
		agent->wrap_up_until_us = 0;
}

/* Whether somebody else tells of this agent's doings. */
static bool
machine_agent_is_told(struct machine *m, const struct event *ev)
{
	enum stage_fact fact = ev->kind == EVENT_WRAP_UP ? STAGE_FACT_wrap_up
	    : ev->kind == EVENT_PAUSE || ev->kind == EVENT_UNPAUSE
	    ? STAGE_FACT_pause
	    : STAGE_FACT_login;

	if (merge_was_told(m, ev->time_us)) {
		machine_count(m, COUNTER_late);
		return true;
	}
	if (m->config.n_feeds <= 1)
		return false;
	/* a picture is of one mind, whoever falls silent meanwhile */
	if ((ev->flags & EVENT_PRESENT) != 0 &&
		    m->feeds[ev->slot].picture_us != 0
		? m->feeds[ev->slot].pictures_agents
		: merge_leads(m, ev, fact))
		return false;
	machine_count(m, COUNTER_confirmed);
	return true;
}

/* --- how things stand after a connection --------------------------------- */

static uint8_t
machine_bit(const struct event *ev)
{
	return (uint8_t)(1U << ev->slot);
}

static void
machine_picture(struct machine *m, const struct event *ev)
{
	struct machine_feed *feed = &m->feeds[ev->slot];
	struct visit *v;

	TAILQ_FOREACH (v, &m->states[VISIT_WAITING], list)
		v->pictured &= (uint8_t)~machine_bit(ev);
	sessions_picture(&m->sessions, ev->slot);
	feed->picture_us = ev->time_us;
	feed->pictures_agents =
	    m->config.n_feeds <= 1 || merge_leads(m, ev, STAGE_FACT_login);
}

/* Who waits in the picture: known, gone on since, or arrived unheard. */
static void
machine_present(struct machine *m, const struct event *ev)
{
	struct event arrival = *ev;
	struct queue *queue, *counted;
	struct call *call;
	struct visit *v;

	if (ev->call.n == 0 || ev->queue.n == 0) {
		machine_count(m, COUNTER_unmatched);
		return;
	}
	call = call_find(m, ev->call, ev->call_hash, true);
	queue = machine_queue_of(m, call, ev->queue);
	counted = machine_counted(call, queue);
	for (v = call->visits; v != NULL; v = v->next)
		if (v->queue == counted &&
		    (v->state == VISIT_WAITING ||
			(v->state != VISIT_EARLY &&
			    llabs(v->entered_us - ev->begin_us) <=
				MERGE_NEAR_US)))
			break;
	if (v != NULL) {
		v->pictured |= machine_bit(ev);
		if (m->config.n_feeds > 1)
			merge_note(m, v, VISIT_EVENT_ENTER, ev);
		machine_count(m, COUNTER_repeated);
		return;
	}
	arrival.time_us = ev->begin_us != 0 ? ev->begin_us : ev->time_us;
	visit_begin(m, call, queue, &arrival);
	call->visits->pictured |= machine_bit(ev);
}

/* The picture is complete: who was waiting before and is not in it has left. */
static void
machine_picture_end(struct machine *m, const struct event *ev)
{
	struct machine_feed *feed = &m->feeds[ev->slot];
	struct visit *v, *next;

	if (feed->picture_us == 0)
		return; /* of one that was begun before we were */
	for (v = TAILQ_FIRST(&m->states[VISIT_WAITING]); v != NULL; v = next) {
		next = TAILQ_NEXT(v, list);
		if ((v->pictured & machine_bit(ev)) == 0 &&
		    v->entered_us < feed->picture_us &&
		    (v->heard == NULL || merge_is_left(m, v, ev)))
			visit_lose(m, v, ev->time_us, SLICE("left unheard"));
	}
	if (feed->pictures_agents)
		sessions_picture_end(
		    &m->sessions, ev->slot, feed->picture_us, ev->time_us);
	feed->picture_us = 0;
}

/* --- the switch and its clock ------------------------------------------- */

/* The switch started again at t_us: what was open has ended without a word. */
static void
machine_restart(struct machine *m, int64_t t_us)
{
	static const enum visit_state open[] = {VISIT_WAITING, VISIT_TALKING};
	struct visit *v, *next;
	int spared = 0;
	size_t i;

	for (i = 0; i < RT_COUNT(open); i++)
		for (v = TAILQ_FIRST(&m->states[open[i]]);
		     v != NULL && spared < MACHINE_LOOKS; v = next) {
			next = TAILQ_NEXT(v, list);
			if (v->entered_us > t_us)
				spared++;
			else
				visit_lose(m, v, t_us, SLICE("switch restart"));
		}
	sessions_restart(&m->sessions, t_us);
}

static void
machine_give_up(struct machine *m, struct visit *v)
{
	if (v->state == VISIT_EARLY) {
		machine_count(m, COUNTER_unmatched);
		visit_free(m, v);
	} else {
		visit_lose(m, v, m->clock_us, SLICE("never heard of again"));
	}
}

/*
 * Is it the newest entry of a call of which older ones stay? Its number must
 * not be given again. Older ones whose time has come too do not stay, whoever
 * of them comes first.
 */
static bool
machine_still_counts(const struct visit *v, int64_t linger_us)
{
	const struct visit *older;

	if (v != v->call->visits)
		return false;
	for (older = v->next; older != NULL; older = older->next)
		if (older->state != VISIT_ENDED ||
		    older->touched_us >= linger_us)
			return true;
	return false;
}

/*
 * Asks for what is touched when this visit goes and the next one is looked at:
 * nobody has for ten minutes.
 */
static inline void
machine_expire_near(const struct visit *v)
{
	__builtin_prefetch(v->call);
	__builtin_prefetch(TAILQ_NEXT(v, list));
}

/* Lets go of what nothing was heard of for too long. */
static RT_HOT void
machine_expire(struct machine *m)
{
	int64_t lost_us = m->clock_us - m->config.lost_after_us;
	int64_t linger_us = m->config.n_feeds > 1
	    ? merge_linger_us(m)
	    : m->clock_us - MACHINE_LINGER_US;
	struct visit *v;
	int state;

	if (m->config.n_feeds > 1)
		merge_keep(m);
	for (state = VISIT_EARLY; state <= VISIT_TALKING; state++)
		while ((v = TAILQ_FIRST(&m->states[state])) != NULL &&
		    v->touched_us < lost_us)
			machine_give_up(m, v);
	while ((v = TAILQ_FIRST(&m->states[VISIT_ENDED])) != NULL &&
	    v->touched_us < linger_us) {
		machine_expire_near(v);
		if (machine_still_counts(v, linger_us))
			visit_touch(m, v);
		else
			visit_free(m, v);
	}
	if (v != NULL)
		machine_expire_near(v);
}

/* More visits in memory than allowed: the longest untouched ones go. */
static void
machine_shed(struct machine *m)
{
	static const enum visit_state order[] = {
	    VISIT_ENDED, VISIT_EARLY, VISIT_TALKING, VISIT_WAITING};
	struct visit *v = NULL;
	size_t i;

	for (i = 0; i < RT_COUNT(order) && v == NULL; i++)
		v = TAILQ_FIRST(&m->states[order[i]]);
	if (v->state == VISIT_ENDED)
		visit_free(m, v);
	else
		machine_give_up(m, v);
}

/* What was heard of while the clock was in doubt was heard of at t_us. */
static void
machine_settle(struct machine *m, int64_t marked_us, int64_t t_us)
{
	struct visit *v;
	int state;

	for (state = 0; state < VISIT_STATES; state++)
		TAILQ_FOREACH_REVERSE(v, &m->states[state], visit_list, list)
		{
			if (v->touched_us != marked_us)
				break;
			v->touched_us = t_us;
			visit_changed(m, v);
		}
	m->leap_us = 0;
}

static RT_HOT void
machine_set_clock(struct machine *m, int64_t t_us)
{
	m->clock_us = t_us;
	sessions_clock(&m->sessions, t_us);
	machine_expire(m);
}

/*
 * The clock's very first value is believed when the next event is near it; one
 * broken time stamp at the head of a log, or right behind it, must not set the
 * clock. Until then the last event is taken for the first.
 */
static void
machine_first_clock(struct machine *m, int64_t t_us)
{
	if (m->clock_us != 0 && t_us >= m->clock_us - MACHINE_LEAP_US &&
	    t_us <= m->clock_us + MACHINE_LEAP_US) {
		machine_settle(m, machine_touch(m), m->clock_us);
		machine_set_clock(m, RT_MAX(m->clock_us, t_us));
	} else {
		m->clock_us = m->leap_us = t_us;
	}
}

/*
 * Moves the event clock. It never goes back, but for its very first value; a
 * leap forward must be confirmed by one more event.
 */
static RT_HOT void
machine_clock(struct machine *m, int64_t t_us)
{
	if (t_us < m->clock_us)
		machine_count(m, COUNTER_out_of_order);
	if (m->clock_us == 0 || m->leap_us == m->clock_us) {
		machine_first_clock(m, t_us);
	} else if (t_us < m->clock_us) {
		return;
	} else if (t_us - m->clock_us <= MACHINE_LEAP_US ||
	    (m->leap_us != 0 && t_us >= m->leap_us - MACHINE_LEAP_US &&
		t_us <= m->leap_us + MACHINE_LEAP_US)) {
		if (m->leap_us != 0 && t_us - m->clock_us > MACHINE_LEAP_US)
			machine_settle(m, machine_touch(m), t_us);
		m->leap_us = 0;
		machine_set_clock(m, t_us);
	} else {
		m->leap_us = t_us;
	}
}

/*
 * An arrival behind the last word of a feed that is no more, or what became of
 * it (file_no 0: told by a feed that is no more).
 */
static bool
machine_came_last(struct machine *m, const struct event *ev)
{
	const struct call *call;

	if (ev->call.n == 0 || !merge_was_told_last(m, ev->time_us))
		return false;
	call = call_find(m, ev->call, ev->call_hash, false);
	if (call == NULL)
		return ev->kind == EVENT_ENTER;
	return call->visits != NULL && call->visits->file_no != 0;
}

/* By the one feed that the switch had, under another name. */
static bool
machine_was_told(struct machine *m, const struct event *ev)
{
	return m->config.n_feeds <= 1 && ev->kind != EVENT_NOTE &&
	    merge_was_told(m, ev->time_us) && !machine_came_last(m, ev);
}

RT_HOT void
machine_event(
    struct machine *m, const struct event *ev, struct counters *counters)
{
	m->counters = counters;
	if (ev->time_us != m->clock_us || m->leap_us != 0)
		machine_clock(m, ev->time_us);
	if (m->config.n_feeds > 1)
		merge_clock(m, ev);
	else if (RT_UNLIKELY(m->feeds[ev->slot].first_us == 0 ||
		     m->leap_us == m->clock_us))
		/* for the day on which there will be a second feed */
		m->feeds[ev->slot].first_us = m->clock_us;
	if (RT_UNLIKELY(m->n_former > 0) && machine_was_told(m, ev)) {
		machine_count(m, COUNTER_late);
		return;
	}
	if (RT_UNLIKELY((ev->flags & EVENT_AMBIGUOUS) != 0))
		machine_count(m, COUNTER_ambiguous);
	switch (ev->kind) {
	case EVENT_ENTER:
		if (RT_UNLIKELY((ev->flags & EVENT_PRESENT) != 0))
			machine_present(m, ev);
		else
			machine_caller(m, VISIT_EVENT_ENTER, ev);
		break;
	case EVENT_CONNECT:
		machine_caller(m, VISIT_EVENT_CONNECT, ev);
		break;
	case EVENT_COMPLETE:
		machine_caller(m, VISIT_EVENT_COMPLETE, ev);
		break;
	case EVENT_LEAVE:
		machine_caller(m, VISIT_EVENT_LEAVE, ev);
		break;
	case EVENT_REFUSE:
		machine_refuse(m, ev);
		break;
	case EVENT_RING_NO_ANSWER:
		machine_ring(m, ev);
		break;
	case EVENT_LOGIN:
	case EVENT_LOGOFF:
	case EVENT_PAUSE:
	case EVENT_UNPAUSE:
		if (!machine_agent_is_told(m, ev))
			machine_session(m, ev);
		break;
	case EVENT_WRAP_UP:
		if (!machine_agent_is_told(m, ev))
			machine_wrap_up(m, ev);
		break;
	case EVENT_SWITCH_START:
		machine_restart(m, ev->time_us);
		break;
	case EVENT_SUMMARY:
		machine_summary(m, ev);
		break;
	case EVENT_PICTURE:
		machine_picture(m, ev);
		break;
	case EVENT_PICTURE_END:
		machine_picture_end(m, ev);
		break;
	case EVENT_RING_CANCELED:
	case EVENT_AGENT_DUMP:
	case EVENT_CONTACT:
	case EVENT_NOTE:
		break; /* the feed has counted it; it moves nothing */
	case EVENT_NONE:
	case EVENT_KINDS:
		BUG("event of no kind");
	}
	while (m->visit_pool.used > m->config.max_open)
		machine_shed(m);
}

/* --- beginning, end and what is stored ---------------------------------- */

void
machine_init(
    struct machine *m, const struct machine_config *config, struct tally *tally)
{
	int i;

	BUG_ON(config->max_open == 0 || config->lost_after_us <= 0);
	*m = (struct machine){.config = *config, .tally = tally};
	sessions_init(&m->sessions, config->span, config->ctx);
	for (i = 0; i < VISIT_STATES; i++)
		TAILQ_INIT(&m->states[i]);
	TAILQ_INIT(&m->changed);
	STAILQ_INIT(&m->gone);
	BUG_ON(config->n_feeds > MACHINE_FEEDS);
	if (m->config.slots == 0)
		m->config.slots = (1U << config->n_feeds) - 1;
	pool_init(&m->visit_pool, sizeof(struct visit));
	pool_init(&m->heard_pool, sizeof(struct heard));
	TAILQ_INIT(&m->unkept[0]);
	TAILQ_INIT(&m->unkept[1]);
	pool_init(&m->call_pool, offsetof(struct call, id) + CALL_POOL_ID);
}

static void
machine_free_keys(struct machine *m)
{
	struct visit_key *key;

	while ((key = STAILQ_FIRST(&m->gone)) != NULL) {
		STAILQ_REMOVE_HEAD(&m->gone, list);
		free(key);
	}
}

void
machine_fini(struct machine *m)
{
	struct visit *v;
	int i;

	for (i = 0; i < VISIT_STATES; i++)
		while ((v = TAILQ_FIRST(&m->states[i])) != NULL) {
			v->stored = false;
			visit_discard(m, v);
		}
	machine_free_keys(m);
	sessions_fini(&m->sessions);
	free(m->former);
	pool_fini(&m->visit_pool);
	pool_fini(&m->heard_pool);
	pool_fini(&m->call_pool);
	slots_fini(&m->calls);
}

void
machine_give_up_all(struct machine *m)
{
	struct counters uncounted = {0}; /* there is no feed to count it of */
	struct visit *v;
	int state;

	m->counters = &uncounted;
	for (state = VISIT_EARLY; state <= VISIT_TALKING; state++)
		while ((v = TAILQ_FIRST(&m->states[state])) != NULL)
			machine_give_up(m, v);
	while ((v = TAILQ_FIRST(&m->states[VISIT_ENDED])) != NULL)
		visit_free(m, v);
	sessions_give_up(&m->sessions);
	m->counters = NULL;
}

void
machine_take(struct machine *m,
    void (*changed)(void *ctx, const struct visit *visit),
    void (*gone)(void *ctx, const struct visit_key *key), void *ctx)
{
	struct visit_key *key;
	struct visit *v;

	STAILQ_FOREACH (key, &m->gone, list)
		gone(ctx, key);
	machine_free_keys(m);
	while ((v = TAILQ_FIRST(&m->changed)) != NULL) {
		TAILQ_REMOVE(&m->changed, v, changed_list);
		v->changed = false;
		v->stored = true;
		changed(ctx, v);
	}
}
