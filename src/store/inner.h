/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the store share; nobody else includes this. */
#ifndef RT_STORE_INNER_H
#define RT_STORE_INNER_H

#include "base/table.h"
#include "store/link.h"
#include "store/store.h"

/* The tables of a batch, in the order in which they are written. */
enum store_table {
	TABLE_QUEUE_TALLY,
	TABLE_AGENT_TALLY,
	TABLE_AGENT_SPAN,
	TABLE_FEED,
	TABLE_FEED_INTERVAL,
	TABLE_FEED_EVENT,
	TABLE_FEED_FILE,
	TABLE_FEED_SEEN,
	/* rows go before others come: a key may come back */
	TABLE_OPEN_VISIT_GONE,
	TABLE_OPEN_VISIT,
	TABLE_SESSION_GONE,
	TABLE_SESSION,
	TABLE_SERVICE,
	TABLE_QUEUE,
	TABLE_AGENT,
	TABLES
};

/*
 * All that one transaction writes. Filled by a cut, then kept unchanged until
 * the database is known to have it.
 */
struct batch {
	uint64_t number;  /* of its transaction; 0: there is none */
	int64_t since_us; /* monotonic: its oldest change; 0: it has none */
	bool last;	  /* the writer leaves with it */
	struct rows rows[TABLES];
	/*
	 * For COPY: intervals later than all that the database has. Of a live
	 * flush they go with the others, for each COPY is a round trip
	 */
	struct rows new_queues, new_agents;
	struct rows clocks;   /* parameters of advance() */
	struct rows contacts; /* parameters of contact_put() */
	struct strbuf visits; /* as COPY takes them; empty: none */
	uint64_t n_visits;
	int64_t repeat_days;
	struct position *positions; /* of each feed; file_no 0: none */
	size_t keep_bytes;	    /* of each buffer, from batch to batch */
};

/* A queue or an agent that the database knows by name. */
struct ref {
	UT_hash_handle hh;
	int64_t first_us;
	char *service; /* of a queue; or NULL */
	bool stored;   /* the database has it as it stands here */
	struct ref_key {
		uint16_t sw; /* index of the switch */
		uint16_t is_agent;
		char name[TALLY_NAME_MAX];
	} * key;
	size_t key_len;
};

/* A month of visits that has, or shall have, a partition. */
struct month {
	int64_t starts_us, ends_us;
	bool made;
};

#define STORE_MONTHS_MAX 240

struct store_landed {
	uint32_t file_no;
	int64_t offset;
};

struct store {
	struct loop *loop;
	struct store_config config;
	const struct store_ops *ops;
	void *ctx;
	struct store_switch *switches;
	int64_t *newest_us; /* of each: its last interval in the database */
	int n_switches;
	struct store_feed *feeds;
	int n_feeds;
	struct table tables[TABLES];
	struct table clocks; /* the columns of advance()'s arrays */

	/* state */
	enum store_state state;
	char said[640]; /* of it, to people */
	struct link *link;
	struct link_script script;	   /* the one that runs, or ran last */
	void (*then)(struct store *store); /* when it is done */
	char instance[33];		   /* our name as a writer */
	char former[33]; /* the one before a rewind; or empty */
	char holder[128];
	char *switch_array; /* our switches, as text[] */
	char *feed_array;
	uint64_t seq; /* of the last transaction known to be in */
	bool writing; /* this connection has taken over and loaded */
	bool locked;  /* it has the advisory locks */
	bool loaded;  /* memory goes on from what the database knows */
	int64_t live_day_us, live_hour_us; /* see store_ops.load_since */

	/* an answer of take_over() */
	bool granted, mine;
	uint64_t found_seq;
	char held_by[384];

	/* what is on its way, and what waits */
	struct batch flying;
	struct store_landed *landed; /* each feed's position, in the database */
	struct strbuf visits;	     /* ended since the last cut */
	uint64_t n_visits;
	struct rows spans;    /* the same */
	struct rows contacts; /* told since */
	struct rows misnamed; /* sessions whose rows must go */
	int64_t since_us;    /* monotonic: the oldest change not cut; 0: none */
	bool due;	     /* cut as soon as it can be */
	bool again;	     /* then load: see store_reload */
	bool pressed;	     /* the feeds were told to pause */
	bool memory_short;   /* because of pending_max */
	size_t cells_bytes;  /* estimate of what a cut would take */
	int64_t measured_us; /* when it was estimated */
	struct month months[STORE_MONTHS_MAX];
	int n_months;
	struct ref *refs;
	const char *(*service_of)(void *ctx, const char *queue);
	void *service_ctx;
	int64_t keep_due_us; /* monotonic: when to look after the months */
	struct queue_live *queue_live; /* NULL: not written */
	struct contact_work *contact_work;

	/* timers and their delays */
	struct timer *retry, *flush, *renew, *finish;
	struct task *tell;
	unsigned refused, lost, mend, waited; /* tries in a row */

	/* store_finish */
	bool finishing, finished;
	int64_t finish_us; /* the most that a step may take then */
	void (*finish_fn)(void *ctx, const char *failed);
	void *finish_ctx;
	char trouble[512]; /* the last one, for people */
};

/* tables.c */
void store_tables_init(struct store *store);

/* store.c */
/* More than a live flush has: a back-fill. */
bool store_batch_is_full(const struct store *store);

