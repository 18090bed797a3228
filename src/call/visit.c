/* SPDX-License-Identifier: BSD-2-Clause */
/* One visit: its states, what each event does to it, and what is booked. */
#include "base/base.h"
#include "base/utc.h"
#include "base/utf8.h"
#include "call/caller.h"
#include "call/merge.h"
#include "call/visit_inner.h"
#include "tally/live.h"

const char *
visit_state_name(enum visit_state state)
{
	static const char *const names[VISIT_STATES] = {
	    "early", "waiting", "talking", "ended"};

	BUG_ON((unsigned)state >= VISIT_STATES);
	return names[state];
}

void
visit_count(struct machine *m, enum counter counter)
{
	m->counters->v[counter]++;
}

/* --- one visit ---------------------------------------------------------- */

void
visit_changed(struct machine *m, struct visit *v)
{
	if (!m->config.persistent || v->changed)
		return;
	v->changed = true;
	TAILQ_INSERT_TAIL(&m->changed, v, changed_list);
}

/* The one place that moves a visit from list to list. */
RT_HOT void
visit_set_state(struct machine *m, struct visit *v, enum visit_state state)
{
	bool waited = v->state == VISIT_WAITING;

	TAILQ_REMOVE(&m->states[v->state], v, list);
	m->in_state[v->state]--;
	if (v->state == VISIT_TALKING && v->agent != NULL)
		LIST_REMOVE(v, talk_list);
	v->state = (uint8_t)state;
	v->touched_us = machine_touch(m);
	TAILQ_INSERT_TAIL(&m->states[state], v, list);
	m->in_state[state]++;
	if (state == VISIT_TALKING && v->agent != NULL) {
		LIST_INSERT_HEAD(&v->agent->talks, v, talk_list);
		v->agent->wrap_up_until_us = 0;
	}
	if (v->cell != NULL)
		v->cell->waiting =
		    v->cell->waiting - waited + (state == VISIT_WAITING);
	visit_changed(m, v);
}

void
visit_touch(struct machine *m, struct visit *v)
{
	TAILQ_REMOVE(&m->states[v->state], v, list);
	v->touched_us = m->clock_us;
	TAILQ_INSERT_TAIL(&m->states[v->state], v, list);
	visit_changed(m, v);
}

/*
 * A call that comes back again and again, under one id: only its newest visits
 * are remembered, so that one id can not slow all others down.
 */
static void
visit_bound(struct machine *m, struct call *call)
{
	struct visit *oldest = call->visits;
	int n = 1;

	if (oldest == NULL)
		return;
	for (; oldest->next != NULL; oldest = oldest->next)
		n++;
	if (n < VISITS_PER_CALL)
		return;
	if (oldest->state == VISIT_EARLY)
		visit_count(m, COUNTER_unmatched);
	else if (oldest->state != VISIT_ENDED)
		visit_lose(m, oldest, m->clock_us, SLICE("too many entries"));
	visit_free(m, oldest);
}

RT_HOT struct visit *
visit_new(struct machine *m, struct call *call, struct queue *queue,
    enum visit_state state)
{
	struct visit *v;

	visit_bound(m, call);
	v = pool_get(&m->visit_pool);

	v->call = call;
	v->queue = queue;
	v->next = call->visits;
	call->visits = v;
	v->number = ++call->entries;
	v->wait_ms = v->talk_ms = EVENT_UNKNOWN_MS;
	v->state = (uint8_t)state;
	v->touched_us = machine_touch(m);
	TAILQ_INSERT_TAIL(&m->states[state], v, list);
	m->in_state[state]++;
	visit_changed(m, v);
	return v;
}

void
machine_infer(struct machine *m, struct visit *v, uint8_t inferred)
{
	if (v->inferred == inferred)
		return;
	v->inferred = inferred;
	visit_changed(m, v);
}

void
visit_forget_number(struct visit *v)
{
	free(v->caller_number);
	v->caller_number = NULL;
}

