/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a feed tells of a visit of which another one has told: what was not
 * known, or not certain, is taken over; what was wrong is taken back.
 */
#include "base/base.h"
#include "base/utc.h"
#include "call/merge.h"
#include "call/visit_inner.h"

/* Of one that has ended. */
static void
visit_unbook_talk(struct machine *m, struct visit *v)
{
	if (v->transferred)
		visit_book(m, v, MEASURE_transferred, -1);
	if (v->talk_ms != EVENT_UNKNOWN_MS)
		visit_book(m, v, MEASURE_talk_ms, -v->talk_ms);
	else
		visit_book(m, v, MEASURE_talk_unknown, -1);
	if (v->talk_ms == EVENT_UNKNOWN_MS && v->agent != NULL &&
	    !visit_is_unsure(v))
		tally_book_agent(m->tally, v->agent, v->queue, v->answered_us,
		    AGENT_talk_unknown, -1);
	v->transferred = false;
	v->talk_ms = EVENT_UNKNOWN_MS;
}

/* The answer is certain now: what was withheld, but the talk. */
static void
visit_settle_answer(struct machine *m, struct visit *v)
{
	v->heard->unsure = false;
	visit_book_longest(m, v);
	if (v->outcome == OUTCOME_ANSWERED)
		visit_book_handled(m, v);
}

void
visit_settle(struct machine *m, struct visit *v)
{
	if (!visit_is_unsure(v) || v->cell == NULL)
		return;
	visit_settle_answer(m, v);
	if (v->outcome == OUTCOME_ANSWERED)
		visit_book_agent_talk(m, v);
	visit_changed(m, v);
}

/* Takes back what was booked at its end. */
static void
visit_unbook(struct machine *m, struct visit *v)
{
	visit_book_outcome(m, v, -1);
	if (v->outcome != OUTCOME_ANSWERED)
		return;
	visit_unbook_talk(m, v);
	v->answered_us = 0;
	v->answer_derived = false;
	v->agent = NULL;
}

/* It was answered, and the first word was another: CONNECT or its end. */
static void
visit_answered_after_all(
    struct machine *m, struct visit *v, const struct event *ev)
{
	if (ev->kind == EVENT_CONNECT) {
		visit_take_answer(m, v, ev);
		visit_book_answer(m, v);
		merge_goes_on(m, v);
		v->ended_us = 0;
		visit_set_state(m, v, VISIT_TALKING);
		return;
	}
	if (ev->kind == EVENT_SUMMARY)
		visit_take_summary(m, v, ev);
	else
		visit_take_talk(m, v, ev);
	v->ended_us = ev->time_us;
	visit_book_ended(m, v);
}

static void
visit_left_after_all(struct machine *m, struct visit *v, const struct event *ev)
{
	v->outcome = (uint8_t)ev->outcome;
	v->wait_ms = ev->wait_ms;
	if (v->wait_ms == EVENT_UNKNOWN_MS && ev->kind != EVENT_SUMMARY)
		v->wait_ms = visit_wait_until(v, ev->time_us);
	v->ended_us = ev->time_us;
	visit_book_outcome(m, v, 1);
}

void
visit_correct(struct machine *m, struct visit *v, enum outcome outcome,
    const struct event *ev)
{
	enum outcome before = (enum outcome)v->outcome;

	visit_count(m, COUNTER_repaired);
	visit_unbook(m, v);
	v->heard->unsure = false;
	v->outcome = OUTCOME_NONE;
	visit_set_reason(v, ev->name);
	if (outcome == OUTCOME_ANSWERED)
		visit_answered_after_all(m, v, ev);
	else
		visit_left_after_all(m, v, ev);
	if (m->config.corrected != NULL)
		m->config.corrected(m->config.ctx, v, before);
	visit_changed(m, v);
}

/*
 * The wait as this feed has it: its own figure, else up to its step; in whole
 * seconds where its times are.
 */
static int64_t
visit_wait_told(const struct visit *v, const struct event *ev)
{
	if (ev->wait_ms != EVENT_UNKNOWN_MS ||
	    (ev->kind != EVENT_CONNECT && ev->kind != EVENT_LEAVE))
		return ev->wait_ms;
	if (ev->time_us % USEC_PER_SEC != 0)
		return visit_wait_until(v, ev->time_us);
	return RT_MAX(ev->time_us - utc_floor(v->entered_us, USEC_PER_SEC), 0) /
	    USEC_PER_MSEC;
}

static bool
visit_is_whole(int64_t wait_ms)
{
	return wait_ms % (USEC_PER_SEC / USEC_PER_MSEC) == 0;
}

