/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tally of one switch: what is counted, by queue and interval and by
 * agent, queue and interval. Pure: it knows no clock but the event times that
 * it is given, and no database. The call machine books, `ringtally tally`
 * prints, the store takes what changed.
 *
 * A cell is one queue's (or one agent's) interval. What it holds was booked
 * since it was last taken by tally_take_*; where nobody takes (ringtally
 * tally), that is everything. A cell that visits still refer to, or that
 * changed, stays; others are let go when they are old.
 */
#ifndef RT_TALLY_TALLY_H
#define RT_TALLY_TALLY_H

#include <sys/queue.h>

#include "base/hist.h"
#include "base/pool.h"
#include "base/slice.h"
#include "base/slots.h"
#include "base/table.h"
#include "base/utc.h"
#include "event/event.h"
#include "tally/measure.h"

#define TALLY_NAME_MAX	  256 /* bytes of a queue's or agent's name, cleaned */
#define TALLY_OTHER	  SLICE("other") /* what is too many */
#define TALLY_RECENT	  256		 /* a power of two */
#define TALLY_SPAN_MAX_US (31 * SEC_PER_DAY * USEC_PER_SEC)

struct agent;
struct live;
struct live_queue;
struct tally;

/* One queue's interval. */
struct cell {
	UT_hash_handle hh;
	TAILQ_ENTRY(cell) list; /* on tally.changed or tally.settled */
	struct queue *queue;
	int64_t
	    starts_us; /* the key, UTC: as a rule of the interval's length */
	bool changed;
	uint32_t visits;  /* visits in memory that arrived here */
	uint32_t waiting; /* of these, waiting now */
	int64_t v[MEASURES];
	struct hist wait_answered, wait_abandoned;
};
TAILQ_HEAD(cell_list, cell);

struct queue {
	UT_hash_handle hh;
	struct tally *tally;
	struct cell *cells; /* uthash by starts_us */
	struct cell *last;  /* the one used last */
	int64_t newest_us; /* no cell starts later; valid while there are any */
	struct live_queue *live; /* see tally/live.h; or NULL */
	char *name;		 /* valid UTF-8, no controls, not empty */
	size_t name_len;
	uint32_t id;	    /* counted from 0, in this process only */
	uint32_t repeat_id; /* see tally/repeat.c; 0: none */
};

/* One agent's interval, in one queue or (queue NULL) as a whole. */
struct agent_cell {
	UT_hash_handle hh;
	TAILQ_ENTRY(agent_cell) list;
	struct agent_cell_key {
		int64_t starts_us;
		uint32_t agent; /* agent->id */
		uint32_t queue; /* queue->id, or UINT32_MAX */
	} key;
	struct agent *agent;
	struct queue *queue;
	bool changed;
	int64_t v[AGENT_MEASURES];
};
TAILQ_HEAD(agent_cell_list, agent_cell);

struct visit;
LIST_HEAD(visit_talks, visit);

#define AGENT_SLOTS 4

/* The cell that an agent used last in some queue: found without a look-up. */
struct agent_slot {
	struct queue *queue;
	struct agent_cell *cell; /* NULL: the slot is free */
};

struct agent {
	char *name;
	size_t name_len;
	uint32_t id;
	struct visit_talks talks; /* visits this agent is talking to */
	struct agent_slot slots[AGENT_SLOTS];
	uint32_t next_slot;		/* to be used for another queue */
	struct agent_session *sessions; /* see tally/session.h */
	/* of this process, for tally/presence.h; event times, 0: not known */
	struct queue *wrap_up_queue; /* where; NULL: not told */
	int64_t wrap_up_us;	     /* finishing off since ... */
	int64_t wrap_up_until_us;    /* ... and until */
};

/* "This name is that agent": from the configuration. */
struct tally_alias {
	UT_hash_handle hh;
	struct agent *agent;
	size_t name_len;
	char name[];
};

struct tally_config {
	int64_t interval_us; /* > 0; divides a day */
	int64_t short_abandon_us;
	uint32_t max_queues; /* further ones are booked under "other" */
	uint32_t max_agents;
	int64_t keep_us;     /* settled cells older than this go; 0: keep all */
	bool without_agents; /* nobody asks for the agents' figures */
};