static void
visit_gone(struct machine *m, const struct visit *v)
{
	struct visit_key *key = mem_alloc(sizeof(*key) + v->call->id_len);

	key->number = v->number;
	key->id_len = v->call->id_len;
	memcpy(key->id, v->call->id, key->id_len);
	STAILQ_INSERT_TAIL(&m->gone, key, list);
}

/* Nothing changes it any more, and its row can be written. */
static void
visit_keep(struct machine *m, const struct visit *v)
{
	if (m->config.keep != NULL && v->cell != NULL)
		m->config.keep(m->config.ctx, v);
}

static void
visit_forget_heard(struct machine *m, struct visit *v)
{
	if (v->heard != NULL)
		pool_put(&m->heard_pool, v->heard);
	v->heard = NULL;
}

void
visit_free(struct machine *m, struct visit *v)
{
	if (v->heard != NULL)
		merge_forget(m, v);
	visit_discard(m, v);
}

void
visit_discard(struct machine *m, struct visit *v)
{
	if (v->state == VISIT_TALKING && v->agent != NULL)
		LIST_REMOVE(v, talk_list);
	if (v->changed)
		TAILQ_REMOVE(&m->changed, v, changed_list);
	if (v->stored)
		visit_gone(m, v);
	if (v->cell != NULL) {
		v->cell->visits--;
		v->cell->waiting -= v->state == VISIT_WAITING;
	}
	TAILQ_REMOVE(&m->states[v->state], v, list);
	m->in_state[v->state]--;
	visit_forget_heard(m, v);
	call_remove_visit(m, v);
	visit_forget_number(v);
	pool_put(&m->visit_pool, v);
}

void
visit_set_reason(struct visit *v, struct slice name)
{
	size_t n;

	if (name.n < sizeof(v->reason) && utf8_is_ascii(name.p, name.n)) {
		n = name.n;
		if (n > 0) /* of nothing there may be no address */
			memcpy(v->reason, name.p, n);
	} else {
		n = utf8_clean(
		    v->reason, sizeof(v->reason) - 1, name.p, name.n);
	}
	v->reason[n] = '\0';
}

int64_t
visit_wait_until(const struct visit *v, int64_t t_us)
{
	return t_us > v->entered_us ? (t_us - v->entered_us) / USEC_PER_MSEC
				    : 0;
}

/* The visit is over: told to whoever keeps visits, remembered for a while. */
static void
visit_end(struct machine *m, struct visit *v, int64_t ended_us)
{
	v->ended_us = ended_us;
	visit_set_state(m, v, VISIT_ENDED);
	if (m->config.ended != NULL && v->cell != NULL)
		m->config.ended(m->config.ctx, v);
	if (v->heard == NULL)
		visit_keep(m, v);
	else
		merge_ended(m, v);
	visit_forget_number(v);
}

/* --- what is booked ----------------------------------------------------- */

/* Into the interval of the arrival; where somebody looks, its minute too. */
void
visit_book(
    struct machine *m, const struct visit *v, enum measure measure, int64_t n)
{
	tally_book(m->tally, v->cell, measure, n);
	if (RT_UNLIKELY(m->tally->live != NULL))
		live_book(m->tally->live, v->queue, v->entered_us, measure, n);
}

/*
 * Nobody was sure: what can not be taken back (the longest wait, the agent's
 * figures) is withheld until somebody is, or nobody will be; see visit_settle.
 */
bool
visit_is_unsure(const struct visit *v)
{
	return v->heard != NULL && v->heard->unsure;
}

static void
visit_note_unsure(struct visit *v, const struct event *ev)
{
	if (v->heard != NULL)
		v->heard->unsure = (ev->flags & EVENT_UNSURE) != 0;
}

RT_HOT void
visit_book_longest(struct machine *m, const struct visit *v)
{
	if (v->wait_ms != EVENT_UNKNOWN_MS && !visit_is_unsure(v))
		visit_book(m, v, MEASURE_max_wait_ms, v->wait_ms);
}

