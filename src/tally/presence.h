/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Agents' presence: what each of them is doing now, and how many do what, in
 * a queue, in a group of queues (a service) and altogether. Pure; nothing is
 * kept, all is worked out from the sessions, the conversations and the wrap-up
 * of the moment, so that it can not drift from them.
 *
 * An agent is in one state at a time, the same in each queue, but for pauses:
 *
 *	TALKING	    a visit of any queue is with the agent. Who talks in one
 *		    queue is not free in another
 *	WRAPPING_UP finishing off after a conversation, until the end that the
 *		    switch has told (EVENT_WRAP_UP) or the next call. A restart
 *		    of the daemon forgets it
 *	PAUSED	    as a whole, or in every queue of the group
 *	FREE	    in the queue and none of these
 *
 * In a queue is who logged into it (Asterisk: became a member), or who shows by
 * talking, wrapping up or pausing there that they are; so in each group
 * logged_in = free + talking + wrapping_up + paused. An agent of three queues
 * is one in each and one in the total.
 *
 * What can not be known: the members that stand in Asterisk's queues.conf
 * never log in, and no line tells of them. They are seen while they talk, wrap
 * up or pause, and are missing otherwise. An agent who logs in as a whole
 * (AGENTLOGIN) names no queue: such a one is in the total, and in a queue only
 * while talking in it or where a login to it was seen. FREE means that nothing
 * keeps the agent: whether the telephone is plugged in, no log tells.
 */
#ifndef RT_TALLY_PRESENCE_H
#define RT_TALLY_PRESENCE_H

#include "tally/session.h"
#include "tally/tally.h"

struct visit;

#define PRESENCE_REASONS 15 /* told apart in a group; see more_reasons */
#define PRESENCE_TALKS	 64 /* of one agent looked at, the newest */
#define PRESENCE_GROUPS	 3  /* that a queue is in, at most */

enum presence_state {
	PRESENCE_LOGGED_OFF,
	PRESENCE_FREE,
	PRESENCE_TALKING,
	PRESENCE_WRAPPING_UP,
	PRESENCE_PAUSED,
	PRESENCE_STATES
};

/* One agent, altogether. */
struct presence {
	enum presence_state state;
	int64_t since_us;	  /* event time; 0: not known; see below */
	const char *reason;	  /* of the pause; "": none; as the session's */
	const struct visit *talk; /* while TALKING: the conversation */
};

/* How many of a group are paused for that reason, "" where none was told. */
struct presence_reason {
	const char *name; /* the board's: until it is reset */
	uint32_t n;
};

struct presence_counts {
	uint32_t logged_in; /* all but LOGGED_OFF */
	uint32_t of[PRESENCE_STATES];
	uint32_t n_reasons;
	struct presence_reason reasons[PRESENCE_REASONS]; /* by name */
	uint32_t more_reasons; /* paused for any further one */
};

struct presence_group;
struct presence_name;

/* Counts of the groups of one or more switches; see presence_count. */
struct presence_board {
	struct presence_counts total;
	struct presence_group *groups;
	uint32_t n_groups, cap;
	struct presence_name *names; /* uthash: the reasons */
	uint32_t serial;	     /* of the agent looked at */
	uint32_t *mine;		     /* the groups that this agent is in */
	uint32_t n_mine, mine_cap;
};

const char *presence_state_name(enum presence_state state);

/*
 * What the agent does at now_us. Since when: TALKING since the answer, PAUSED
 * (as a whole or in every queue) since the pause, of several the last. FREE
 * counts from the login and LOGGED_OFF from its end: what came in between is
 * not remembered over a restart.
 */
struct presence presence_of(const struct agent *agent, int64_t now_us);

/*
 * Calls fn for each queue that the agent is in, in no order; a queue may come
 * twice.
 */
void presence_queues(const struct agent *agent, int64_t now_us,
    void (*fn)(void *ctx, const struct queue *queue), void *ctx);

void presence_board_init(struct presence_board *board);
void presence_board_fini(struct presence_board *board);
/* All counts are 0 again, for so many groups; the memory stays. */
void presence_board_reset(struct presence_board *board, uint32_t n_groups);
/* Writes the groups that a queue is in, each below n_groups; how many. */
typedef unsigned (*presence_groups_fn)(
    void *ctx, const struct queue *queue, uint32_t groups[PRESENCE_GROUPS]);

/*
 * Adds all agents of a switch, in one pass: each to the total and once to each
 * group that a queue of theirs is in. NULL: each queue is a group, its id.
 */
void presence_count(struct presence_board *board, const struct tally *tally,
    int64_t now_us, presence_groups_fn groups_of, void *ctx);
/* What was counted of a group. */
const struct presence_counts *
presence_counts(const struct presence_board *board, uint32_t group);

#endif
