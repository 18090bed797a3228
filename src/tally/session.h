/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Agents' sessions: how long each agent was logged in and paused, in each
 * queue and as a whole, split over intervals as time passes.
 *
 * A session is (agent, queue or none). Login time runs from EVENT_LOGIN to
 * EVENT_LOGOFF, pause time from EVENT_PAUSE to EVENT_UNPAUSE or LOGOFF. Both
 * are booked up to each interval border when the switch's event clock passes
 * it, so that the database knows of an agent who never logs off. So at any
 * moment a running span is booked up to the later of its begin and the last
 * border at or before the clock, and nothing else needs to be kept: what is
 * booked follows from the events alone, never from when it was flushed or
 * where the daemon was started again.
 *
 * Rules for what switches really write:
 *
 * - The order in which events come decides who is logged in and paused; their
 *   times only measure. An event older than what was booked takes back what
 *   was too much. An end before its begin leaves a span of no length.
 * - PAUSE while paused only changes the reason; UNPAUSE of an unpaused agent
 *   does nothing; LOGIN while logged in does nothing.
 * - A session with a queue and that of the agent as a whole know nothing of
 *   each other (the switch tells of both), nor do login and pause, except that
 *   LOGOFF ends the pause of its own session, login seen or not.
 * - LOGOFF without a login books session_ms back from its own time, for agents
 *   as a whole and where the feed tells it. Never twice: not before the end of
 *   the agent's last login (logoff_us), which may have been told twice, or
 *   ended by a restart or a silence. Where this would reach back further than
 *   SESSION_GAP_US before the clock it is not believed (a switch that has
 *   forgotten the login tells the seconds since 1970).
 * - A switch silent for more than SESSION_GAP_US ends all sessions at its last
 *   word: nobody knows what happened in between. For the same reason an event
 *   that much older than the clock is taken to happen now, and an end that
 *   much ahead of it ends at the clock. Before the clock is known, what lasts
 *   longer has no length. So one broken line books or takes back a week at
 *   most.
 */
#ifndef RT_TALLY_SESSION_H
#define RT_TALLY_SESSION_H

#include "tally/tally.h"

#define SESSION_GAP_US (7 * SEC_PER_DAY * USEC_PER_SEC)

struct agent_session {
	struct agent_session *next;		 /* of the same agent */
	TAILQ_ENTRY(agent_session) list;	 /* on sessions.all */
	TAILQ_ENTRY(agent_session) changed_list; /* on sessions.changed */
	struct agent *agent;
	struct queue *queue; /* NULL: the agent as a whole */
	bool changed;	     /* since last taken: to be stored */
	bool logged_in, paused;
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
	struct tally *tally;
	struct session_list all, changed;
	struct pool pool;
	int64_t clock_us;  /* the event clock as last told; 0: not yet */
	int64_t border_us; /* the first interval border after it */
};

/* The tally must outlive the sessions. */
void sessions_init(struct sessions *s, struct tally *tally);
void sessions_fini(struct sessions *s);

/* Books all that runs up to the last border and ends it after a silence. */
void sessions_pass(struct sessions *s, int64_t now_us);

/*
 * The switch's event clock has come to now_us; a time before the one told last
 * is passed over. To be called for each event of the switch, of any kind,
 * before sessions_event; and at start with the stored clock, before the first
 * session is restored. Not before the clock is believed: see call/machine.h.
 * Costs a comparison until a border is passed.
 */
static inline void
sessions_clock(struct sessions *s, int64_t now_us)
{
	if (RT_UNLIKELY(now_us >= s->border_us))
		sessions_pass(s, now_us);
	else if (now_us > s->clock_us)
		s->clock_us = now_us;
}

/* LOGIN, LOGOFF, PAUSE, UNPAUSE. queue NULL: the agent as a whole. */
void sessions_event(struct sessions *s, struct agent *agent,
    struct queue *queue, const struct event *ev);

/*
 * The switch started again at t_us: a LOGOFF for every agent logged in as a
 * whole. A member of a queue stays one, and paused: Asterisk keeps both.
 */
void sessions_restart(struct sessions *s, int64_t t_us);

/*
 * A stored session, at start: what sessions_take showed (0: not), with the
 * switch's clock of the same commit. Books nothing.
 */
void sessions_restore(struct sessions *s, struct agent *agent,
    struct queue *queue, int64_t login_us, int64_t pause_us, int64_t logoff_us,
    struct slice reason, int64_t clock_us);

/* Nothing to remember any more: its row is to be deleted. */
static inline bool
session_is_over(const struct agent_session *session)
{
	return !session->logged_in && !session->paused &&
	    session->logoff_us == 0;
}

/*
 * Taking what changed since the last time: calls fn for each session whose
 * login_us, pause_us, logoff_us or reason did. Booking alone is no change.
 * Those that are over (session_is_over) are freed behind the call.
 */
void sessions_take(struct sessions *s,
    void (*fn)(void *ctx, const struct agent_session *session), void *ctx);

#endif
