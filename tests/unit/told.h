/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Single events, told to the machine of a switch by one of its feeds: what is
 * to be seen of a rule, and nothing else.
 */
#ifndef RT_TEST_TOLD_H
#define RT_TEST_TOLD_H

#include "played.h"

#define T0_US (MONDAY_US + HOUR_US)

struct told_to {
	struct played played;
	struct counters counters;
	int kept, corrected;
	enum outcome before, after; /* of what was corrected last */
};

/* A switch of so many feeds, each of which can tell what a queue_log can. */
void told_begin(struct told_to *t, unsigned n_feeds);
/* The feed of that slot tells it. */
void told_give(struct told_to *t, unsigned slot, struct event ev);
/* Of the queue "q", in the interval of T0_US. */
int64_t told_sum(struct told_to *t, enum measure measure);
/* Of the agent "Jo", in all queues and intervals. */
int64_t told_agent_sum(struct told_to *t, enum agent_measure measure);

/* An event of the queue "q", so many seconds after T0_US. */
struct event told_event(enum event_kind kind, int64_t at_s, const char *call);
struct event told_summary(int64_t at_s, const char *call, int64_t began_s,
    enum outcome outcome, int64_t wait_ms, int64_t talk_ms);
/* Of a picture: the call has waited since then. */
struct event told_present(int64_t at_s, const char *call, int64_t since_s);

#endif
