/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inside of the simulation: the state that its files share, and what they
 * ask of each other. Nobody outside src/sim/ includes this.
 *
 * Who changes what: a call's state only caller.c and talk.c, an agent's only
 * staff_set; the counts `ready`, `present` and `unrung` of a queue follow
 * from these.
 */
#ifndef RT_SIM_WORLD_H
#define RT_SIM_WORLD_H

#include <sys/queue.h>

#include "base/utc.h"
#include "base/pool.h"
#include "sim/agenda.h"
#include "sim/council.h"
#include "sim/dice.h"
#include "sim/sim.h"

#define SIM_SKILLS 4 /* queues of one agent, at most */
#define SIM_ID_MAX 32

enum due_kind {
	DUE_ARRIVAL,
	DUE_CALL,
	DUE_AGENT,
	DUE_RELOAD, /* the logger, once a day */
	DUE_SWITCH  /* starts, or crashes */
};

/* An Asterisk uniqueid: "1795288734.141". */
struct sim_id {
	char text[SIM_ID_MAX];
	uint32_t n;
};

struct sim_call;
struct sim_agent;
TAILQ_HEAD(sim_calls, sim_call);

struct sim_queue {
	const struct council_queue *kind;
	struct sim_queue *overflow; /* or NULL */
	struct sim_agent **members;
	struct sim_calls waiters; /* by entry, ringing ones included */
	char name[COUNCIL_NAME_MAX];
	char exten[8];
	uint32_t name_len;
	uint32_t index;
	uint32_t n_members;
	uint32_t turn;	  /* the member whose turn it is to be asked */
	uint32_t present; /* members logged in */
	uint32_t ready;	  /* members that can take a call */
	uint32_t waiting, unrung;
	uint32_t max_waiting;
};

enum staff_state {
	STAFF_OFF,
	STAFF_READY,
	STAFF_BUSY, /* ringing or talking: the call's state says which */
	STAFF_WRAP,
	STAFF_PAUSED
};

/* How the switch knows an agent; real ones mix them. */
enum staff_form {
	STAFF_NAMED, /* added by interface, logged by name */
	STAFF_PLAIN, /* logged by interface */
	STAFF_LOGIN  /* AGENTLOGIN; static member of its queues */
};

struct sim_agent {
	struct due due;
	enum staff_state state;
	enum staff_form form;
	struct sim_queue *skills[SIM_SKILLS];
	unsigned n_skills;
	char name[COUNCIL_NAME_MAX];  /* in all lines of calls and pauses */
	char iface[COUNCIL_NAME_MAX]; /* in those of membership */
	uint32_t name_len;
	uint32_t number;
	struct sim_id session; /* of STAFF_LOGIN: its own channel */
	const char *reason;    /* of the pause */
	int64_t came_us, leaves_us, pauses_us;
};

enum caller_state {
	CALLER_AWAY, /* will ring, or ring again */
	CALLER_WAITING,
	CALLER_RINGING,
	CALLER_TALKING
};

/* How a conversation will end. */
enum talk_end {
	TALK_AGENT,
	TALK_CALLER,
	TALK_BLIND,
	TALK_CONSULT, /* first the colleague is called, then ... */
	TALK_ATTENDED
};

/* How the agent's phone will stop ringing. */
enum ring_end { RING_ANSWER, RING_IN_VAIN, RING_DUMP };

struct sim_interval;

struct sim_call {
	struct due due;
	enum caller_state state;
	TAILQ_ENTRY(sim_call) list; /* of the queue's waiters */
	TAILQ_ENTRY(sim_call) open; /* of all but those away */
	struct sim_queue *queue;    /* of the present visit, or to ring */
	struct sim_agent *agent;    /* ringing or talking; or NULL */
	struct sim_id id;
	struct sim_id other_id;		 /* ends under this one, if not empty */
	char number[COUNCIL_NUMBER_MAX]; /* empty: withheld */
	unsigned entries;		 /* visits so far */
	unsigned attempts;		 /* times rung */
	struct sim_queue *served; /* who answered first in this call; or NULL */
	/* the present visit */
	struct sim_interval *interval;
	uint64_t order;
	uint32_t position; /* when it entered, from 1 */
	int64_t entered_us, answered_us;
	int64_t leaves_us;  /* if nobody answers by then ... */
	enum outcome leave; /* ... in this way */
	char key;
	int64_t rang_us, ring_ends_us;
	enum ring_end ring_end;
	uint64_t ring_no; /* of the agent's channel */
	enum talk_end talk_end;
	struct sim_queue *target; /* of the transfer */
	int64_t not_before_us;	  /* the caller is not here yet: attended */
};

struct sim_interval {
	TAILQ_ENTRY(sim_interval) list;
	int64_t starts_s;
	uint64_t open;		 /* visits that can still change it */
	struct sim_cell cells[]; /* by queue->index */
};
TAILQ_HEAD(sim_intervals, sim_interval);

/* The line being written, and the one held back by disorder. */
struct sim_line {
	char text[SIM_LINE_MAX];
	size_t n;
	int64_t second;
	struct slice call, agent; /* within text */
	bool enters;
};

