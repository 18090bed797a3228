/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/utc.h"
#include "call/merge.h"

static void
merge_count(struct machine *m, enum counter counter)
{
	m->counters->v[counter]++;
}

static uint8_t
merge_bit(const struct event *ev)
{
	return (uint8_t)(1U << ev->slot);
}

/* Another feed of the switch than the one that tells this. */
static bool
merge_other(const struct machine *m, unsigned slot, const struct event *ev)
{
	return slot != ev->slot && (m->config.slots >> slot & 1) != 0;
}

/* What is remembered of a visit; made when there is none. */
static struct heard *
merge_heard(struct machine *m, struct visit *v)
{
	if (v->heard == NULL) {
		v->heard = pool_get(&m->heard_pool);
		v->heard->visit = v;
		/* it ended when its switch had but one feed */
		v->heard->kept = v->state == VISIT_ENDED;
	}
	return v->heard;
}

/* --- which visit --------------------------------------------------------- */

/* How well a visit fits what the feed has told of it: 0, not at all. */
static int
merge_fits(const struct visit *v, enum visit_event what, uint8_t bit)
{
	const struct heard *h = v->heard;

	if (what == VISIT_EVENT_ENTER)
		return h != NULL && (h->entered & bit) != 0
		    ? 2
		    : v->state == VISIT_EARLY;
	if (h == NULL)
		return v->state == VISIT_EARLY;
	if ((h->ended & bit) != 0)
		return 0;
	if (what == VISIT_EVENT_CONNECT && (h->answered & bit) != 0)
		return 0;
	/* one whose arrival it told, before one that began without it */
	return (h->entered & bit) != 0 ? 3 : 2;
}

struct visit *
merge_choose(const struct machine *m, const struct call *call,
    const struct queue *queue, enum visit_event what, const struct event *ev)
{
	struct visit *v, *best = NULL;
	int fits, most = 0;

	(void)m;
	if (call == NULL)
		return NULL;
	for (v = call->visits; v != NULL; v = v->next) {
		if (v->queue != queue)
			continue;
		fits = merge_fits(v, what, merge_bit(ev));
		if (fits > most) {
			most = fits;
			best = v;
		}
	}
	return best;
}

static int64_t
merge_arrival_us(const struct event *ev)
{
	bool told = ev->kind == EVENT_SUMMARY ||
	    (ev->kind == EVENT_ENTER && (ev->flags & EVENT_PRESENT) != 0);

	return told && ev->begin_us != 0 ? ev->begin_us : ev->time_us;
}

static bool
merge_is_finer(int64_t now_us, int64_t t_us, int64_t interval_us)
{
	return now_us % USEC_PER_SEC == 0 && t_us % USEC_PER_SEC != 0 &&
	    utc_floor(now_us, interval_us) == utc_floor(t_us, interval_us) &&
	    llabs(now_us - t_us) < 2 * USEC_PER_SEC;
}

/*
 * The arrival that another feed has told and this one has not yet: the nearest,
 * as a call may come back to its queue within seconds. NULL: there is none.
 */
static struct visit *
merge_nearest(
    const struct call *call, const struct queue *queue, const struct event *ev)
{
	int64_t t_us = merge_arrival_us(ev), miss, least = MERGE_NEAR_US + 1;
	struct visit *v, *best = NULL;

	for (v = call->visits; v != NULL; v = v->next) {
		if (v->queue != queue || v->state == VISIT_EARLY ||
		    v->heard == NULL ||
		    (v->heard->entered & merge_bit(ev)) != 0)
			continue;
		miss = llabs(v->entered_us - t_us);
		if (miss < least) {
			least = miss;
			best = v;
		}
	}
	return best;
}

bool
merge_arrived_before(struct machine *m, const struct call *call,
    const struct queue *queue, const struct event *ev)
{
	struct visit *v = merge_nearest(call, queue, ev);
	int64_t t_us = merge_arrival_us(ev);

	if (v == NULL)
		return false;
	v->heard->entered |= merge_bit(ev);
	if (!v->heard->kept &&
	    merge_is_finer(v->entered_us, t_us, m->tally->config.interval_us))
		v->entered_us = t_us;
	visit_changed(m, v);
	merge_count(m, COUNTER_confirmed);
	return true;
}

/* The visit's time may have been made finer since, see merge_is_finer. */
bool
merge_says_again(const struct visit *v, const struct event *ev)
{
	if (v->state == VISIT_EARLY)
		return false;
	if (v->state == VISIT_ENDED)
		return ev->time_us < v->ended_us &&
		    llabs(v->entered_us - ev->time_us) < 2 * USEC_PER_SEC;
	return utc_floor(v->entered_us, USEC_PER_SEC) ==
	    utc_floor(ev->time_us, USEC_PER_SEC);
}

