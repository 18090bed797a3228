/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Agents' sessions: since when each agent is logged in and paused, in each
 * queue and as a whole.
 *
 * A session is (agent, queue or none). A login runs from EVENT_LOGIN to
 * EVENT_LOGOFF, a pause from EVENT_PAUSE to EVENT_UNPAUSE or LOGOFF. While it
 * runs it is its begin and nothing else; when it ends it is told once, as a
 * span. Nothing happens at the borders of intervals: whoever wants figures by
 * interval cuts spans, and what still runs up to the clock, when reading.
 *
 * Rules for what switches really write:
 *
 * - The order in which events come decides who is logged in and paused; their
 *   times only measure. An end before its begin is a span of no length, and is
 *   not told.
 * - PAUSE while paused only changes the reason; UNPAUSE of an unpaused agent
 *   does nothing; LOGIN while logged in does nothing.
 * - A session with a queue and that of the agent as a whole know nothing of
 *   each other (the switch tells of both), nor do login and pause, except that
 *   LOGOFF ends the pause of its own session, login seen or not.
 * - LOGOFF without a login is a span of session_ms back from its own time, for
 *   agents as a whole and where the feed tells it. Never twice: not before the
 *   end of the agent's last login (logoff_us), which may have been told twice,
 *   or ended by a restart or a silence. Where this would reach back further
 *   than SESSION_GAP_US before the clock it is not believed (a switch that has
 *   forgotten the login tells the seconds since 1970).
 * - A switch silent for more than SESSION_GAP_US ends all sessions at its last
 *   word: nobody knows what happened in between. For the same reason an event
 *   that much older than the clock is taken to happen now, and an end that
 *   much ahead of it ends at the clock. Before the clock is known, what lasts
 *   longer has no length.
 *
 * So a span may last for months, where the switch was heard of all the time,
 * but one broken line makes or lengthens none by more than a week; and none
 * ends later than SESSION_GAP_US after the clock.
 */
#ifndef RT_TALLY_SESSION_H
#define RT_TALLY_SESSION_H

#include "tally/tally.h"

#define SESSION_GAP_US (7 * SEC_PER_DAY * USEC_PER_SEC)

enum session_kind { SESSION_LOGIN, SESSION_PAUSE, SESSION_KINDS };

/* A login or a pause from its begin to its end, which is later. */
struct session_span {
	struct agent *agent;
	struct queue *queue; /* NULL: the agent as a whole */
	enum session_kind kind;
	const char *reason; /* of a pause, the last one given; or "" */
	int64_t from_us, to_us;
};
typedef void (*session_span_fn)(void *ctx, const struct session_span *span);

struct agent_session {
	struct agent_session *next;		 /* of the same agent */
	TAILQ_ENTRY(agent_session) list;	 /* on sessions.all */
	TAILQ_ENTRY(agent_session) changed_list; /* on sessions.changed */
	struct agent *agent;
	struct queue *queue; /* NULL: the agent as a whole */
	bool changed;	     /* since last taken: to be stored */
	bool logged_in, paused;
	/* a bit for each feed whose picture is told: it is in that one */
	uint8_t pictured, pictured_paused;
	int64_t login_us, pause_us; /* when it began: event time; 0: not */
	/*
	 * When the last login ended, kept for SESSION_GAP_US; 0: not known.
	 * Of agents as a whole only.
	 */
	int64_t logoff_us;
	char reason[64]; /* of the pause; valid UTF-8 */
};
TAILQ_HEAD(session_list, agent_session);

struct sessions {
	session_span_fn span_fn; /* or NULL */
	void *ctx;
	struct session_list all, changed;
	struct pool pool;
	int64_t clock_us; /* the event clock as last told; 0: not yet */
	int64_t look_us;  /* when to look for a silence, at the latest */
};

/* span_fn is told of each span when it ends; NULL: nobody is. */
void sessions_init(struct sessions *s, session_span_fn span_fn, void *ctx);
/* What runs is forgotten, not ended. */
void sessions_fini(struct sessions *s);

/* Ends what ran before a silence and forgets old logoffs. */
void sessions_pass(struct sessions *s, int64_t now_us);

/*
 * The switch's event clock has come to now_us; a time before the one told last
 * is passed over. To be called for each event of the switch, of any kind,
 * before sessions_event; and at start with the stored clock, before the first
 * session is restored. Not before the clock is believed: see call/machine.h.
 * Costs a comparison but once an hour.
 */
static inline void
sessions_clock(struct sessions *s, int64_t now_us)
{
	if (RT_UNLIKELY(now_us >= s->look_us))
		sessions_pass(s, now_us);
	else if (now_us > s->clock_us)
		s->clock_us = now_us;
}

/* LOGIN, LOGOFF, PAUSE, UNPAUSE. queue NULL: the agent as a whole. */
void sessions_event(struct sessions *s, struct agent *agent,
    struct queue *queue, const struct event *ev);

/*
 * A picture of how things stand is told from here on by the feed of that slot
 * (below 8): LOGIN and PAUSE with EVENT_PRESENT; at its end, who was logged in
 * or paused in a queue since before from_us and is not in it, nor was told of
 * by another feed meanwhile, is so no more.
 */
void sessions_picture(struct sessions *s, unsigned slot);
void sessions_picture_end(
    struct sessions *s, unsigned slot, int64_t from_us, int64_t t_us);

/*
 * The switch started again at t_us: a LOGOFF for every agent logged in as a
 * whole. A member of a queue stays one, and paused: Asterisk keeps both.
 */
void sessions_restart(struct sessions *s, int64_t t_us);
/* Nobody will tell of any of them again: they end at the clock. */
void sessions_give_up(struct sessions *s);

/*
 * A stored session, at start: what sessions_take showed (0: not), with the
 * switch's clock of the same commit. Tells of no span. False: its row stands
 * under other names than those that the agent and the queue go by now (an
 * alias was added), so that it is to be deleted; the session is then one that
 * changed.
 */
bool sessions_restore(struct sessions *s, struct tally *tally,
    struct slice agent, struct slice queue, int64_t login_us, int64_t pause_us,
    int64_t logoff_us, struct slice reason, int64_t clock_us);

/*
 * What runs now, told as if it ended at the clock; nothing ends. For readers
 * who want the figures of this moment.
 */
void
sessions_running(const struct sessions *s, session_span_fn span_fn, void *ctx);

/*
 * A session_span_fn that books into agents' cells, each part of the span in
 * the interval that it falls in; ctx: the struct tally.
 */
void session_span_book(void *ctx, const struct session_span *span);

const char *session_kind_name(enum session_kind kind);

/* Nothing to remember any more: its row is to be deleted. */
static inline bool
session_is_over(const struct agent_session *session)
{
	return !session->logged_in && !session->paused &&
	    session->logoff_us == 0;
}

/*
 * Taking what changed since the last time: calls fn for each session whose
 * login_us, pause_us, logoff_us or reason did. Those that are over
 * (session_is_over) are freed behind the call.
 */
void sessions_take(struct sessions *s,
    void (*fn)(void *ctx, const struct agent_session *session), void *ctx);

#endif
