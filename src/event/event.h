/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event: one fact about one call or agent, the same for every switch. A
 * format makes events of records, the call machine follows them; nobody past
 * the format sees a vendor's words (but `name`, for people).
 *
 * Of fixed size, and only lent: all slices point into the record (or, of a
 * format with STAGE_OWN_TEXT or with `save`, into its own memory, which it may
 * free or use again as soon as the sink returns). With the record they are
 * dead; whoever wants to keep them copies.
 */
#ifndef RT_EVENT_EVENT_H
#define RT_EVENT_EVENT_H

#include "base/slice.h"

struct contact;

enum event_kind {
	EVENT_NONE,
	/* of callers */
	EVENT_ENTER,	/* call joins queue: a visit begins */
	EVENT_CONNECT,	/* an agent answers; wait_ms */
	EVENT_COMPLETE, /* the conversation ends; wait_ms, talk_ms */
	EVENT_LEAVE,	/* unanswered, by `outcome`; wait_ms */
	EVENT_REFUSE,	/* could not join at all: a visit of no length */
	/* of a call that is over, by those who tell of it only then */
	EVENT_SUMMARY,	      /* begin_us, outcome, wait_ms, talk_ms */
	EVENT_RING_NO_ANSWER, /* an agent's phone rang in vain; ring_ms */
	EVENT_RING_CANCELED,  /* the caller left while it rang; ring_ms */
	EVENT_AGENT_DUMP,     /* the agent sent the caller back; ends nothing */
	/* of agents; queue empty: the agent as a whole */
	EVENT_LOGIN,
	EVENT_LOGOFF, /* session_ms: how long, where the switch tells */
	EVENT_PAUSE,  /* text: the reason */
	EVENT_UNPAUSE,
	EVENT_WRAP_UP, /* session_ms: how long it will last */
	/* of the switch */
	EVENT_SWITCH_START, /* all open calls ended without a word */
	/*
	 * How things stand now, after a connection was made: between the two
	 * come ENTER, LOGIN and PAUSE of all who wait and work, flagged
	 * EVENT_PRESENT. What is not among them has ended unheard.
	 */
	EVENT_PICTURE,
	EVENT_PICTURE_END,
	/*
	 * A customer's contact, of this call or by another channel: `contact`
	 * has the rest, `caller` the customer, `text` the category. It is
	 * counted by name, goes to the database, and moves no call.
	 */
	EVENT_CONTACT,
	/* counted and shown by name, moves nothing */
	EVENT_NOTE,
	EVENT_KINDS
};

/* How a visit ends, see ringtally-sql(7). The order is kept in the database. */
enum outcome {
	OUTCOME_NONE, /* still waiting */
	OUTCOME_ANSWERED,
	OUTCOME_ABANDONED,
	OUTCOME_TIMED_OUT,
	OUTCOME_EXITED_KEY,
	OUTCOME_EXITED_EMPTY,
	OUTCOME_WITHDRAWN,
	OUTCOME_REFUSED,
	OUTCOME_LOST,
	OUTCOMES
};

/* A duration that the feed did not tell. */
#define EVENT_UNKNOWN_MS INT64_C(-1)

enum event_flag {
	EVENT_TRANSFERRED = 1,	/* of COMPLETE: by passing the call on */
	EVENT_UNKNOWN_NAME = 2, /* the format's tables do not know `name` */
	EVENT_PRESENT = 4,	/* of a picture: it is so, and was before */
	EVENT_UNSURE = 8,	/* the outcome is one of several: see facts */
	EVENT_AMBIGUOUS = 16,	/* in the local hour that happens twice */
	EVENT_HIDDEN = 32	/* `caller` is, by what a format kept */
};

struct event {
	enum event_kind kind;
	enum outcome outcome; /* of LEAVE and REFUSE */
	unsigned flags;	      /* enum event_flag */
	int64_t time_us;      /* when it happened, since 1970 UTC: event time */
	struct slice name;    /* the feed's own word: "COMPLETEAGENT" */
	struct slice call;    /* call id, unique within the switch; or empty */
	struct slice queue;   /* or empty */
	struct slice agent;   /* or empty */
	/* number as sent, or EVENT_HIDDEN; empty: withheld or unknown */
	struct slice caller;
	struct slice text; /* key, reason, target of a transfer ... */
	const struct contact *contact; /* of CONTACT alone */
	int64_t wait_ms;	       /* EVENT_UNKNOWN_MS where not told */
	int64_t ring_ms;
	int64_t talk_ms;
	int64_t session_ms;
	/*
	 * SUMMARY: when the visit began (time_us: when it was over). ENTER of
	 * a picture: when the wait began (time_us: now).
	 */
	int64_t begin_us;
	/* where it stands, set by the feed: evidence */
	uint32_t feed;	  /* number of the feed in this daemon */
	uint32_t slot;	  /* and among the feeds of its switch */
	uint32_t file_no; /* which of its files, see struct position */
	int64_t offset;	  /* of the record's first byte in that file */
	/* set by machine_expect */
	uint32_t call_hash;  /* of `call` */
	uint32_t agent_hash; /* of `agent`; of CONNECT alone */
};

/* "enter", "connect" ...: the names that logs, tests and manuals use. */
const char *event_kind_name(enum event_kind kind);
/* "answered", "timed_out" ... as in the database; "waiting" for none. */
const char *outcome_name(enum outcome outcome);
/* The outcome of that name, or -1. */
int outcome_parse(const char *name);

/*
 * Where a format's events go. The receiver embeds it and finds itself by its
 * address; it stamps the event with its place. An event that is made in `room`
 * need not be copied there; NULL: make it where you like. What stands in it
 * before is of no meaning; once given away it is the receiver's, and the next
 * event has another room.
 */
struct sink {
	void (*event)(struct sink *sink, struct event *ev);
	struct event *room;
};

#endif
