/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon's parts, put together: each switch with its tally and call
 * machine, each feed with its transport and intake, and the store. app.c wires
 * them; daemon.c says when (signals, service manager, --once).
 */
#ifndef RT_APP_H
#define RT_APP_H

#include "call/intake.h"
#include "caller_key.h"
#include "conf.h"
#include "serve/metrics.h"
#include "serve/view.h"
#include "store/store.h"
#include "tally/callback.h"
#include "tally/live.h"
#include "tally/presence.h"
#include "tally/repeat.h"

struct app;
struct http;
struct loop;

/* What goes on when the daemon begins anew within its process. */
struct app_past {
	uint64_t commits;
	struct metrics_http http;	 /* started_us is the process's */
	struct app_past_entry *switches; /* uthash: their totals */
	struct app_past_entry *feeds;	 /* uthash: what was counted of them */
};

struct app_switch {
	struct app *app;
	char *name;
	struct tally tally;
	struct machine machine;
	struct live now;	      /* what is shown; not with --once */
	struct callbacks callbacks;   /* the same */
	struct app_queue_now *queues; /* see app_queues.c */
	uint32_t n_queues;
	bool live; /* tally and machine are initialised */
};

struct app_feed {
	struct stage_upstream up; /* the transport calls these */
	struct app *app;
	const struct conf_feed *conf;
	struct app_switch *sw;
	struct intake intake;
	char *spool;		    /* folder of its own */
	struct position from;	    /* where the database says to go on */
	void *transport;	    /* running instance; NULL: not open */
	bool reading;		    /* it hands over; else see app_early.c */
	bool was_read;		    /* this instance was, at some time */
	bool idle;		    /* read to the present end */
	bool was_idle;		    /* it was, at some time */
	bool skewed;		    /* and that was said, see call/skew.h */
	int64_t behind_us;	    /* not so since then (monotonic clock) */
	char behind[64];	    /* what is said of that */
	struct counters uncounted;  /* told while it was not read */
	struct err trouble;	    /* why it could not be opened early */
	struct stage_status status; /* as asked for last */
	struct log_limit limit;
};

/* What the daemon wants to hear of. */
struct app_ops {
	/* all feeds have read to the present end (once), or began again */
	void (*idle)(void *ctx);
	void (*store_state)(
	    void *ctx, enum store_state state, const char *text);
	void (*committed)(void *ctx, uint64_t number, int64_t lag_us);
	/* a feed is configured wrongly; app_finish must wait until later */
	void (*failed)(void *ctx, const char *why);
};

struct app {
	struct loop *loop;
	struct app_past *past;
	struct conf *conf;  /* owned: in force now */
	struct conf *first; /* owned: what feeds and store were made from */
	bool once;
	const char *give_up; /* see app_init */
	struct app_switch *switches;
	size_t n_switches;
	struct app_feed *feeds;
	size_t n_feeds;
	struct store *store;
	struct view *view;     /* NULL with --once: nobody looks */
	struct http *http;     /* NULL: not configured, or --once */
	struct ingest *ingest; /* of POSTs to feeds */
	struct caller_key key, old_key;
	bool has_key;	/* else callers are not known again */
	bool keeps_key; /* by the same hash after a restart */
	char key_mark[CALLER_KEY_MARK], old_key_mark[CALLER_KEY_MARK];
	bool has_old_key;	      /* the one before is still good */
	struct repeat *repeat;	      /* of app_inferred.c, with: */
	bool repeats;		      /* somebody is known again */
	struct app_service *services; /* while it is loaded */
	int64_t repeat_since_us;      /* what it was loaded from */
	bool repeat_full;	      /* and that was said */
	struct presence_board board;  /* of app_queues.c */
	bool loaded;		      /* the feeds are open, and read */
	struct timer *early;	      /* of app_early.c; NULL: not any more */
	bool standby;		      /* another daemon was the writer */
	bool paused;		      /* for want of memory */
	enum store_state store_state;
	char store_text[256];
	uint64_t commits;	      /* since the process began */
	int64_t committed_us, lag_us; /* of the last one; 0: none yet */
	uint64_t visits;	      /* ended, since the start */
	struct log_limit limit;	      /* of what the clock does */
	const struct app_ops *ops;
	void *ops_ctx;
};

