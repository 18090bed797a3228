/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between machine.c and visit.c only: the machine finds the visit that an
 * event is about, visit.c knows what the event does to it.
 */
#ifndef RT_CALL_VISIT_H
#define RT_CALL_VISIT_H

#include "call/machine.h"

#define VISITS_PER_CALL 64 /* remembered; the oldest goes first */

enum visit_event {
	VISIT_EVENT_ENTER,
	VISIT_EVENT_CONNECT,
	VISIT_EVENT_COMPLETE,
	VISIT_EVENT_LEAVE,
	VISIT_EVENTS
};

/* What the event does to a visit in its present state. */
void visit_event(struct machine *m, struct visit *v, enum visit_event what,
    const struct event *ev);

/* A visit of the call, in a list but not yet in any figure. */
struct visit *visit_new(struct machine *m, struct call *call,
    struct queue *queue, enum visit_state state);
/* An arrival: the visit begins to wait. */
void visit_begin(struct machine *m, struct call *call, struct queue *queue,
    const struct event *ev);
/* Could not join: a visit that begins and ends at once. */
void visit_refuse(struct machine *m, struct call *call, struct queue *queue,
    const struct event *ev);
/* Given up: what became of it is not known. why: ASCII. */
void
visit_lose(struct machine *m, struct visit *v, int64_t t_us, struct slice why);
void visit_free(struct machine *m, struct visit *v);
/* The same, but it is only memory that goes: nothing is told to anybody. */
void visit_discard(struct machine *m, struct visit *v);
/* The number that was to be shown goes. */
void visit_forget_number(struct visit *v);
/* Something that open_visit keeps is different now. */
void visit_changed(struct machine *m, struct visit *v);

/* It is remembered from now on, as if it had just been heard of. */
void visit_touch(struct machine *m, struct visit *v);

/*
 * What was withheld of a visit of whose outcome nobody was sure (the longest
 * wait, its agent's figures) is booked: it will not be taken back any more.
 */
void visit_settle(struct machine *m, struct visit *v);
/*
 * Of one that has ended: something is not known or not certain that another
 * feed may still tell.
 */
bool visit_is_open(const struct machine *m, const struct visit *v);
/*
 * The word of another feed, of the same outcome: the finer wait counts; and if
 * it is a certain one, what was not known of the visit, or not certain, is now.
 */
void visit_fill(struct machine *m, struct visit *v, enum visit_event what,
    const struct event *ev);
/*
 * A visit that has ended otherwise than was told first: takes back what was
 * booked, and books it as it was.
 */
void visit_correct(struct machine *m, struct visit *v, enum outcome outcome,
    const struct event *ev);
/* A whole visit, told when it is over. */
void visit_summary(struct machine *m, struct call *call, struct queue *queue,
    const struct event *ev);
/* One that is open ends as a summary tells. */
void visit_end_by_summary(
    struct machine *m, struct visit *v, const struct event *ev);

/*
 * The event clock, as visits remember when they were last heard of. While a
 * leap is not yet confirmed they are marked by one microsecond more: should it
 * be confirmed, they belong behind it. As long as its first value is not
 * believed they are marked by 0, and are heard of when one is.
 */
static inline int64_t
machine_touch(const struct machine *m)
{
	if (m->leap_us == m->clock_us)
		return 0;
	return m->clock_us + (m->leap_us != 0);
}

/* The event's agent, made when new; NULL: it names none. */
struct agent *machine_agent(struct machine *m, const struct event *ev);

#endif
