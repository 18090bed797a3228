/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /metrics: the figures for Prometheus and whoever else reads its text, in the
 * OpenMetrics form or the older one (0.0.4), as the client asks for. Names and
 * units follow their advice: seconds and bytes, counters that end in _total and
 * only rise (from the daemon's start, whatever a new day does to the live
 * figures), shares left to be worked out from counts.
 */
#ifndef RT_SERVE_METRICS_H
#define RT_SERVE_METRICS_H

#include "base/strbuf.h"
#include "serve/view.h"

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

/* The Content-Type; open: OpenMetrics. */
const char *metrics_type(bool open);
void metrics_render(struct view *view, const struct metrics_http *http,
    int64_t now_us, bool open, struct strbuf *to);

/* Adds a label's value, with what must be escaped in it. */
void metrics_add_value(struct strbuf *to, const char *value);

#endif