/*
 * Whether all feeds of it can be opened; files: by what stands in the files
 * that they name, too, as far as that is not waited for.
 */
int app_check_feeds(const struct conf *conf, bool files, struct err *err);

/*
 * Whether app_init would succeed with it: for a reload, which must not end the
 * daemon. Makes the callers' key where there is none.
 */
int app_check(const struct conf *conf, struct err *err);

/*
 * Takes the configuration over (also when it fails); past: of the same process,
 * must outlive the app. Starts nothing that reads or writes before app_start.
 * give_up, with once: no feed is read, and what is open of this switch is given
 * up; it must have no feed. Or NULL.
 */
int app_init(struct app *app, struct app_past *past, struct loop *loop,
    struct conf *conf, bool once, const char *give_up,
    const struct app_ops *ops, void *ctx, struct err *err);
void app_start(struct app *app);
/* Closes the feeds and frees all; what is not committed comes again. */
void app_fini(struct app *app, const char *reason);

/* Cuts and commits what is pending; see store_finish. */
void app_finish(struct app *app, int64_t timeout_us,
    void (*done)(void *ctx, const char *failed), void *ctx);

/* Options that may change while we run: takes the new configuration over. */
void app_reconfigure(struct app *app, struct conf *conf);

/* Something that is shown is different now. */
void app_touch(struct app *app);

/* app_past.c: by name, made when new */
struct totals *app_past_totals(struct app_past *past, const char *switch_name);
struct counters *app_past_counters(struct app_past *past, const char *feed);
void app_past_fini(struct app_past *past);

/* app_early.c: feeds that can take in what comes before the database is there
 */
void app_early_start(struct app *app);
/* The database is, or is not, where it was. */
void app_early_state(struct app *app, enum store_state state);
/* Nothing is read any more until it is loaded: looks soon. */
void app_early_later(struct app *app);
void app_early_end(struct app *app);

/*
 * app_spools.c: warns of spools in that folder that hold what was not counted,
 * and that are no feed's.
 */
void app_spools_look(const struct app *app, const char *spool_folder);

/* app_queues.c: the store asks for all queues as they are now */
void app_queues(void *ctx, struct store *store);
void app_queues_forget(struct app_switch *sw);

/* app_contacts.c: a contact was told (ctx: struct app_feed) */
void app_contact(void *ctx, const struct intake *in, const struct event *ev);
/* The store has asked for the figures of contacts. */
void app_contacts(void *ctx, struct slice json);
/* Tells the store what the configuration in force says of contacts. */
void app_contacts_configure(struct app *app);

/* app_callbacks.c: abandoned visits and those who were through since */
void app_callbacks_ended(struct app_switch *sw, const struct visit *visit);
void app_callbacks_answered(struct app_switch *sw, const struct visit *visit);
void app_load_callback(void *ctx, const char *switch_name, struct slice queue,
    struct slice call_id, const struct callback *like);
void app_load_abandoned(void *ctx, const char *switch_name, uint64_t n);

/* app_feed.c: the course of a feed, in this order */
extern const struct stage_upstream app_feed_upstream;

/*
 * Opens it before it is known where to read from, if it can be and is not open.
 * False: not now, for a reason that is logged.
 */
bool app_feed_open_early(struct app_feed *feed);
/* Makes its intake, which then takes what the database holds. */
int app_feed_begin(struct app *app, struct app_feed *feed, struct err *err);
/* Reads from feed->from on; opens it if it is not open. */
int app_feed_read(struct app_feed *feed, struct err *err);
/* Reads no more: closes what can not stay open without being read. */
void app_feed_halt(struct app_feed *feed, const char *reason);
/*
 * Another daemon writes: what is not read is closed. What was taken in early is
 * kept and counted when we are the writer, for nobody else was told; but not
 * what a switch tells each who calls it: the other one has heard that as well.
 */
