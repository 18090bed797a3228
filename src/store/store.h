/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store: brings what was counted into PostgreSQL, exactly once.
 *
 * It runs on the loop, talks to the server asynchronously in pipeline mode and
 * is at any time in one of the states below. The rules:
 *
 * - A *cut* happens between two loop turns: changed cells as additive deltas,
 *   changed open visits, ended visits, agents' sessions and their spans, the
 *   feeds' positions and counters and the switches' clocks become one batch.
 * One batch is in flight at a time; meanwhile new figures gather in the
 * tallies.
 * - A batch is one transaction. Its first statement is ringtally.advance(),
 *   which raises unless the writer rows of our switches hold our instance and
 *   the number of the batch before. Success is the command tag COMMIT and
 *   nothing else.
 * - When the connection breaks with a batch in flight, the batch is kept. After
 *   reconnecting, ringtally.take_over() tells the number that the database
 *   holds: ours (the batch landed: drop it), one less (it did not: send it
 *   again), anything else, or another instance (the database lost commits, or
 *   somebody else wrote): all memory is thrown away and loaded anew, and the
 *   feeds go on from the positions that the database knows.
 * - A store without feeds is of switches that nobody tells of any more: it
 *   loads what is open there, for who gives it up.
 * - Another daemon that is alive and writes our switches makes us wait, with
 *   nothing read and nothing written, until it is gone.
 */
#ifndef RT_STORE_STORE_H
#define RT_STORE_STORE_H

#include "base/err.h"
#include "base/slice.h"
#include "call/intake.h"
#include "call/machine.h"
#include "event/contact.h"
#include "event/stage.h"
#include "tally/callback.h"

struct loop;
struct store;
struct strbuf;

enum store_state {
	STORE_OFF,	  /* not started, or stopped */
	STORE_CONNECTING, /* no connection yet */
	STORE_STANDBY,	  /* another daemon writes our switches: waiting */
	STORE_LOADING,	  /* reading what a restart needs */
	STORE_READY,	  /* loaded; connected or, for a while, not */
	STORE_BACKOFF,	  /* waiting to try again; will come right by itself */
	STORE_BROKEN /* an operator must act (see the text); still trying */
};

struct store_config {
	const char *conninfo; /* libpq's; lives as long as the store */
	const char *site;
	int64_t flush_us;	  /* from a change to its cut */
	int64_t keep_visits_days; /* 0: ended visits are not stored */
	int64_t keep_keys_days;	  /* of records that may be sent again */
	int64_t interval_us;
	const char *timezone; /* of the site, for local days */
	size_t pending_max; /* bytes waiting for the database before pressure */
	bool once; /* cut when a batch is full, not by time; see store_finish */
	bool queue_live;     /* keep ringtally.queue_live, by ops->queues */
	int64_t repeat_days; /* see store_set_repeat_days */
	bool key_before;     /* there is a key before the callers' key */
	/* by which these keys are known again; NULL: no callers are kept */
	const char *key_mark, *key_before_mark;
};

/* One switch of this daemon; the pointers live as long as the store. */
struct store_switch {
	const char *name;
	struct tally *tally;
	struct machine *machine;
};

/* What the store reads of a feed at a cut, and gives back at a load. */
struct store_feed {
	const char *name;
	const char *switch_name;
	const char *transport;
	const char *format;
	/*
	 * Taken at each cut: counters by interval (intake_take), events by
	 * name (names_take on intake->names), the newest event's time
	 */
	struct intake *intake;
	void (*position)(void *ctx, struct position *position);
	const char *guarantee; /* see stage_guarantee */
	bool spooled;	       /* what is committed of it may be deleted */
	/* How it stands; false: it does not connect. NULL: the same. */
	bool (*status)(void *ctx, struct stage_status *status);
	void *ctx;
};

/* What the database knows of a feed. */
struct store_feed_row {
	struct position position;
	unsigned slot;
	struct machine_feed times; /* of its oldest and newest event */
	struct slice state;	   /* of its format; n 0: none */
};

/*
 * A contact. Texts may be any bytes: they are cleaned, and cut at
 * CONTACT_TEXT_MAX. Empty: not told.
 */