bool
merge_told_other(const struct visit *v, const struct event *ev)
{
	return v->heard != NULL && (v->heard->entered & merge_bit(ev)) != 0 &&
	    v->state == VISIT_ENDED && ev->begin_us >= v->ended_us;
}

void
merge_note(struct machine *m, struct visit *v, enum visit_event what,
    const struct event *ev)
{
	struct heard *h = merge_heard(m, v);

	switch (what) {
	case VISIT_EVENT_ENTER:
		h->entered |= merge_bit(ev);
		break;
	case VISIT_EVENT_CONNECT:
		h->answered |= merge_bit(ev);
		break;
	case VISIT_EVENT_COMPLETE:
		h->answered |= merge_bit(ev);
		h->ended |= merge_bit(ev);
		break;
	case VISIT_EVENT_LEAVE:
		h->ended |= merge_bit(ev);
		break;
	case VISIT_EVENTS:
		BUG("no event of a visit");
	}
	if (ev->kind == EVENT_SUMMARY)
		h->entered |= merge_bit(ev);
	visit_changed(m, v);
}

/* --- their rows ---------------------------------------------------------- */

/*
 * All feeds have passed that time by so much; or the window has, in which a
 * slow one is waited for.
 */
static int64_t
merge_passed_us(const struct machine *m, int64_t by_us, int64_t window_us)
{
	int64_t slowest_us = m->clock_us;
	unsigned i;

	for (i = 0; i < MACHINE_FEEDS; i++)
		if ((m->config.slots >> i & 1) != 0)
			slowest_us = RT_MIN(slowest_us, m->feeds[i].clock_us);
	return RT_MAX(slowest_us - by_us, m->clock_us - window_us);
}

static void
merge_list(struct machine *m, struct heard *h)
{
	h->open = visit_is_open(m, h->visit);
	TAILQ_INSERT_TAIL(&m->unkept[h->open], h, list);
}

static void
merge_unlist(struct machine *m, struct heard *h)
{
	TAILQ_REMOVE(&m->unkept[h->open], h, list);
}

void
merge_ended(struct machine *m, struct visit *v)
{
	if (!v->heard->kept)
		merge_list(m, v->heard);
}

void
merge_goes_on(struct machine *m, struct visit *v)
{
	merge_unlist(m, v->heard);
}

/* More is known of it than before. */
static void
merge_list_again(struct machine *m, struct visit *v)
{
	if (v->state != VISIT_ENDED || v->heard->kept ||
	    v->heard->open == visit_is_open(m, v))
		return;
	merge_unlist(m, v->heard);
	merge_list(m, v->heard);
}

static void
merge_keep_now(struct machine *m, struct heard *h)
{
	merge_unlist(m, h);
	h->kept = true;
	visit_settle(m, h->visit);
	if (m->config.keep != NULL && h->visit->cell != NULL)
		m->config.keep(m->config.ctx, h->visit);
}

static void
merge_keep_before(struct machine *m, bool open, int64_t before_us)
{
	struct heard *h;

	while ((h = TAILQ_FIRST(&m->unkept[open])) != NULL &&
	    h->visit->touched_us < before_us) {
		merge_keep_now(m, h);
		visit_changed(m, h->visit);
	}
}

void
merge_keep(struct machine *m)
{
	merge_keep_before(
	    m, false, merge_passed_us(m, MERGE_NEAR_US, MERGE_SILENT_US));
	merge_keep_before(m, true,
	    merge_passed_us(m, MERGE_NEAR_US, m->config.merge_window_us));
}

void
merge_forget(struct machine *m, struct visit *v)
{
	if (v->state == VISIT_ENDED && !v->heard->kept)
		merge_keep_now(m, v->heard);
}

/* --- what was told before ------------------------------------------------ */

static enum outcome
merge_outcome(enum visit_event what, const struct event *ev)
{
	return what == VISIT_EVENT_LEAVE ? ev->outcome : OUTCOME_ANSWERED;
}

/* Was the first word no certain one? */
static bool
merge_may_be_wrong(const struct visit *v)
{
	return v->state == VISIT_ENDED &&
	    (v->heard->unsure || v->outcome == OUTCOME_LOST);
}

static void
merge_confirm(struct machine *m, struct visit *v, enum visit_event what,
    const struct event *ev)
{
	if (what == VISIT_EVENT_CONNECT && !v->heard->kept &&
	    merge_is_finer(
		v->answered_us, ev->time_us, m->tally->config.interval_us))
		v->answered_us = ev->time_us;
	visit_changed(m, v);
	merge_count(m, COUNTER_confirmed);
}