struct sim {
	struct sim_config config;
	struct sim_sink *sink;
	struct dice dice;
	struct dice
	    again; /* of those who ring again: the rest stays as it was */
	struct dice noise; /* of disorder: it changes nothing but the order */
	struct dice judge; /* of assessments: these only add lines */
	struct agenda agenda;
	int64_t now_us;
	int64_t now_s;
	struct sim_queue *queues;
	struct sim_agent *agents;
	struct sim_agent **members; /* of all queues, behind each other */
	unsigned weight;	    /* of all queues */
	struct pool call_pool;
	struct sim_calls open;
	struct due arrival, reload, power;
	bool down;	   /* not started, or crashed */
	bool closed;	   /* nobody rings any more */
	uint64_t callers;  /* who joined, for config.calls */
	uint64_t numbers;  /* given to callers, where each has his own */
	uint64_t channels; /* made since the start of the switch */
	uint64_t visits;
	struct sim_intervals intervals;
	struct sim_interval *spare;
	char stamp[24]; /* "1795288734|", of stamp_s */
	uint32_t stamp_n;
	int64_t stamp_s;
	struct sim_line line, held;
};

/* sim.c */
struct sim_id sim_id_new(struct sim *sim);
static inline int64_t
sim_whole(int64_t us)
{
	return utc_floor(us, USEC_PER_SEC) / USEC_PER_SEC;
}

/* caller.c */
struct sim_call *caller_new(struct sim *sim);
void caller_arrive(struct sim *sim);
void caller_due(struct sim *sim, struct sim_call *call);
/* False, with nothing done (but a refusal): the queue lets nobody in. */
bool
caller_enter(struct sim *sim, struct sim_call *call, struct sim_queue *queue);
/* Rings a ready agent's phone for a caller who waits. */
void
caller_ring(struct sim *sim, struct sim_call *call, struct sim_agent *agent);
/* The caller who has waited longest and for whom no phone rings. */
struct sim_call *caller_first(const struct sim_queue *queue);
/* No agents are left: all who wait are sent away. */
void caller_empty(struct sim *sim, struct sim_queue *queue);
/* Out of the queue, into nothing yet. */
void caller_unqueue(struct sim_call *call);
/*
 * Gone from the switch: the call is freed, or an unserved caller rings again
 * later, as config.redial has it.
 */
void caller_gone(struct sim *sim, struct sim_call *call, bool unserved);
/* The switch has started again: no call of before is left. */
void caller_lost(struct sim *sim);

/* talk.c */
void talk_start(struct sim *sim, struct sim_call *call);
void talk_due(struct sim *sim, struct sim_call *call);

/* staff.c */
void staff_init(struct sim *sim);
void staff_due(struct sim *sim, struct sim_agent *agent);
/* Somebody who can take a call of that queue, or NULL. */
struct sim_agent *staff_find(struct sim_queue *queue);
void staff_busy(struct sim *sim, struct sim_agent *agent);
/* Ready again at once, or after what there is to write down. */
void staff_free(struct sim *sim, struct sim_agent *agent, int64_t wrap_us);
/* Paused by the switch for not answering. */
void staff_autopause(struct sim *sim, struct sim_agent *agent);
/* The switch starts after a crash. */
void staff_restart(struct sim *sim, struct sim_agent *agent);

/* script.c: a line each, of now */
void script_event(struct sim *sim, const char *event);
void script_did(struct sim *sim, const struct sim_call *call);
void script_enter(struct sim *sim, const struct sim_call *call);
void
script_refuse(struct sim *sim, const struct sim_call *call, const char *event);
void script_connect(struct sim *sim, const struct sim_call *call);
/* RINGNOANSWER, RINGCANCELED */
void
script_ring(struct sim *sim, const struct sim_call *call, const char *event);
void script_dump(struct sim *sim, const struct sim_call *call);
void script_leave(struct sim *sim, const struct sim_call *call);
void script_complete(struct sim *sim, const struct sim_call *call);
void script_blind(struct sim *sim, const struct sim_call *call);
void script_attended(struct sim *sim, const struct sim_call *call);
void script_disposition(struct sim *sim, const struct sim_call *call);
void script_status(struct sim *sim, const struct sim_call *call);
void script_member(struct sim *sim, const struct sim_agent *agent, bool add);
void script_login(struct sim *sim, const struct sim_agent *agent, bool in);
void script_pause(struct sim *sim, const struct sim_agent *agent, bool pause);
void script_quiet(struct sim *sim);

/* truth.c */
void truth_enter(struct sim *sim, struct sim_call *call);
void truth_refuse(struct sim *sim, struct sim_call *call);
/* A phone of the queue's rang in vain. */
void truth_ring(struct sim *sim, const struct sim_queue *queue);
/* Answered, or gone: the wait is over. */
void truth_outcome(struct sim *sim, struct sim_call *call, enum outcome end);
/* The visit is over and its talk known (-1: never). */
void truth_close(
    struct sim *sim, struct sim_call *call, enum outcome end, int64_t talk_s);
void truth_settle(struct sim *sim, bool all);
void truth_fini(struct sim *sim);

#endif