/* n: 1, or -1 to take it back. */
RT_HOT void
visit_book_outcome(struct machine *m, const struct visit *v, int n)
{
	enum outcome outcome = (enum outcome)v->outcome;

	tally_outcome(m->tally, v->cell, outcome, v->wait_ms, n);
	if (RT_UNLIKELY(m->tally->live != NULL))
		live_outcome(m->tally->live, v->queue, v->entered_us, outcome,
		    v->wait_ms, n);
	if (n > 0)
		visit_book_longest(m, v);
}

RT_HOT void
visit_book_handled(struct machine *m, const struct visit *v)
{
	if (v->agent != NULL && !visit_is_unsure(v))
		tally_book_agent(m->tally, v->agent, v->queue, v->answered_us,
		    AGENT_handled, 1);
}

RT_HOT void
visit_book_agent_talk(struct machine *m, const struct visit *v)
{
	if (v->agent == NULL || visit_is_unsure(v))
		return;
	if (RT_UNLIKELY(v->talk_ms == EVENT_UNKNOWN_MS))
		tally_book_agent(m->tally, v->agent, v->queue, v->answered_us,
		    AGENT_talk_unknown, 1);
	else
		tally_book_span(m->tally, v->agent, v->queue, AGENT_talk_ms,
		    v->ended_us - v->talk_ms * USEC_PER_MSEC, v->ended_us);
}

RT_HOT void
visit_book_answer(struct machine *m, struct visit *v)
{
	visit_book_outcome(m, v, 1);
	visit_book_handled(m, v);
	if (m->config.answered != NULL)
		m->config.answered(m->config.ctx, v);
}

/*
 * Books the conversation, which has ended. Where the feed does not tell how
 * long it was, it lasted from the answer to the end.
 */
RT_HOT void
visit_book_talk(struct machine *m, struct visit *v)
{
	if (v->talk_ms == EVENT_UNKNOWN_MS && !v->answer_derived)
		v->talk_ms =
		    RT_MAX(v->ended_us - v->answered_us, 0) / USEC_PER_MSEC;
	if (v->transferred)
		visit_book(m, v, MEASURE_transferred, 1);
	if (RT_UNLIKELY(v->talk_ms == EVENT_UNKNOWN_MS))
		visit_book(m, v, MEASURE_talk_unknown, 1);
	else
		visit_book(m, v, MEASURE_talk_ms, v->talk_ms);
	visit_book_agent_talk(m, v);
}

void
machine_show(struct machine *m, struct slice name, const struct visit *like)
{
	struct queue *queue = tally_queue(m->tally, name);
	struct live *live = m->tally->live;
	int64_t at_us = like->entered_us;

	live_book(live, queue, at_us, MEASURE_offered, 1);
	if (like->outcome == OUTCOME_NONE)
		return;
	live_outcome(live, queue, at_us, like->outcome, like->wait_ms, 1);
	if (like->wait_ms != EVENT_UNKNOWN_MS && !visit_is_unsure(like))
		live_book(
		    live, queue, at_us, MEASURE_max_wait_ms, like->wait_ms);
	if (like->transferred)
		live_book(live, queue, at_us, MEASURE_transferred, 1);
	if (like->outcome != OUTCOME_ANSWERED)
		return;
	if (like->talk_ms != EVENT_UNKNOWN_MS)
		live_book(live, queue, at_us, MEASURE_talk_ms, like->talk_ms);
	else if (like->state == VISIT_ENDED)
		live_book(live, queue, at_us, MEASURE_talk_unknown, 1);
}

/* --- the rules: what an event does to a visit in some state ------------- */

struct agent *
machine_agent(struct machine *m, const struct event *ev)
{
	uint64_t capped = m->tally->capped;
	struct agent *agent;

	if (ev->agent.n == 0)
		return NULL;
	agent = ev->kind == EVENT_CONNECT
	    ? tally_agent_of_hash(m->tally, ev->agent, ev->agent_hash)
	    : tally_agent(m->tally, ev->agent);
	m->counters->v[COUNTER_capped] += m->tally->capped - capped;
	return agent;
}

