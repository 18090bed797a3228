/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The views: what the live face shows, as JSON. HTTP and the control socket
 * hand the documents on as they are; /metrics reads the figures themselves.
 *
 * A document is asked for with view_get. It is rendered from the machines'
 * lists and the live figures of that moment, or it is the one of before where
 * nothing changed since and the second is the same. Of a queue only what
 * changed is worked out again: its three blocks of figures are kept as text.
 *
 * Work is bounded: a document that takes longer than VIEW_SLICE_US is made in
 * slices, one for each turn of the loop. view_get answers NULL then, and the
 * listeners (view_listen) are called when it is there. One document is in work
 * at a time; who is told NULL asks again when called.
 *
 * Names are what a switch wrote: valid UTF-8 without controls, and otherwise
 * anything. In the documents they are JSON strings in which < is escaped too.
 */
#ifndef RT_SERVE_VIEW_H
#define RT_SERVE_VIEW_H

#include "base/strbuf.h"
#include "call/intake.h"
#include "call/machine.h"
#include "event/stage.h"
#include "tally/callback.h"
#include "tally/figure.h"
#include "tally/live.h"
#include "tally/tally.h"

#define VIEW_SLICE_US	 5000
#define VIEW_FILTERS_MAX 64 /* names in one filter, of each kind */

struct loop;
struct view;

/* One JSON document, shared by all who asked for it; never changed. */
struct view_text {
	unsigned refs;
	uint64_t version; /* goes up with each document of this daemon */
	int64_t at_us;	  /* its "time" */
	size_t n;
	char p[]; /* n bytes and a NUL; no newline at its end */
};

enum view_what {
	VIEW_QUEUES,
	VIEW_SERVICES,
	VIEW_AGENTS,
	VIEW_CALLS,
	VIEW_FEEDS,
	VIEW_INTERVALS,
	VIEW_FORMULAS,
	VIEW_CONTACTS, /* of no queue: a filter changes nothing */
	VIEW_SNAPSHOT, /* what the stream sends */
	VIEWS
};

/*
 * Only these names: NULL-terminated lists, or NULL for all. Of a list any may
 * match, of the three all must. Feeds have a switch only, agents no service
 * but those of their queues.
 */
struct view_filter {
	const char *const *queues, *const *services, *const *switches;
};

/* What a service should reach, of today's sl_T_offered_pct. */
struct view_target {
	int64_t within_s;      /* the T */
	double pct, amber_pct; /* amber_pct 0: no amber */
};

/* What is known of the database's side. Texts live until the next call. */
struct view_database {
	const char *state;    /* store_state_name() */
	const char *text;     /* a line for people */
	int64_t committed_us; /* the last commit; 0: none yet */
	uint64_t batches;
	int64_t lag_us; /* of the last commit: since its oldest change */
	size_t pending_bytes;
};

struct view_config {
	struct loop *loop; /* for slices; NULL: all in one go */
	const char *site;
	const char *timezone; /* the site's: an IANA name */
	const char *version;  /* of the program */
	const char *(*service_of)(void *ctx, const char *queue); /* or NULL */
	/* False: the service has no target. */
	bool (*target_of)(
	    void *ctx, const char *service, struct view_target *target);
	void (*database)(void *ctx, struct view_database *database);
	void *ctx; /* of the three */
};

/* What a reload may change; see view_configure. */
struct view_settings {
	struct option_ints thresholds_s; /* with those of the targets */
	bool show_numbers;	/* callers' numbers, where they are known */
	int64_t stale_after_us; /* of silence; 0: never by silence */
};

/* One switch; the pointers live as long as the view, or until view_reset. */
struct view_switch {
	const char *name;
	struct tally *tally;
	struct machine *machine;
	struct live *live;
	struct callbacks *callbacks; /* or NULL: nobody keeps them */
};

enum view_feed_state {
	VIEW_FEED_CLOSED,    /* the daemon is not reading yet, or no more */
	VIEW_FEED_WAITING,   /* for its file or connection */
	VIEW_FEED_READING,   /* catching up; with a reason: for long */
	VIEW_FEED_FOLLOWING, /* at the present end */
	VIEW_FEED_PAUSED,    /* it waits for the database */
	VIEW_FEED_FAILED,    /* for the reason that goes with it */
	VIEW_FEED_STATES
};

struct view_feed {
	const char *name, *switch_name, *transport, *format;
	struct intake *intake;
	void (*position)(void *ctx, struct position *position);
	/* *why: a reason for people, or left NULL. */
	enum view_feed_state (*state)(void *ctx, const char **why);
	const char *guarantee;
	/* as of struct store_feed; or NULL */
	bool (*status)(void *ctx, struct stage_status *status);
	void *ctx;
};

/* The config's pointers live as long as the view. */
struct view *view_new(
    const struct view_config *config, const struct view_settings *settings);