struct store_contact {
	const char *source; /* the feed's name */
	int64_t at_us;
	struct slice ref; /* never empty; told.ref is not looked at */
	struct slice category, call, agent;
	const uint8_t *customer; /* CALL_CALLER_BYTES of a keyed hash; NULL */
	struct contact told;	 /* the rest; switch_name: of `call` */
};

/* One queue at this moment. All bytes count: no padding. */
struct store_queue_now {
	int64_t waiting_since_us; /* arrival of the longest waiting; 0: none */
	int64_t today_us;	  /* where the local day began */
	int64_t offered, answered, answered_within, abandoned; /* today */
	int32_t within_s;
	int32_t waiting, talking;			    /* visits */
	int32_t logged_in, free, busy, wrapping_up, paused; /* agents */
};

struct store_ops {
	/*
	 * Memory must start from nothing: empty tallies, machines and
	 * sessions, no feed read. Called before each load, the first too.
	 * Behind it come the rows, then `ready`.
	 */
	void (*reset)(void *ctx);
	/* forgotten_us: see machine_restore_clock; 0 where one feed tells */
	void (*load_switch)(void *ctx, const char *name, int64_t clock_us,
	    int64_t leap_us, int64_t forgotten_us);
	/*
	 * A feed that is configured no more, or of another switch now, told of
	 * the switch from then to then. May be NULL.
	 */
	void (*load_former)(void *ctx, const char *switch_name,
	    int64_t first_us, int64_t last_us);
	void (*load_feed)(
	    void *ctx, const char *name, const struct store_feed_row *row);
	/* What came in of a feed whose senders may send it again. */
	void (*load_seen)(
	    void *ctx, const char *name, uint64_t key, int64_t at_us);
	/* see machine_restore */
	void (*load_visit)(void *ctx, const char *switch_name,
	    const struct visit *like, struct slice call_id, struct slice queue,
	    struct slice agent);
	/* see sessions_restore, whose answer it gives */
	bool (*load_session)(void *ctx, const char *switch_name,
	    struct slice agent, struct slice queue, int64_t login_us,
	    int64_t pause_us, int64_t logoff_us, struct slice reason);
	/*
	 * Before all visits: the service that a queue had when the figures of
	 * now were booked, NULL: none; and within how many days a call counted
	 * as repeated. May be NULL.
	 */
	void (*load_service)(void *ctx, const char *switch_name,
	    struct slice queue, const char *service);
	void (*load_repeat_days)(void *ctx, int64_t days);
	/*
	 * A visit of the last days whose caller is known, answered or given up
	 * (ended_us); its caller, `inferred`, times, number and outcome. Then
	 * the time since when all are told. Asked for where repeat_days is not
	 * 0. May be NULL.
	 */
	void (*load_caller)(void *ctx, const char *switch_name,
	    struct slice queue, struct slice call_id, const struct visit *like);
	void (*load_callers_since)(void *ctx, int64_t since_us);
	/*
	 * For the live views; all NULL, and with `once`: not asked for. A
	 * stored interval of today (its start, measures and histograms); a
	 * queue of which the newest interval of the last days is starts_us; an
	 * ended visit of the last hour (times, outcome and what it waited and
	 * talked). Then how far back these go: all that is committed of the
	 * intervals since day_us, and of arrivals since hour_us.
	 */
	void (*load_cell)(void *ctx, const char *switch_name,
	    struct slice queue, const struct cell *cell);
	void (*load_heard)(void *ctx, const char *switch_name,
	    struct slice queue, int64_t starts_us);
	void (*load_ended)(void *ctx, const char *switch_name,
	    struct slice queue, const struct visit *like);
	void (*load_since)(void *ctx, int64_t day_us, int64_t hour_us);
	/*
	 * The same for who is to be rung back: an abandoned visit of today
	 * (see callbacks_add), by when it ended; then how many there are in
	 * all.
	 */
	void (*load_callback)(void *ctx, const char *switch_name,
	    struct slice queue, struct slice call_id,
	    const struct callback *like);
	void (*load_abandoned)(void *ctx, const char *switch_name, uint64_t n);
	/* Everything is loaded: open the feeds. */
	void (*ready)(void *ctx);
	/* More is pending than memory may hold: pause the feeds; or go on. */
	void (*pressure)(void *ctx, bool on);
	/*
	 * store_queue_now for each queue that is to be shown, now. NULL:
	 * nobody can tell.
	 */
	void (*queues)(void *ctx, struct store *store);
	/*
	 * The figures of contacts as they are now, one JSON object that SQL
	 * made: when they changed, and at least each minute while the database
	 * is there. Not with `once`.
	 */
	void (*contacts)(void *ctx, struct slice json);
	/* That feed's figures up to there are committed. NULL: nobody asks. */
	void (*committed_feed)(
	    void *ctx, const char *name, const struct position *position);
	/* A batch was committed; lag_us: since the oldest change in it. */
	void (*committed)(void *ctx, uint64_t number, int64_t lag_us);
	/* The state changed, with a line for people. */
	void (*state)(void *ctx, enum store_state state, const char *text);
};