/* batch.c */
void batch_init(struct batch *batch, struct store *store);
void batch_fini(struct batch *batch);
/* Empties it; keeps some of the memory. */
void batch_reset(struct batch *batch);
size_t batch_bytes(const struct batch *batch);
/* Makes the script that writes it. */
void batch_script(struct store *store, struct batch *batch);

/* cut.c */
/* Takes all that changed into store->flying, with the next number. */
void store_cut(struct store *store, bool last);
/* How much a cut would take now, roughly. */
size_t store_changed_bytes(const struct store *store);

/* visits.c */
void store_visits_forget(struct store *store);
/* Adds a step for each month that has no partition yet, and says so. */
void store_months_script(struct store *store, struct link_script *script);

/* spans.c */
void store_spans_init(struct store *store);
/* Of a back-fill there are many: they go by COPY. */
void spans_rows_init(struct store *store, struct rows *rows);
void store_spans_fini(struct store *store);
/* How much waits for the next cut. */
size_t store_spans_bytes(const struct store *store);
/* A loaded session goes by another name than its row. */
void store_session_misnamed(struct store *store, const char *switch_name,
    struct slice agent, struct slice queue);
/* Hands what waits over to the batch, which has none of it yet. */
void store_spans_cut(struct store *store, struct batch *batch);
void store_spans_forget(struct store *store);

/* refs.c */
/* A cell of that queue or agent is about to be written. */
void store_ref_seen(struct store *store, int sw, bool is_agent,
    struct slice name, int64_t starts_us);
/* As the database has it. */
void store_ref_loaded(
    struct store *store, int sw, struct slice name, const char *service);
/* Writes those that the database does not have as they should be. */
void store_refs_cut(struct store *store, struct batch *batch);
void store_refs_review(struct store *store);
void store_refs_forget(struct store *store);

/* load.c */
/* Makes the script that reads what a restart needs. */
void store_load_script(struct store *store);

/* load_live.c: adds the steps of what the live views need. */
void store_live_script(struct store *store);
/* Whether somebody looks at live views at all. */
static inline bool
store_is_watched(const struct store *store)
{
	return store->ops->load_cell != NULL && !store->config.once;
}

/* A step that forgets keys of records by age. */
void store_seen_step(struct store *store, struct link_script *script);
/* A step that makes and drops months of visits. */
void store_keep_step(struct store *store, struct link_script *script);

/* queue_live.c: all but queue_live_new take NULL, which does nothing */
struct queue_live *queue_live_new(struct store *store);
void queue_live_free(struct queue_live *live);
/* What the table holds is not known any more: all is written anew. */
void queue_live_forget(struct queue_live *live);
void queue_live_touch(struct queue_live *live);
/* Makes the script that writes what changed; false: nothing to write now. */
bool queue_live_script(struct queue_live *live, struct link_script *script);
/* That script is over. */
void queue_live_over(struct queue_live *live);

/* contact_rows.c */
void contact_rows_init(struct rows *rows);
/* So many that they should be put. */
bool contact_rows_are_full(const struct rows *rows);
/* Adds the step that puts them, where there are any. */
void contact_rows_script(
    struct store *store, struct link_script *script, struct rows *rows);

/* contact_work.c */
struct contact_work *contact_work_new(struct store *store);
void contact_work_free(struct contact_work *work);
/* This connection writes, from here on. */
void contact_work_ready(struct contact_work *work);
/* A contact was told, or an ended visit, of that time. */
void contact_work_told(struct contact_work *work, int64_t at_us);
/* What was told is in a batch; that landed; or is thrown away. */
void contact_work_cut(struct contact_work *work);
void contact_work_landed(struct contact_work *work);
void contact_work_forget(struct contact_work *work);
/* With `once`, before the end: something waits for a cut ... */
bool contact_work_has_told(const struct contact_work *work);
/*
 * ... and what has landed is to be joined, whoever told of the other half, what
 * was said of ended days kept, and what is old dropped.
 */
void contact_work_last(struct contact_work *work);
/* Makes the script of a job that is due; false: none is. */
bool contact_work_script(struct contact_work *work, struct link_script *script);
/* That script is over. */
void contact_work_over(struct contact_work *work);

/* store.c: a look at the queues, or a job of contacts, is due. */
void store_work_due(struct store *store);

/* A step with $1 the site, $2 our switches, $3 a time; read row by row. */
void store_since_step(struct store *store, const char *sql, int64_t since_us,
    void (*result)(void *ctx, const PGresult *res));
/* load_callers.c: adds the steps of who may ring again. */
void store_callers_script(struct store *store);
/* Of a batch: keeps within how many days. */
void store_callers_batch(
    struct store *store, int64_t days, struct link_script *script);
/* load_callbacks.c: adds the steps of who is to be rung back. */
void store_callbacks_script(struct store *store, int64_t day_us);

/* Values of a text result. */
bool load_caller(const PGresult *res, int row, int column,
    uint8_t caller[CALL_CALLER_BYTES]);
int64_t load_ms(const PGresult *res, int row, int column); /* NULL: unknown */
uint8_t load_outcome(const char *name);
bool result_null(const PGresult *res, int row, int column);
int64_t result_int(const PGresult *res, int row, int column);
struct slice result_slice(const PGresult *res, int row, int column);
int store_find_switch(const struct store *store, const char *name);

#endif
