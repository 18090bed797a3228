/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef RT_FORMAT_BLANK_H
#define RT_FORMAT_BLANK_H

#include "event/event.h"

/* An event of which nothing is known yet: kind and time are to be filled. */
static inline void
blank_event(struct event *ev)
{
	const struct slice none = {"", 0};

	ev->outcome = OUTCOME_NONE;
	ev->flags = 0;
	ev->name = ev->call = ev->queue = ev->agent = none;
	ev->caller = ev->text = none;
	ev->wait_ms = ev->ring_ms = EVENT_UNKNOWN_MS;
	ev->talk_ms = ev->session_ms = EVENT_UNKNOWN_MS;
	ev->begin_us = 0;
}

#endif
