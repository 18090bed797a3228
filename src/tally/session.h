/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Agents' sessions: how long each agent was logged in and paused, in each
 * queue and as a whole, split over intervals as time passes.
 *
 * A session is (agent, queue or none). Login time runs from EVENT_LOGIN to
 * EVENT_LOGOFF, pause time from EVENT_PAUSE to EVENT_UNPAUSE or LOGOFF. Both
 * are booked up to each interval border when the switch's event clock passes
 * it, so that the database knows of an agent who never logs off; what is
 * booked is exact to the event times and does not depend on when it is
 * flushed.
 *
 * Rules for what switches really write (formats.md 1.3, asterisk/README.md):
 * PAUSE while paused only changes the reason; UNPAUSE of an unpaused agent
 * does nothing; LOGIN while logged in does nothing; LOGOFF without a login
 * books session_ms back from its own time where the feed tells it, else
 * nothing. An event older than what was booked takes back what was too much.
 * A switch silent for more than SESSION_GAP_US ends all sessions at its last
 * word: nobody knows what happened in between.
 */
#ifndef RT_TALLY_SESSION_H
#define RT_TALLY_SESSION_H

#include "tally/tally.h"

#define SESSION_GAP_US (7 * SEC_PER_DAY * USEC_PER_SEC)

struct agent_session {
	struct agent_session *next; /* of the same agent */
	TAILQ_ENTRY(agent_session) list;	 /* on sessions.all */
	TAILQ_ENTRY(agent_session) changed_list; /* on sessions.changed */
	struct agent *agent;
	struct queue *queue; /* NULL: the agent as a whole */
	bool changed;	     /* since last taken: to be stored */
	bool logged_in, paused;
	int64_t login_us, pause_us; /* when it began: event time */
	int64_t login_booked_us, pause_booked_us; /* booked up to here */
	char reason[64]; /* of the pause; valid UTF-8 */
};
TAILQ_HEAD(session_list, agent_session);

struct sessions {
	struct tally *tally;
	struct session_list all, changed;
	struct pool pool;
	int64_t clock_us; /* newest event time that was given; 0: none */
};

void sessions_init(struct sessions *s, struct tally *tally);
void sessions_fini(struct sessions *s);

/* LOGIN, LOGOFF, PAUSE, UNPAUSE. queue NULL: the agent as a whole. */
void sessions_event(struct sessions *s, struct agent *agent,
    struct queue *queue, const struct event *ev);

/*
 * The switch's event clock has come to now_us (it never goes back): books all
 * running sessions up to the last interval border, if one was passed.
 */
void sessions_clock(struct sessions *s, int64_t now_us);

/* The switch started again at t_us: ends logins of agents as a whole (a
 * member of a queue stays one, Asterisk keeps them). */
void sessions_restart(struct sessions *s, int64_t t_us);

/* A stored session, at start: login_us and pause_us as stored (0: not), all
 * booked up to the last border at or before clock_us. */
void sessions_restore(struct sessions *s, struct agent *agent,
    struct queue *queue, int64_t login_us, int64_t pause_us,
    struct slice reason, int64_t clock_us);

#endif