RT_HOT void
visit_take_answer(struct machine *m, struct visit *v, const struct event *ev)
{
	v->outcome = OUTCOME_ANSWERED;
	v->answered_us = ev->time_us;
	v->agent = machine_agent(m, ev);
	v->wait_ms = ev->wait_ms;
	if (v->wait_ms == EVENT_UNKNOWN_MS && v->state != VISIT_EARLY)
		v->wait_ms = visit_wait_until(v, ev->time_us);
}

/* The end of a conversation whose answer was not seen tells of both. */
RT_HOT void
visit_take_talk(struct machine *m, struct visit *v, const struct event *ev)
{
	v->talk_ms = ev->talk_ms;
	v->transferred = (ev->flags & EVENT_TRANSFERRED) != 0;
	visit_set_reason(v, ev->name);
	if (v->outcome == OUTCOME_ANSWERED)
		return;
	visit_take_answer(m, v, ev);
	v->answer_derived = true;
	if (ev->talk_ms == EVENT_UNKNOWN_MS)
		return;
	v->answered_us -= ev->talk_ms * USEC_PER_MSEC;
	if (ev->wait_ms == EVENT_UNKNOWN_MS && v->state != VISIT_EARLY)
		v->wait_ms = visit_wait_until(v, v->answered_us);
}

static RT_HOT void
visit_connect(struct machine *m, struct visit *v, const struct event *ev)
{
	visit_take_answer(m, v, ev);
	visit_book_answer(m, v);
	visit_set_state(m, v, VISIT_TALKING);
}

static RT_HOT void
visit_complete(struct machine *m, struct visit *v, const struct event *ev)
{
	bool was_answered = v->outcome == OUTCOME_ANSWERED;

	visit_take_talk(m, v, ev);
	if (!was_answered) {
		visit_count(m, COUNTER_repaired);
		visit_book_answer(m, v);
	}
	v->ended_us = ev->time_us;
	visit_book_talk(m, v);
	visit_end(m, v, ev->time_us);
}

static void
visit_leave(struct machine *m, struct visit *v, const struct event *ev)
{
	v->outcome = (uint8_t)ev->outcome;
	v->wait_ms = ev->wait_ms != EVENT_UNKNOWN_MS
	    ? ev->wait_ms
	    : visit_wait_until(v, ev->time_us);
	visit_set_reason(v, ev->name);
	visit_note_unsure(v, ev);
	visit_book_outcome(m, v, 1);
	visit_end(m, v, ev->time_us);
}

/* Given up: what became of it is not known. */
void
visit_lose(struct machine *m, struct visit *v, int64_t t_us, struct slice why)
{
	visit_set_reason(v, why);
	if (v->state == VISIT_WAITING) {
		v->outcome = OUTCOME_LOST;
		v->wait_ms = EVENT_UNKNOWN_MS;
		visit_book_outcome(m, v, 1);
	} else {
		visit_book(m, v, MEASURE_talk_unknown, 1);
		visit_book_agent_talk(m, v);
	}
	visit_end(m, v, t_us);
}

static void
visit_repeated(struct machine *m, struct visit *v, const struct event *ev)
{
	(void)v;
	(void)ev;
	visit_count(m, COUNTER_repeated);
}

static void
visit_late(struct machine *m, struct visit *v, const struct event *ev)
{
	(void)v;
	(void)ev;
	visit_count(m, COUNTER_late);
}

static void
visit_move_answer(struct machine *m, const struct visit *v,
    enum agent_measure what, int64_t to_us)
{
	tally_book_agent(
	    m->tally, v->agent, v->queue, v->answered_us, what, -1);
	tally_book_agent(m->tally, v->agent, v->queue, to_us, what, 1);
}

/*
 * CONNECT after the end. Out of order it corrects the moment of answer that
 * was worked out from the end, so that the agent's call stands in the interval
 * in which it would stand had the lines come in order.
 */