bool
merge_again(struct machine *m, struct visit *v, enum visit_event what,
    const struct event *ev)
{
	enum outcome outcome = merge_outcome(what, ev);
	bool certain = (ev->flags & EVENT_UNSURE) == 0;
	bool same = v->outcome == (uint8_t)outcome;

	if (v->state != VISIT_ENDED &&
	    !(v->state == VISIT_TALKING && what == VISIT_EVENT_CONNECT))
		return false;
	if (same && !v->heard->kept)
		visit_fill(m, v, what, ev);
	if (same || !certain)
		merge_confirm(m, v, what, ev);
	else if (!v->heard->kept && merge_may_be_wrong(v))
		visit_correct(m, v, outcome, ev);
	else
		merge_count(m, COUNTER_late);
	merge_list_again(m, v);
	return true;
}

bool
merge_lacks_end(const struct heard *h, const struct event *ev)
{
	return h->visit->outcome == OUTCOME_ANSWERED &&
	    (h->unsure || h->visit->talk_ms == EVENT_UNKNOWN_MS) &&
	    (h->ended & merge_bit(ev)) == 0;
}

bool
merge_is_left(
    const struct machine *m, const struct visit *v, const struct event *ev)
{
	unsigned i;

	for (i = 0; i < MACHINE_FEEDS; i++)
		if (merge_other(m, i, ev) &&
		    (v->heard->entered >> i & 1) != 0 &&
		    m->feeds[i].clock_us >= ev->time_us - MERGE_SILENT_US)
			return false;
	return true;
}

/* --- what was told before a start ---------------------------------------- */

void
merge_told_alone(const struct visit *v, unsigned slot, struct heard *heard)
{
	/* a bit above all of them: none */
	uint8_t bit = (uint8_t)(1U << RT_MIN(slot, MACHINE_FEEDS));

	*heard = (struct heard){.entered = bit,
	    .answered = v->answered_us != 0 ? bit : 0,
	    .ended = v->state == VISIT_ENDED ? bit : 0,
	    .kept = v->state == VISIT_ENDED,
	    .rings_of = (uint8_t)(slot < MACHINE_FEEDS ? slot + 1 : 0)};
}

void
merge_keep_slots(struct heard *heard, unsigned slots)
{
	unsigned i;

	if (heard->rings_of != 0 && (slots >> (heard->rings_of - 1) & 1) == 0)
		heard->rings_of = 0;
	heard->entered &= (uint8_t)slots;
	heard->answered &= (uint8_t)slots;
	heard->ended &= (uint8_t)slots;
	for (i = 0; i < MACHINE_FEEDS; i++)
		if ((slots >> i & 1) == 0)
			heard->rings[i] = 0;
}

/* --- time ---------------------------------------------------------------- */

void
merge_clock(struct machine *m, const struct event *ev)
{
	struct machine_feed *feed = &m->feeds[ev->slot];
	int64_t t_us = ev->time_us;

	if (t_us > m->clock_us)
		return; /* a leap that is not believed */
	if (feed->clock_us > m->clock_us)
		feed->clock_us = 0; /* a first time that was wrong */
	feed->clock_us = RT_MAX(feed->clock_us, t_us);
	/* of what was before it told only what was still to be seen of it */
	if (feed->first_us == 0 || t_us < feed->first_us)
		feed->first_us = t_us;
}

int64_t
merge_linger_us(const struct machine *m)
{
	return merge_passed_us(m, MACHINE_LINGER_US, m->config.merge_window_us);
}

bool
merge_was_told(const struct machine *m, int64_t t_us)
{
	size_t i;

	for (i = 0; i < m->n_former; i++)
		if (t_us >= m->former[i].first_us &&
		    t_us <= m->former[i].last_us)
			return true;
	return false;
}

bool
merge_was_told_last(const struct machine *m, int64_t t_us)
{
	size_t i;

	for (i = 0; i < m->n_former; i++)
		if (t_us <= m->former[i].last_us &&
		    t_us >= utc_floor(m->former[i].last_us, USEC_PER_SEC) &&
		    t_us > m->former[i].forgotten_us)
			return true;
	return false;
}

static bool
merge_was_forgotten(const struct machine *m, int64_t t_us)
{
	size_t i;

	for (i = 0; i < m->n_former; i++)
		if (t_us >= m->former[i].first_us &&
		    t_us <= m->former[i].forgotten_us)
			return true;
	return false;
}