/* Of two waits the finer one counts, of two alike the longer one. */
static bool
visit_wait_is_better(int64_t now_ms, int64_t told_ms)
{
	if (now_ms == EVENT_UNKNOWN_MS)
		return true;
	if (visit_is_whole(now_ms) != visit_is_whole(told_ms))
		return visit_is_whole(now_ms);
	return told_ms > now_ms;
}

/*
 * The same wait counts whoever told first; and the longest one is the longest
 * that anybody told who was sure of the end, or that counts, for what the first
 * feed said can not be taken back.
 */
static void
visit_fill_wait(struct machine *m, struct visit *v, const struct event *ev)
{
	int64_t told_ms = visit_wait_told(v, ev);

	if (told_ms == EVENT_UNKNOWN_MS || told_ms == v->wait_ms)
		return;
	if (visit_wait_is_better(v->wait_ms, told_ms)) {
		visit_book_outcome(m, v, -1);
		v->wait_ms = told_ms;
		visit_book_outcome(m, v, 1);
	} else if ((ev->flags & EVENT_UNSURE) == 0) {
		visit_book(m, v, MEASURE_max_wait_ms, told_ms);
	}
}

/*
 * Who answered, where nobody has told; of an unsure answer also who and when it
 * was for certain, for nothing of that is booked yet.
 */
static void
visit_fill_agent(struct machine *m, struct visit *v, const struct event *ev)
{
	struct agent *agent = machine_agent(m, ev);

	if (visit_is_unsure(v)) {
		v->agent = agent != NULL ? agent : v->agent;
		if (ev->kind == EVENT_CONNECT) {
			v->answered_us = ev->time_us;
			v->answer_derived = false;
		}
	} else if (v->agent == NULL && agent != NULL) {
		v->agent = agent;
		if (v->state == VISIT_TALKING)
			LIST_INSERT_HEAD(&agent->talks, v, talk_list);
		visit_book_handled(m, v);
		if (v->state == VISIT_ENDED)
			visit_book_agent_talk(m, v);
	}
}

/* The end of a conversation that had none yet, or none that was certain. */
static void
visit_fill_talk(struct machine *m, struct visit *v, const struct event *ev)
{
	int64_t talk_ms = v->talk_ms;

	if (!visit_is_unsure(v) &&
	    (talk_ms != EVENT_UNKNOWN_MS ||
		(v->answer_derived && ev->talk_ms == EVENT_UNKNOWN_MS)))
		return;
	visit_unbook_talk(m, v);
	v->talk_ms = ev->talk_ms != EVENT_UNKNOWN_MS ? ev->talk_ms : talk_ms;
	v->transferred = (ev->flags & EVENT_TRANSFERRED) != 0;
	v->ended_us = ev->time_us;
	visit_set_reason(v, ev->name);
	if (visit_is_unsure(v))
		visit_settle_answer(m, v);
	visit_book_talk(m, v);
}

/* Another feed knows a finer wait, and has not told of this end yet. */
static bool
visit_awaits_finer(const struct machine *m, const struct visit *v)
{
	unsigned told = v->heard->answered | v->heard->ended, i;

	if (!visit_is_whole(v->wait_ms))
		return false;
	for (i = 0; i < MACHINE_FEEDS; i++)
		if ((m->config.slots >> i & 1) != 0 &&
		    (m->config.facts[i] & STAGE_KNOWS(fine_wait)) != 0 &&
		    (told >> i & 1) == 0)
			return true;
	return false;
}

bool
visit_is_open(const struct machine *m, const struct visit *v)
{
	if (v->wait_ms == EVENT_UNKNOWN_MS || visit_is_unsure(v) ||
	    visit_awaits_finer(m, v))
		return true;
	return v->outcome == OUTCOME_ANSWERED &&
	    (v->talk_ms == EVENT_UNKNOWN_MS || v->agent == NULL);
}

void
visit_fill(struct machine *m, struct visit *v, enum visit_event what,
    const struct event *ev)
{
	visit_fill_wait(m, v, ev);
	visit_changed(m, v);
	if ((ev->flags & EVENT_UNSURE) != 0)
		return;
	if (v->outcome == OUTCOME_ANSWERED)
		visit_fill_agent(m, v, ev);
	if (what == VISIT_EVENT_COMPLETE && v->state == VISIT_ENDED)
		visit_fill_talk(m, v, ev);
	else if (what == VISIT_EVENT_LEAVE)
		visit_settle(m, v);
}
