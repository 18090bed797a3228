/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /metrics: the figures for Prometheus and whoever else reads its text, in the
 * OpenMetrics form or the older one (0.0.4), as the client asks for. Names and
 * units follow their advice: seconds and bytes, counters that end in _total and
 * only rise (from the start of the process, whatever a new day, a reload or a
 * correction does to the live figures: see tally/total.h), shares left to be
 * worked out from counts.
 *
 * The text of many queues is long, so it is made in steps of METRICS_STEP
 * queues each, between which the loop may turn. What waits, talks and is logged
 * in is of the moment of metrics_new. What was counted is of a later turn, but
 * all numbers of one queue are of the same: its buckets, count and sum agree.
 * Queues that are new since then are in the next text.
 */
#ifndef RT_SERVE_METRICS_H
#define RT_SERVE_METRICS_H

#include "base/strbuf.h"
#include "serve/view.h"

#define METRICS_STEP 32 /* queues */

/* What the HTTP side counts of itself. */
struct metrics_http {
	int64_t started_us;	     /* of the wall clock */
	size_t connections, streams; /* open now */
	uint64_t requests;
	uint64_t refused; /* of these, for their form or for want of a token */
	uint64_t cut;	  /* connections that were too slow or too many */
	uint64_t missed;  /* snapshots that were not sent to slow clients */
	uint64_t dropped; /* clients of the stream that were too slow */
};

struct metrics; /* one text in work */

enum metrics_state {
	METRICS_WORKING,
	METRICS_DONE,
	METRICS_STALE /* the view was changed: begin anew */
};

/* The Content-Type; open: OpenMetrics. */
const char *metrics_type(bool open);

/*
 * NULL: a document of the view is in work; its listeners are called when this
 * can be tried again. now_us: the wall clock. The view must outlive it.
 */
struct metrics *metrics_new(struct view *view, const struct metrics_http *http,
    int64_t now_us, bool open);
enum metrics_state metrics_step(struct metrics *m);
bool metrics_is_open(const struct metrics *m);
/* The text, when METRICS_DONE; the caller's from here on. */
struct strbuf metrics_take(struct metrics *m);
void metrics_free(struct metrics *m); /* NULL is fine */

/* Adds a label's value, with what must be escaped in it. */
void metrics_add_value(struct strbuf *to, const char *value);

#endif