struct tally {
	struct tally_config config;
	struct queue *queues; /* uthash by name */
	struct slots agents;  /* by name */
	struct tally_alias *aliases;
	/* found without a look-up: by the end of the name */
	struct queue *recent[TALLY_RECENT];
	struct live *live; /* what is shown now; NULL: nobody looks */
	struct agent_cell *agent_cells;
	struct cell_list changed, settled;
	struct agent_cell_list agent_changed, agent_settled;
	struct pool cell_pool, agent_cell_pool;
	size_t n_cells, n_agent_cells;
	uint64_t capped; /* names booked under "other" */
};

void tally_init(struct tally *t, const struct tally_config *config);
void tally_fini(struct tally *t);

/*
 * The queue or agent of that name, made when new. The name is cleaned first
 * (valid UTF-8, no controls, at most TALLY_NAME_MAX bytes). Above max_queues
 * (max_agents) it is the one called "other", and tally.capped goes up.
 */
struct queue *tally_queue(struct tally *t, struct slice name);
struct agent *tally_agent(struct tally *t, struct slice name);
/* The same where the hash of the name as it was sent is known already. */
struct agent *
tally_agent_of_hash(struct tally *t, struct slice name, uint32_t hash);
uint32_t tally_name_hash(struct slice name);
/*
 * What the agent of that name is called in all figures, without making one:
 * the name of whom it is an alias, or itself, cleaned. `room` may hold it.
 */
struct slice tally_agent_called(
    const struct tally *t, struct slice name, char room[TALLY_NAME_MAX]);
/* Books everything said of `name` under `agent`. */
void tally_alias_add(struct tally *t, struct slice name, struct slice agent);

/* The cell of the queue's interval that t_us falls in, made when new. */
struct cell *tally_cell(struct queue *queue, int64_t t_us);
/* The cell of that beginning, which may be of another interval's length. */
struct cell *tally_cell_of(struct queue *queue, int64_t starts_us);
struct agent_cell *tally_agent_cell(
    struct tally *t, struct agent *agent, struct queue *queue, int64_t t_us);

/*
 * Books: adds n to a measure (or raises a MAX measure to n) and marks the cell
 * as changed. n may be negative for a SUM.
 */
static inline void
tally_book(struct tally *t, struct cell *cell, enum measure m, int64_t n);
void tally_book_agent(struct tally *t, struct agent *agent, struct queue *queue,
    int64_t t_us, enum agent_measure m, int64_t n);
/*
 * Books the time from from_us to to_us to an agent, each part in the interval
 * that it falls in. Of a span longer than TALLY_SPAN_MAX_US what is older goes
 * into one interval: a conversation of three years in one broken line must not
 * fill the memory.
 */
void tally_book_span(struct tally *t, struct agent *agent, struct queue *queue,
    enum agent_measure m, int64_t from_us, int64_t to_us);

/*
 * A visit's outcome, with its wait (EVENT_UNKNOWN_MS where not known): the
 * count of the outcome, sums and histograms, in one place. n: 1, or -1 to take
 * one back that was booked wrongly. The longest wait can not be taken back: who
 * is certain of it books MEASURE_max_wait_ms.
 */
void tally_outcome(struct tally *t, struct cell *cell, enum outcome outcome,
    int64_t wait_ms, int n);

/* The measure that counts visits of an outcome. */
extern const enum measure tally_outcome_measure[OUTCOMES];

/*
 * Taking what changed. The callback is given each changed cell once, in the
 * order of their keys (interval, agent's and queue's name by their bytes, no
 * queue first), copies what it needs, and the cell is zeroed and settled
 * behind it. Then settled
 * cells older than config.keep_us before now_us go.
 */
typedef void (*tally_cell_fn)(void *ctx, const struct cell *cell);
typedef void (*tally_agent_cell_fn)(void *ctx, const struct agent_cell *cell);
void tally_take(struct tally *t, tally_cell_fn cell_fn,
    tally_agent_cell_fn agent_fn, void *ctx, int64_t now_us);

/* Puts a cell on the list of changed ones; tally_book's slow half. */
void tally_mark(struct tally *t, struct cell *cell);

static inline void
tally_book(struct tally *t, struct cell *cell, enum measure m, int64_t n)
{
	if (measure_kind(m) == MEASURE_KIND_MAX)
		cell->v[m] = RT_MAX(cell->v[m], n);
	else
		cell->v[m] += n;
	if (!cell->changed)
		tally_mark(t, cell);
}

#endif
