/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A store in memory that stands for PostgreSQL. It takes from the pipeline
 * exactly what a cut takes and gives back exactly what a restart loads, so
 * that what survives here would survive there, and what is lost here would be
 * lost there.
 *
 * Rows that add up (cells, counters, names) have two values: `kept` was
 * committed; `seen` is that and what memory holds on top, as a reader of the
 * live views would see it, with agents' spans cut into intervals and what
 * still runs up to the clock. Only memstore_look works `seen` out.
 */
#ifndef RT_TESTS_MEMSTORE_H
#define RT_TESTS_MEMSTORE_H

#include "base/strbuf.h"
#include "call/intake.h"

/* Names are interned in the store: equal ones are the same pointer. */
struct mem_key {
	int64_t number; /* begin of the interval; number of the visit */
	const char *a;	/* queue, agent, call id, event */
	const char *b;	/* an agent's queue; "": as a whole */
};

struct mem_figures {
	int64_t v[MEASURES];
	struct hist answered, abandoned;
};

struct mem_cell {
	UT_hash_handle hh;
	struct mem_key key;
	struct mem_figures kept, seen;
};

struct mem_agent_cell {
	UT_hash_handle hh;
	struct mem_key key;
	int64_t kept[AGENT_MEASURES], seen[AGENT_MEASURES];
};

struct mem_counters {
	UT_hash_handle hh;
	struct mem_key key;
	struct counters kept, seen;
	uint64_t cut; /* number of the last one that had it */
};

struct mem_name {
	UT_hash_handle hh;
	struct mem_key key;
	uint64_t kept, seen;
	int64_t last_us;
	bool unknown;
};

/* A visit with the names that it refers to: open, or ended and told. */
struct mem_visit {
	UT_hash_handle hh;
	struct mem_key key;
	struct visit visit;	   /* its pointers are NULL */
	int64_t starts_us;	   /* of its cell; INT64_MIN: it has none */
	const char *queue, *agent; /* agent "": none */
};

/* A login or pause that ended; names are the store's own. */
struct mem_span {
	const char *agent, *queue;
	struct session_span span; /* its pointers are NULL */
};

struct mem_session {
	UT_hash_handle hh;
	struct mem_key key;
	int64_t login_us, pause_us, logoff_us;
	const char *reason;
	bool misnamed; /* it goes with the next cut */
};

struct mem_text;

struct memstore {
	struct mem_text *texts;
	struct mem_cell *cells;
	struct mem_agent_cell *agent_cells;
	struct mem_counters *counters;
	struct mem_name *names;
	struct mem_visit *open;
	struct mem_session *sessions;
	struct mem_visit *ended; /* rows, in the order in which they came */
	size_t n_ended, cap_ended;
	size_t n_ended_kept;	/* the first so many were committed */
	struct mem_span *spans; /* rows, in the same way */
	size_t n_spans, cap_spans, n_spans_kept;
	const char **queues, **agents; /* every name that a row had, once */
	size_t n_queues, n_agents;
	uint64_t cuts;
	/* the feed's position and the switch's clock */
	uint32_t file_no;
	int64_t offset;
	bool skipping;
	int64_t clock_us, leap_us;
	struct strbuf state; /* what the feed's format remembers */
};

void memstore_fini(struct memstore *store);

const char *memstore_intern(struct memstore *store, struct slice text);

/* A visit has ended: the row waits for the next cut. */
void memstore_ended(struct memstore *store, const struct visit *visit);

/* An agent's login or pause has ended: the same. */
void memstore_span(struct memstore *store, const struct session_span *span);

/* One transaction: all that changed, and where the feed stands. */
void memstore_cut(struct memstore *store, struct intake *in, uint32_t file_no,
    int64_t offset);

/* Forgets what was not committed. */
void memstore_crash(struct memstore *store);

/* Gives a machine that was just made what a restart loads. */
void memstore_load(struct memstore *store, struct machine *m);

/* Works out `seen` of all rows. */
void memstore_look(struct memstore *store, const struct intake *in);

/*
 * Does the store hold exactly the machine's visits and sessions? For use right
 * behind a cut. False with the difference in why.
 */
bool memstore_agrees(
    struct memstore *store, const struct machine *m, struct strbuf *why);

/* The rows of that key, made when new. queue "": the agent as a whole. */
struct mem_cell *
memstore_cell(struct memstore *store, const char *queue, int64_t starts_us);
struct mem_agent_cell *memstore_agent_cell(struct memstore *store,
    const char *agent, const char *queue, int64_t starts_us);

/* The row that a machine's visit or session would have now. */
void mem_visit_of(
    struct memstore *store, const struct visit *v, struct mem_visit *row);
void mem_session_of(struct memstore *store, const struct agent_session *s,
    struct mem_session *row);

/* All that a row says, on one line. */
void mem_visit_write(struct strbuf *to, const struct mem_visit *row);
void mem_session_write(struct strbuf *to, const struct mem_session *row);

#endif