/* Whether libpq understands the conninfo; -1 with the reason if not. */
int store_check_conninfo(const char *conninfo, struct err *err);
/* Adds it for people to read, without passwords. */
void store_show_conninfo(const char *conninfo, struct strbuf *to);

struct store *store_new(struct loop *loop, const struct store_config *config,
    const struct store_ops *ops, void *ctx);
void store_add_switch(struct store *store, const struct store_switch *sw);
void store_add_feed(struct store *store, const struct store_feed *feed);
/* Begins to connect. Everything must be added before. */
void store_start(struct store *store);
/*
 * Soon, and when all up to now is committed: memory starts from nothing, and
 * loads what the database holds, as at a start.
 */
void store_reload(struct store *store);
/* Tells the service which queues belong together: (queue name) -> service. */
void store_set_services(struct store *store,
    const char *(*service_of)(void *ctx, const char *queue), void *ctx);

/* Within how many days a call counts as repeated, from the next cut on. */
void store_set_repeat_days(struct store *store, int64_t days);

/* An ended visit, to be kept; called by the machine through its config. */
void store_visit(struct store *store, const char *switch_name,
    const char *feed_name, const struct visit *visit);

/* A login or pause that ended; called by the sessions through the machine. */
void store_span(struct store *store, const char *switch_name,
    const struct session_span *span);

/* A contact, to be put with the next cut. */
void store_contact(struct store *store, const struct store_contact *contact);

/*
 * What the configuration says of contacts, as contact_configure() takes it:
 * written when we become the writer, and now if we are. NULL: it says nothing,
 * and what is in the database stays.
 */
void store_set_contacts(struct store *store, const char *config);

/* A queue of that switch, from within ops->queues. Each comes once. */
void store_queue_now(struct store *store, const char *switch_name,
    struct slice queue, const struct store_queue_now *now);

/*
 * Something changed: a cut is due within flush_us. Cheap; call per chunk. Never
 * cuts itself: a transport that hands bytes over moves its position only when
 * they were taken, so figures and position agree between two turns only.
 */
void store_touch(struct store *store);

/*
 * Cuts and commits all that is pending, then calls done once (from the loop):
 * failed is NULL, or the reason why it could not within timeout_us, or why
 * what is pending counts no more: the database lost commits, or another daemon
 * writes our switches by now.
 */
void store_finish(struct store *store, int64_t timeout_us,
    void (*done)(void *ctx, const char *failed), void *ctx);
/*
 * Then, with `once`: all is committed, but something about contacts could not
 * be done with it; the log says what.
 */
bool store_left_undone(const struct store *store);

/* Breaks the connection and frees everything; nothing is flushed. */
void store_free(struct store *store);

/* Bytes that wait for the database, roughly. */
size_t store_pending(const struct store *store);
/* Is this more than memory may hold, so that the feeds pause for long? */
bool store_holds_back(const struct store *store);

const char *store_state_name(enum store_state state);

/*
 * The schema, for `ringtally db`: blocking, on a connection of their own.
 * Directory: where the numbered migrations lie. Each returns -1 with the
 * reason.
 */
int schema_migrate(const char *conninfo, const char *directory, bool init,
    void (*say)(void *ctx, const char *line), void *ctx, struct err *err);
/* What is there against what this version needs; *ok false: not usable. */
int schema_check(const char *conninfo, bool *ok,
    void (*say)(void *ctx, const char *line), void *ctx, struct err *err);

#endif