void view_free(struct view *view); /* NULL is fine; texts may outlive it */
void view_add_switch(struct view *view, const struct view_switch *sw);
void view_add_feed(struct view *view, const struct view_feed *feed);

/* New settings, or services and targets that are others now. */
void view_configure(struct view *view, const struct view_settings *settings);

/*
 * The switches' tallies and machines are about to be thrown away (the daemon
 * starts anew from the database): forgets all that points into them. They may
 * be others, at the same places, from here on.
 */
void view_reset(struct view *view);

/* Something changed: the next document is made anew. Cheap; call per chunk. */
void view_touch(struct view *view);

/*
 * A document, to be given back with view_text_put. NULL: it is in work, see
 * above. now_us: the wall clock.
 */
struct view_text *view_get(struct view *view, enum view_what what,
    const struct view_filter *filter, int64_t now_us);
struct view_text *view_text_ref(struct view_text *text); /* one holder more */
void view_text_put(struct view_text *text);		 /* NULL is fine */

/* Calls fn, from the loop, each time that a document in work is finished. */
void view_listen(struct view *view, void (*fn)(void *ctx), void *ctx);
void view_unlisten(struct view *view, void (*fn)(void *ctx), void *ctx);

/* "queues", "services" ... as asked for by path and by `show`; -1: none. */
int view_what_parse(struct slice name, enum view_what *what);
const char *view_what_name(enum view_what what);

/* --- contacts ------------------------------------------------------------- */

/* Counts of today's contacts, of one channel or of all. */
struct view_contacts_row {
	char *channel; /* NULL: of all */
	int64_t contacts, assessed, avoidable, requests;
};

struct view_contacts {
	int64_t at_us;	  /* when the document came; 0: none has */
	uint64_t version; /* goes up with each */
	uint64_t changed; /* with each that says something else than before */
	uint64_t hash;	  /* of what it says, but for when */
	struct view_contacts_row today, *v; /* and n channels */
	size_t n;
	struct strbuf json; /* what stands between its braces */
};

/*
 * The figures of contacts are the database's alone: json is the document of
 * ringtally.contact_live, one object, which is copied and shown as it is, with
 * its age. now_us: the wall clock. To be called when contacts changed, and at
 * least each minute: behind that, and while the database is away, they are
 * shown as stale. -1 with the reason for what is no object; nothing changes.
 */
int view_set_contacts(
    struct view *view, struct slice json, int64_t now_us, struct err *err);
/* Lives until the next view_set_contacts. */
const struct view_contacts *view_contacts(const struct view *view);
/* Not to be relied on: old, or the database is away. */
bool view_contacts_stale(const struct view *view, int64_t now_us);

/* --- for /metrics and /healthz: the figures themselves -------------------- */

size_t view_switches(const struct view *view);
const struct view_switch *view_switch(const struct view *view, size_t i);
size_t view_feeds(const struct view *view);
const struct view_feed *view_feed(const struct view *view, size_t i);
const char *view_site(const struct view *view);
const struct view_settings *view_settings(const struct view *view);
void view_database(const struct view *view, struct view_database *database);
/* The service of a queue, or NULL. */
const char *view_service_of(const struct view *view, const char *queue);

/* One queue at one moment, for those who read figures and no text. */
struct view_gauges {
	const struct view_switch *sw;
	const struct queue *queue;
	size_t waiting, talking;
	int64_t longest_wait_us; /* -1: nobody waits */
	size_t logged_in, free, busy, wrapping_up, paused; /* agents */
};

/*
 * The queues that are shown, by switch and name, *n of them, all of the same
 * moment; to be freed. NULL: a document is in work, and counts in the same
 * places; the listeners are called when it is there. What they point to is
 * good in later turns, too, while view_epoch is the same.
 */
struct view_gauges *view_gauges(struct view *view, int64_t now_us, size_t *n);
/* Goes up with view_configure, view_reset and what is added to the view. */
uint64_t view_epoch(const struct view *view);

/* A feed as the documents tell of it. */
struct view_feed_now {
	enum view_feed_state state;
	bool stale;	       /* not following, or silent for too long */
	const char *why;       /* or NULL */
	int64_t last_event_us; /* 0: none yet */
	int64_t silence_us;    /* since then; -1: none yet */
	bool skew_known;       /* then by how much its switch's clock */
	int64_t skew_us;       /* is behind ours: see call/skew.h */
	struct position position;
	struct counters counters; /* since the start */
	bool connects;		  /* `status` says something */
	struct stage_status status;
};
void view_feed_now(const struct view *view, size_t i, int64_t now_us,
    struct view_feed_now *now);
const char *view_feed_state_name(enum view_feed_state state);
/* Adds clock_skew_s to an object. */
void view_feed_skew_write(struct strbuf *b, const struct view_feed_now *now);

#endif
