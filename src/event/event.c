/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "event/event.h"

const char *
event_kind_name(enum event_kind kind)
{
	static const char *const names[EVENT_KINDS] = {"none", "enter",
	    "connect", "complete", "leave", "refuse", "summary",
	    "ring_no_answer", "ring_canceled", "agent_dump", "login", "logoff",
	    "pause", "unpause", "wrap_up", "switch_start", "picture",
	    "picture_end", "contact", "note"};

	BUG_ON((unsigned)kind >= EVENT_KINDS);
	return names[kind];
}

static const char *const outcome_names[OUTCOMES] = {"waiting", "answered",
    "abandoned", "timed_out", "exited_key", "exited_empty", "withdrawn",
    "refused", "lost"};

const char *
outcome_name(enum outcome outcome)
{
	BUG_ON((unsigned)outcome >= OUTCOMES);
	return outcome_names[outcome];
}

int
outcome_parse(const char *name)
{
	int i;

	for (i = 0; i < OUTCOMES; i++)
		if (strcmp(outcome_names[i], name) == 0)
			return i;
	return -1;
}