static void
visit_connect_again(struct machine *m, struct visit *v, const struct event *ev)
{
	if (v->outcome != OUTCOME_ANSWERED) {
		visit_late(m, v, ev);
		return;
	}
	if (!v->answer_derived) {
		visit_repeated(m, v, ev);
		return;
	}
	if (v->cell != NULL && v->agent != NULL) {
		visit_move_answer(m, v, AGENT_handled, ev->time_us);
		if (v->talk_ms == EVENT_UNKNOWN_MS)
			visit_move_answer(
			    m, v, AGENT_talk_unknown, ev->time_us);
	}
	v->answer_derived = false;
	v->answered_us = ev->time_us;
	visit_changed(m, v);
}

static void
visit_complete_again(struct machine *m, struct visit *v, const struct event *ev)
{
	if (v->outcome == OUTCOME_ANSWERED && v->talk_ms != EVENT_UNKNOWN_MS)
		visit_repeated(m, v, ev);
	else
		visit_late(m, v, ev);
}

static void
visit_leave_again(struct machine *m, struct visit *v, const struct event *ev)
{
	if (v->outcome == (uint8_t)ev->outcome)
		visit_repeated(m, v, ev);
	else
		visit_late(m, v, ev);
}

/* What was told without being sure goes for what is certain. */
static void
visit_early_again(struct visit *v, const struct event *ev)
{
	if (!visit_is_unsure(v) || (ev->flags & EVENT_UNSURE) != 0)
		return;
	v->heard->unsure = false;
	v->outcome = OUTCOME_NONE;
	v->wait_ms = EVENT_UNKNOWN_MS;
	v->ended_us = 0;
}

static void
visit_early_connect(struct machine *m, struct visit *v, const struct event *ev)
{
	bool talked;

	visit_early_again(v, ev);
	talked = v->ended_us != 0;
	if (v->outcome == OUTCOME_ANSWERED && !v->answer_derived) {
		visit_repeated(m, v, ev);
		return;
	}
	visit_take_answer(m, v, ev);
	v->answer_derived = false;
	if (!talked)
		visit_set_reason(v, ev->name);
	visit_changed(m, v);
}

static void
visit_early_complete(struct machine *m, struct visit *v, const struct event *ev)
{
	visit_early_again(v, ev);
	if (v->ended_us != 0) {
		visit_repeated(m, v, ev);
		return;
	}
	visit_take_talk(m, v, ev);
	v->ended_us = ev->time_us;
	visit_changed(m, v);
}

static void
visit_early_leave(struct machine *m, struct visit *v, const struct event *ev)
{
	visit_early_again(v, ev);
	if (v->outcome != OUTCOME_NONE) {
		visit_leave_again(m, v, ev);
		return;
	}
	visit_note_unsure(v, ev);
	v->outcome = (uint8_t)ev->outcome;
	v->wait_ms = ev->wait_ms;
	v->ended_us = ev->time_us;
	visit_set_reason(v, ev->name);
	visit_changed(m, v);
}

/* --- arrivals ----------------------------------------------------------- */

static void
visit_keep_number(struct visit *v, struct slice number)
{
	char text[CALL_NUMBER_MAX + 1];

	text[utf8_clean(text, CALL_NUMBER_MAX, number.p, number.n)] = '\0';
	v->caller_number = mem_strdup(text);
}

static void
visit_take_hidden(struct visit *v, struct slice number)
{
	const char *hash = number.p + 1;

	memcpy(v->caller, hash, CALLER_HASH_BYTES);
	v->has_caller = true;
	if (number.n < CALLER_HIDDEN_MAX)
		return;
	memcpy(v->caller_before, hash + CALLER_HASH_BYTES, CALLER_HASH_BYTES);
	v->has_before = true;
}