bool
merge_is_too_old(const struct machine *m, const struct event *ev)
{
	int64_t t_us = merge_arrival_us(ev);
	unsigned i;

	if (merge_was_forgotten(m, t_us))
		return true;
	if (t_us >= merge_linger_us(m) && t_us > m->forgotten_us)
		return false;
	for (i = 0; i < MACHINE_FEEDS; i++)
		if (merge_other(m, i, ev) && m->feeds[i].first_us != 0 &&
		    m->feeds[i].first_us <= t_us &&
		    m->feeds[i].clock_us >= t_us)
			return true;
	return false;
}

/* --- agents -------------------------------------------------------------- */

/* Another feed that can tell such things. */
static bool
merge_other_knows(const struct machine *m, unsigned slot,
    const struct event *ev, enum stage_fact fact)
{
	return merge_other(m, slot, ev) &&
	    (m->config.facts[slot] >> fact & 1) != 0;
}

/* The feed whose turn has begun last by that time; -1: nobody's has. */
static int
merge_leader(const struct machine *m, const struct event *ev,
    enum stage_fact fact, int64_t t_us)
{
	int64_t since_us = 0;
	unsigned i;
	int leader = -1;

	for (i = 0; i < MACHINE_FEEDS; i++)
		if ((i == ev->slot || merge_other_knows(m, i, ev, fact)) &&
		    m->feeds[i].leads_us > since_us &&
		    m->feeds[i].leads_us <= t_us) {
			since_us = m->feeds[i].leads_us;
			leader = (int)i;
		}
	return leader;
}

/* The first turns: of those who were there before, from their first word on. */
static void
merge_begin_turns(
    struct machine *m, const struct event *ev, enum stage_fact fact)
{
	bool alone = true;
	unsigned i;

	for (i = 0; i < MACHINE_FEEDS; i++)
		if (merge_other_knows(m, i, ev, fact) &&
		    m->feeds[i].first_us != 0) {
			m->feeds[i].leads_us =
			    utc_floor(m->feeds[i].first_us, USEC_PER_SEC);
			alone = false;
		}
	if (alone)
		m->feeds[ev->slot].leads_us =
		    utc_floor(m->feeds[ev->slot].first_us, USEC_PER_SEC);
}

static bool
merge_is_silent(const struct machine *m, unsigned slot)
{
	return m->feeds[slot].clock_us < m->clock_us - MERGE_SILENT_US;
}

/*
 * Whose turn it is from here on. Where the leader fell silent, from a minute
 * after its last word: what it told until then, or will when it comes back, is
 * its own. When one before it in the order is back, from the next second on.
 */
static void
merge_hand_over(struct machine *m, const struct event *ev, enum stage_fact fact)
{
	struct machine_feed *self = &m->feeds[ev->slot];
	int leader = merge_leader(m, ev, fact, INT64_MAX);

	if (leader < 0) {
		merge_begin_turns(m, ev, fact);
	} else if (leader == (int)ev->slot || merge_is_silent(m, ev->slot)) {
		return;
	} else if (merge_is_silent(m, (unsigned)leader)) {
		self->leads_us =
		    RT_MAX(m->feeds[leader].clock_us + MERGE_SILENT_US,
			utc_floor(self->first_us, USEC_PER_SEC));
	} else if ((int)ev->slot < leader &&
	    m->feeds[leader].leads_us <= m->clock_us) {
		self->leads_us = m->clock_us + USEC_PER_SEC;
	}
}

bool
merge_leads(struct machine *m, const struct event *ev, enum stage_fact fact)
{
	int leader;

	merge_hand_over(m, ev, fact);
	leader = merge_leader(m, ev, fact, ev->time_us);
	/* before all turns nobody else was there */
	return leader < 0 || leader == (int)ev->slot;
}

bool
merge_rings_alone(const struct machine *m, const struct event *ev)
{
	unsigned i;

	if (merge_was_told(m, ev->time_us) ||
	    ev->time_us < m->feeds[ev->slot].clock_us)
		return false;
	for (i = 0; i < MACHINE_FEEDS; i++)
		if (merge_other_knows(m, i, ev, STAGE_FACT_ring))
			return false;
	return true;
}

bool
merge_ring(struct machine *m, struct visit *v, unsigned slot)
{
	struct heard *h = merge_heard(m, v);

	visit_changed(m, v);
	if (h->rings[slot] < UINT8_MAX)
		h->rings[slot]++;
	if (h->rings[slot] <= h->rings_booked ||
	    (h->rings_of != 0 && h->rings_of != slot + 1)) {
		merge_count(m, COUNTER_confirmed);
		return false;
	}
	h->rings_booked = h->rings[slot];
	return true;
}