void app_feed_stand_by(struct app_feed *feed);
void app_feed_close(struct app_feed *feed, const char *reason);

/*
 * app_forget.c: callers, by the keyed hashes of their numbers, are nobody from
 * now on: in visits that are remembered, and in the list of who is to be rung
 * back. What was cut for the database already is not undone. Spools are told to
 * keep nothing that is committed, for numbers stand in it as they came.
 */
struct app_forgotten {
	uint64_t visits, callbacks; /* that told of them */
};

void app_forget(struct app *app, const uint8_t (*hashes)[CALL_CALLER_BYTES],
    size_t n, struct app_forgotten *forgotten);

/*
 * app_callers.c: the keys of callers' hashes, made where there is none. They
 * are looked at only where callers are kept; -1: they can not be used, or not
 * be made. make false: one may still be missing; what is wrong with one that
 * is there trying again does not mend.
 */
int app_check_callers(const struct conf *conf, bool make, struct err *err);
int app_know_callers(struct app *app, struct err *err);
bool app_hash_caller(
    void *ctx, struct slice number, uint8_t hash[CALL_CALLER_BYTES]);
bool app_hash_before(
    void *ctx, struct slice number, uint8_t hash[CALL_CALLER_BYTES]);

/* app_inferred.c: who rings again, and who is passed on; see tally/repeat.h */
int64_t app_repeat_days(const struct conf *conf);
void app_inferred_begin(struct app *app);
void app_inferred_ready(struct app *app);
void app_inferred_reconfigure(struct app *app);
void app_inferred_forget_services(struct app *app);
void app_inferred_answered(struct app_switch *sw, struct visit *visit);
void app_inferred_followed(void *ctx, struct visit *visit);
void app_inferred_gave_up(struct app_switch *sw, struct visit *visit);
void app_inferred_corrected(
    struct app_switch *sw, struct visit *visit, enum outcome before);
void app_inferred_settle(struct app_switch *sw, const struct visit *visit);
void app_inferred_loaded(struct app_switch *sw, const struct visit *like,
    struct slice call_id, struct slice queue);
void app_load_service(void *ctx, const char *switch_name, struct slice queue,
    const char *service);
void app_load_repeat_days(void *ctx, int64_t days);
void app_load_caller(void *ctx, const char *switch_name, struct slice queue,
    struct slice call_id, const struct visit *like);
void app_load_callers_since(void *ctx, int64_t since_us);

/* app_feed.c: what the store and the views ask of a feed (ctx) */
void app_feed_position(void *ctx, struct position *position);
bool app_feed_status(void *ctx, struct stage_status *status);
enum view_feed_state app_feed_state(void *ctx, const char **why);

/*
 * app_feed.c: a feed's slot, its number among the feeds of its switch, is kept
 * from start to start. APP_NO_SLOT until it is known.
 */
#define APP_NO_SLOT UINT_MAX

bool app_feed_slot_is_taken(
    const struct app *app, const struct app_feed *feed, unsigned slot);
void app_feed_number(struct app *app, struct app_feed *feed);
/* What the feeds of now have told of a stored visit; NULL: there is but one. */
struct heard *app_feed_heard(
    const struct app_switch *sw, const struct visit *like, struct heard *heard);
/* A feed that is no more told of the switch; see store_ops.load_former. */
void app_load_former(
    void *ctx, const char *switch_name, int64_t first_us, int64_t last_us);

struct app_switch *app_switch_find(struct app *app, const char *name);

/* All feeds have read to their present end. */
bool app_is_idle(const struct app *app);
/*
 * app_feed.c: with --once, when all are idle and before app_finish: formats
 * tell what they held back for what might follow.
 */
void app_feeds_finish(struct app *app);
/* app_feed.c: it is about to be closed, with all others; see stage.stop. */
void app_feed_stop(struct app_feed *feed);

#endif