/* Who it is, under the present key and the one before. */
static RT_HOT void
visit_take_caller(struct machine *m, struct visit *v, const struct event *ev)
{
	struct slice number = ev->caller;

	if (m->config.hash_caller == NULL || number.n == 0)
		return;
	if (RT_UNLIKELY((ev->flags & EVENT_HIDDEN) != 0)) {
		if (caller_is_hidden(number))
			visit_take_hidden(v, number);
		return;
	}
	v->has_caller = m->config.hash_caller(m->config.ctx, number, v->caller);
	if (RT_UNLIKELY(m->config.hash_before != NULL) && v->has_caller)
		v->has_before = m->config.hash_before(
		    m->config.ctx, number, v->caller_before);
}

/* The arrival is known: from here on the visit is in the figures. */
static RT_HOT void
visit_arrive(struct machine *m, struct visit *v, const struct event *ev)
{
	v->entered_us = ev->time_us;
	v->feed = (uint16_t)ev->feed;
	v->file_no = ev->file_no;
	v->offset = ev->offset;
	v->cell = tally_cell(v->queue, ev->time_us);
	v->cell->visits++;
	if (m->config.n_feeds > 1)
		merge_note(m, v, VISIT_EVENT_ENTER, ev);
	visit_book(m, v, MEASURE_offered, 1);
	visit_take_caller(m, v, ev);
	if (m->config.keep_numbers && v->has_caller &&
	    (ev->flags & EVENT_HIDDEN) == 0)
		visit_keep_number(v, ev->caller);
	if (v->call->visits->next != NULL && m->config.followed != NULL)
		m->config.followed(m->config.ctx, v);
}

void
visit_begin(struct machine *m, struct call *call, struct queue *queue,
    const struct event *ev)
{
	struct visit *v = visit_new(m, call, queue, VISIT_WAITING);

	visit_arrive(m, v, ev);
	v->cell->waiting++;
}

/* The arrival comes after what followed it. */
static void
visit_adopt(struct machine *m, struct visit *v, const struct event *ev)
{
	int64_t left_us =
	    v->outcome == OUTCOME_ANSWERED ? v->answered_us : v->ended_us;

	visit_arrive(m, v, ev);
	if (v->wait_ms == EVENT_UNKNOWN_MS)
		v->wait_ms = visit_wait_until(v, left_us);
	if (v->outcome == OUTCOME_ANSWERED) {
		visit_book_answer(m, v);
		if (v->ended_us == 0) {
			visit_set_state(m, v, VISIT_TALKING);
			return;
		}
		visit_book_talk(m, v);
	} else {
		visit_book_outcome(m, v, 1);
	}
	visit_end(m, v, v->ended_us);
}

/* What was heard of an early visit happened at or after this arrival. */
static void
visit_early_enter(struct machine *m, struct visit *v, const struct event *ev)
{
	int64_t heard_us =
	    v->outcome == OUTCOME_ANSWERED ? v->answered_us : v->ended_us;

	if (ev->time_us <= heard_us)
		visit_adopt(m, v, ev);
	else /* an older entry, whose arrival we shall never see */
		visit_begin(m, v->call, v->queue, ev);
}

/*
 * The call enters a queue in which it is waiting already. The same line again
 * changes nothing; otherwise the end of the former visit was not written.
 */
static void
visit_waiting_enter(struct machine *m, struct visit *v, const struct event *ev)
{
	struct call *call = v->call;
	struct queue *queue = v->queue;

	if (ev->time_us <= v->entered_us) {
		visit_repeated(m, v, ev);
		return;
	}
	visit_lose(m, v, ev->time_us, SLICE("entered again"));
	visit_begin(m, call, queue, ev);
}

/*
 * Entering again after the end is a new visit. A line that was written before
 * that end, with the arrival's own time, is the old one once more.
 */
static void
visit_ended_enter(struct machine *m, struct visit *v, const struct event *ev)
{
	if (ev->time_us == v->entered_us && ev->time_us < v->ended_us)
		visit_repeated(m, v, ev);
	else
		visit_begin(m, v->call, v->queue, ev);
}

static void
visit_talking_enter(struct machine *m, struct visit *v, const struct event *ev)
{
	if (ev->time_us <= v->entered_us)
		visit_repeated(m, v, ev);
	else
		visit_begin(m, v->call, v->queue, ev);
}

