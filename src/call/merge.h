/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several feeds of one switch describe the same calls: a queue_log and AMI,
 * say. Each call is counted once, whoever tells of it first; either feed may
 * fail, come late or be read again.
 *
 * Each visit remembers which feeds told of its arrival, answer and end, by the
 * feed's slot, its number among the feeds of the switch. An event is about the
 * newest visit of its call and queue of which its feed has told so far as the
 * event supposes; an arrival of which another feed has told within
 * MERGE_NEAR_US is that one again. What is told again changes nothing
 * (`confirmed`), but makes a time or the wait finer, says what was not known,
 * or corrects an outcome of which the first one was not sure (EVENT_UNSURE, or
 * lost).
 *
 * What bears no call (sessions, wrap-up) is taken of the first feed that knows
 * of such things and has not fallen silent: at each moment of one, by turns
 * that begin at a time of the switch (machine_feed.leads_us), so that whoever
 * comes late tells what is its own and nothing else. Rings are counted by visit
 * and feed, and the greater number counts.
 *
 * An ended visit is remembered until all feeds have passed it, for merge_window
 * at most. What a feed tells of an older time, in which another feed was heard,
 * is not counted (`late`), also where that one is configured no more, or under
 * another name. Its row is written when all feeds have passed it by
 * MERGE_NEAR_US; a feed that is behind is waited for merge_window where
 * something is open that it may still tell, and MERGE_SILENT_US where it could
 * but make a time finer. From then on the visit is confirmed and nothing of it
 * changed, for figures and rows must agree.
 *
 * All times are event times, so that the same feeds give the same figures at
 * any speed.
 */
#ifndef RT_CALL_MERGE_H
#define RT_CALL_MERGE_H

#include "call/visit.h"

#define MERGE_NEAR_US	(5 * USEC_PER_SEC)
#define MERGE_SILENT_US (60 * USEC_PER_SEC)

/*
 * The visit that an event of one of several feeds is about, as far as the feed
 * has told of it; NULL: of none that is known.
 */
struct visit *merge_choose(const struct machine *m, const struct call *call,
    const struct queue *queue, enum visit_event what, const struct event *ev);

/*
 * Another feed told of this arrival already: notes that this one did, too.
 * Returns false where none did.
 */
bool merge_arrived_before(struct machine *m, const struct call *call,
    const struct queue *queue, const struct event *ev);

/* Whether an arrival is the one that this feed has told of before. */
bool merge_says_again(const struct visit *v, const struct event *ev);

/* The feed has told of this visit, and it was over when the summary's began. */
bool merge_told_other(const struct visit *v, const struct event *ev);

/* The event is about that visit: notes who told it. */
void merge_note(struct machine *m, struct visit *v, enum visit_event what,
    const struct event *ev);

/*
 * Whether the event says again what another feed told of the visit; then
 * all that it changes has been changed.
 */
bool merge_again(struct machine *m, struct visit *v, enum visit_event what,
    const struct event *ev);

/*
 * Of a conversation that has ended: nobody has told how long it was, or not for
 * certain, and the event's feed has not told of its end.
 */
bool merge_lacks_end(const struct heard *h, const struct event *ev);

/* A feed that is no more has told of that time. */
bool merge_was_told(const struct machine *m, int64_t t_us);

/*
 * The same, in the last second of which it told: there may be more of that
 * second behind its last word. Its calls are still remembered.
 */
bool merge_was_told_last(const struct machine *m, int64_t t_us);

/* Of a time that is forgotten, and in which another feed was heard. */
bool merge_is_too_old(const struct machine *m, const struct event *ev);

/*
 * Whether what agents did at the event's time is taken of its feed, and of no
 * other. The first that has the fact and is heard leads from now on.
 */
bool
merge_leads(struct machine *m, const struct event *ev, enum stage_fact fact);

/*
 * A ring of a time that is forgotten: true where no other feed can tell of
 * rings, and this one tells of it for the first time.
 */
bool merge_rings_alone(const struct machine *m, const struct event *ev);

/* A ring of this visit: true where it is to be counted. */
bool merge_ring(struct machine *m, struct visit *v, unsigned slot);

/* Whether all who told of the arrival have fallen silent since. */
bool merge_is_left(
    const struct machine *m, const struct visit *v, const struct event *ev);

/*
 * What is remembered of a visit with a known arrival that its feed told alone,
 * before its switch had others. slot: of that feed; MACHINE_FEEDS: it is no
 * more.
 */
void
merge_told_alone(const struct visit *v, unsigned slot, struct heard *heard);
/* Forgets what was told by feeds whose slots are not among these. */
void merge_keep_slots(struct heard *heard, unsigned slots);

/* It has ended: its row is due. */
void merge_ended(struct machine *m, struct visit *v);
/* It goes on after all. */
void merge_goes_on(struct machine *m, struct visit *v);
/* Whose time has come is kept. */
void merge_keep(struct machine *m);
/* It is forgotten. */
void merge_forget(struct machine *m, struct visit *v);

/* The feed has come to that time. */
void merge_clock(struct machine *m, const struct event *ev);
/* Ended visits that were last heard of before may be forgotten. */
int64_t merge_linger_us(const struct machine *m);

#endif