/* Could not join: a visit that begins and ends at once. */
void
visit_refuse(struct machine *m, struct call *call, struct queue *queue,
    const struct event *ev)
{
	struct visit *v = visit_new(m, call, queue, VISIT_WAITING);

	visit_arrive(m, v, ev);
	v->cell->waiting++;
	v->outcome = OUTCOME_REFUSED;
	v->wait_ms = 0;
	visit_set_reason(v, ev->name);
	visit_book_outcome(m, v, 1);
	visit_end(m, v, ev->time_us);
}

/* --- calls that are over ------------------------------------------------- */

/*
 * As a summary tells it. What it does not tell stays unknown: nothing is worked
 * out from times that are not those of the queue.
 */
void
visit_take_summary(struct machine *m, struct visit *v, const struct event *ev)
{
	bool talked = ev->talk_ms != EVENT_UNKNOWN_MS;

	v->outcome = (uint8_t)ev->outcome;
	v->wait_ms = ev->wait_ms;
	visit_set_reason(v, ev->name);
	visit_note_unsure(v, ev);
	if (ev->outcome != OUTCOME_ANSWERED)
		return;
	v->agent = machine_agent(m, ev);
	v->talk_ms = ev->talk_ms;
	v->transferred = (ev->flags & EVENT_TRANSFERRED) != 0;
	v->answer_derived = true;
	if (ev->wait_ms != EVENT_UNKNOWN_MS)
		v->answered_us = v->entered_us + ev->wait_ms * USEC_PER_MSEC;
	else
		v->answered_us = talked
		    ? ev->time_us - ev->talk_ms * USEC_PER_MSEC
		    : v->entered_us;
}

void
visit_book_ended(struct machine *m, struct visit *v)
{
	if (v->outcome != OUTCOME_ANSWERED) {
		visit_book_outcome(m, v, 1);
		return;
	}
	visit_book_answer(m, v);
	visit_book_talk(m, v);
}

void
visit_end_by_summary(struct machine *m, struct visit *v, const struct event *ev)
{
	bool answered = v->state == VISIT_TALKING;

	if (answered && ev->outcome != OUTCOME_ANSWERED) {
		visit_late(m, v, ev);
		return;
	}
	if (answered) {
		v->talk_ms = ev->talk_ms;
		v->transferred = (ev->flags & EVENT_TRANSFERRED) != 0;
		v->ended_us = ev->time_us;
		visit_book_talk(m, v);
	} else {
		visit_take_summary(m, v, ev);
		v->ended_us = ev->time_us;
		visit_book_ended(m, v);
	}
	visit_end(m, v, ev->time_us);
}

void
visit_summary(struct machine *m, struct call *call, struct queue *queue,
    const struct event *ev)
{
	struct event arrival = *ev;
	struct visit *v = visit_new(m, call, queue, VISIT_WAITING);

	arrival.time_us = ev->begin_us;
	visit_arrive(m, v, &arrival);
	v->cell->waiting++;
	if (v->heard != NULL)
		v->heard->ended |= v->heard->entered;
	visit_end_by_summary(m, v, ev);
}

/* --- the table ---------------------------------------------------------- */

typedef void (*visit_fn)(
    struct machine *m, struct visit *v, const struct event *ev);

static const visit_fn visit_rules[VISIT_STATES][VISIT_EVENTS] = {
    [VISIT_EARLY] = {visit_early_enter, visit_early_connect,
	visit_early_complete, visit_early_leave},
    [VISIT_WAITING] = {visit_waiting_enter, visit_connect, visit_complete,
	visit_leave},
    [VISIT_TALKING] = {visit_talking_enter, visit_repeated, visit_complete,
	visit_late},
    [VISIT_ENDED] = {visit_ended_enter, visit_connect_again,
	visit_complete_again, visit_leave_again},
};

RT_HOT void
visit_event(struct machine *m, struct visit *v, enum visit_event what,
    const struct event *ev)
{
	visit_rules[v->state][what](m, v, ev);
}
