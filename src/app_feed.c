/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A feed: what its transport calls; opening, reading and closing it; how it
 * stands, for the views and for the database; its number among those of its
 * switch; whether it can work as configured; and its end with --once.
 */
#include "base/base.h"
#include "app.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "call/merge.h"

#define APP_FEED_MOMENT_US (2 * USEC_PER_SEC)

/* --- what the transport calls ------------------------------------------- */

/* Figures follow the switch's clock, and what waits now is measured by ours. */
static void
app_feed_tell_skew(struct app_feed *feed, int64_t now_us)
{
	int64_t us;

	if (!skew_now(&feed->intake.skew, now_us, &us))
		return;
	if (!feed->skewed && (us >= SKEW_MUCH_US || us <= -SKEW_MUCH_US)) {
		feed->skewed = true;
		log_warn("feed %s: by what it tells the clock of its switch is "
			 "%" PRId64 " s %s ours: the longest wait and the last "
			 "minutes are wrong by that",
		    feed->conf->name, (us < 0 ? -us : us) / USEC_PER_SEC,
		    us < 0 ? "ahead of" : "behind");
	} else if (feed->skewed && us < SKEW_MUCH_US / 2 &&
	    us > -SKEW_MUCH_US / 2) {
		feed->skewed = false;
		log_note("feed %s: the clock of its switch is right again",
		    feed->conf->name);
	}
}

/* What came at received_us told of something newer than what was before. */
static void
app_feed_note_skew(
    struct app_feed *feed, int64_t before_us, int64_t received_us)
{
	int64_t newest_us = feed->intake.last_event_us;

	if (feed->app->once || newest_us <= before_us || received_us == 0 ||
	    (feed->conf->transport->traits & STAGE_LATE) != 0)
		return;
	skew_note(&feed->intake.skew, received_us, newest_us);
	app_feed_tell_skew(feed, received_us);
}

/* A file does not tell when it was written to: but if it was just now. */
static int64_t
app_feed_received(const struct app_feed *feed)
{
	if (!feed->was_idle ||
	    clock_mono_us() - feed->behind_us >= USEC_PER_SEC)
		return 0;
	return clock_wall_us();
}

static size_t
app_feed_bytes(struct stage_upstream *up, const struct position *position,
    const char *bytes, size_t n, bool last)
{
	struct app_feed *feed = (struct app_feed *)up;
	int64_t before_us = feed->intake.last_event_us;
	size_t taken;

	fault_point("after-read");
	if (feed->sw->tally.live != NULL)
		live_clock(&feed->sw->now, clock_wall_us());
	taken = intake_bytes(&feed->intake, position, bytes, n, last);
	app_feed_note_skew(feed, before_us, app_feed_received(feed));
	fault_point("after-parse");
	if (taken > 0) {
		store_touch(feed->app->store);
		app_touch(feed->app);
	}
	return taken;
}

static bool
app_feed_record(struct stage_upstream *up, const struct position *position,
    const struct record *record)
{
	struct app_feed *feed = (struct app_feed *)up;
	int64_t before_us = feed->intake.last_event_us;

	if (feed->sw->tally.live != NULL)
		live_clock(&feed->sw->now, clock_wall_us());
	intake_record(&feed->intake, position, record);
	app_feed_note_skew(feed, before_us, record->received_us);
	fault_point("after-parse");
	store_touch(feed->app->store);
	app_touch(feed->app);
	return true;
}

/*
 * Counts what the transport tells beside its records. While nothing is read
 * there is no interval to count it in: it waits.
 */
static void
app_feed_count(struct app_feed *feed, enum counter counter, uint64_t n)
{
	if (feed->reading) {
		intake_count(&feed->intake, counter, n);
		store_touch(feed->app->store);
	} else {
		feed->uncounted.v[counter] += n;
	}
	app_touch(feed->app);
}

static void
app_feed_lost(
    struct stage_upstream *up, enum stage_loss loss, int64_t n, const char *why)
{
	struct app_feed *feed = (struct app_feed *)up;

	(void)loss;
	app_feed_count(feed, COUNTER_gaps, 1);
	if (n > 0)
		app_feed_count(feed, COUNTER_lost_bytes, (uint64_t)n);
	if (n > 0)
		log_limited(&feed->limit, LOG_LEVEL_WARN,
		    "feed %s: %" PRId64 " bytes lost: %s", feed->conf->name, n,
		    why);
	else
		log_limited(&feed->limit, LOG_LEVEL_WARN,
		    "feed %s: data may be lost: %s", feed->conf->name, why);
}

static void
app_feed_oversize(struct stage_upstream *up, uint64_t n)
{
	struct app_feed *feed = (struct app_feed *)up;

	app_feed_count(feed, COUNTER_oversize, n);
}

static void
app_feed_idle(struct stage_upstream *up, bool idle)
{
	struct app_feed *feed = (struct app_feed *)up;
	struct app *app = feed->app;

	feed->idle = idle;
	feed->was_idle |= idle;
	feed->behind_us = clock_mono_us();
	app_touch(app);
	if (app->ops->idle != NULL)
		app->ops->idle(app->ops_ctx);
}

static void
app_feed_failed(struct stage_upstream *up, const char *why)
{
	struct app_feed *feed = (struct app_feed *)up;
	char text[640];

	snprintf(text, sizeof(text), "feed %s: %s", feed->conf->name, why);
	feed->app->ops->failed(feed->app->ops_ctx, text);
}

/* The database is to know soon, also where no record comes to tell. */
static void
app_feed_changed(struct stage_upstream *up)
{
	struct app_feed *feed = (struct app_feed *)up;

	if (feed->app->loaded)
		store_touch(feed->app->store);
	app_touch(feed->app);
}

const struct stage_upstream app_feed_upstream = {
    .bytes = app_feed_bytes,
    .record = app_feed_record,
    .lost = app_feed_lost,
    .idle = app_feed_idle,
    .failed = app_feed_failed,
    .oversize = app_feed_oversize,
    .changed = app_feed_changed,
};

/* --- opening and closing ------------------------------------------------ */

/* Where the feed would go on; what the store writes with the figures. */
void
app_feed_position(void *ctx, struct position *position)
{
	struct app_feed *feed = ctx;

	if (!feed->reading) {
		*position = feed->from;
		return;
	}
	feed->conf->transport->position(feed->transport, position);
	position->skipping =
	    intake_is_skipping(&feed->intake, position->file_no);
}

/* No more is read; what the transport does is its own affair. */
static void
app_feed_forget(struct app_feed *feed)
{
	struct app_past *past = feed->app->past;

	feed->reading = feed->idle = feed->was_idle = false;
	if (feed->intake.format_self != NULL)
		/* what was not cut comes again */
		*app_past_counters(past, feed->conf->name) = feed->intake.taken;
	if (feed->intake.format != NULL)
		intake_fini(&feed->intake);
	feed->intake = (struct intake){0};
}

void
app_feed_close(struct app_feed *feed, const char *reason)
{
	if (feed->transport != NULL)
		feed->conf->transport->close(feed->transport, reason);
	feed->transport = NULL;
	app_feed_forget(feed);
}

/* Whether it can take in what comes without being read. */
static bool
app_feed_can_wait(const struct app_feed *feed)
{
	return feed->conf->transport->resume != NULL && !feed->app->once;
}

void
app_feed_halt(struct app_feed *feed, const char *reason)
{
	if (!app_feed_can_wait(feed)) {
		app_feed_close(feed, reason);
		return;
	}
	if (feed->transport != NULL)
		feed->conf->transport->resume(feed->transport, NULL);
	app_feed_forget(feed);
}

static const char *
app_feed_timezone(const struct app_feed *feed)
{
	return feed->conf->timezone != NULL ? feed->conf->timezone
					    : feed->app->conf->timezone;
}

int
app_feed_begin(struct app *app, struct app_feed *feed, struct err *err)
{
	uint32_t number = (uint32_t)(feed - app->feeds);
	struct stage_setup setup = {.options = feed->conf->format_options,
	    .timezone = app_feed_timezone(feed)};

	feed->from = (struct position){0};
	if (intake_init(&feed->intake, feed->conf->name, number,
		feed->conf->format, &setup, &feed->sw->machine, err) == 0) {
		feed->intake.slot = APP_NO_SLOT;
		feed->intake.taken =
		    *app_past_counters(app->past, feed->conf->name);
		feed->intake.repeats =
		    (feed->conf->transport->traits & STAGE_REPEATS) != 0;
		feed->intake.envelope = (enum envelope)feed->conf->envelope;
		feed->intake.contact = app_contact;
		feed->intake.contact_ctx = feed;
		return 0;
	}
	app_feed_close(feed, "its format can not work");
	return err_prefix(err, "feed %s", feed->conf->name);
}

/* How a stream is cut; a file with envelopes still has one on each line. */
static enum framing
app_feed_framing(const struct conf_feed *feed)
{
	return feed->envelope == ENVELOPE_SYSLOG ? FRAMING_SYSLOG
						 : feed->format->framing;
}

/* from: NULL where it is not known yet */
static int
app_feed_open(
    struct app_feed *feed, const struct position *from, struct err *err)
{
	struct stage_setup setup = {.feed = feed->conf->name,
	    .options = feed->conf->transport_options,
	    .loop = feed->app->loop,
	    .up = &feed->up,
	    .from = from,
	    .timezone = app_feed_timezone(feed),
	    .spool = feed->spool,
	    .format = feed->conf->format->name,
	    .ingest = feed->app->ingest,
	    .framing = app_feed_framing(feed->conf),
	    .unique_ids = (feed->conf->format->traits & STAGE_UNIQUE_IDS) != 0,
	    .dialogue = feed->conf->format->dialogue,
	    .format_options = feed->conf->format_options,
	    .once = feed->app->once};

	feed->was_read = from != NULL;
	if (feed->conf->transport->open(&feed->transport, &setup, err) < 0)
		return err_prefix(err, "feed %s", feed->conf->name);
	feed->trouble.text[0] = '\0';
	return 0;
}

int
app_feed_read(struct app_feed *feed, struct err *err)
{
	unsigned i;

	if (feed->intake.machine == NULL)
		return 0; /* it has failed before */
	intake_resume(&feed->intake, &feed->from);
	if (feed->transport != NULL)
		feed->conf->transport->resume(feed->transport, &feed->from);
	else if (app_feed_open(feed, &feed->from, err) < 0)
		return -1;
	feed->reading = feed->was_read = true;
	feed->behind_us = clock_mono_us();
	for (i = 0; i < COUNTERS; i++)
		if (feed->uncounted.v[i] > 0)
			app_feed_count(
			    feed, (enum counter)i, feed->uncounted.v[i]);
	feed->uncounted = (struct counters){.v = {0}};
	return 0;
}

bool
app_feed_open_early(struct app_feed *feed)
{
	struct err err;

	if (feed->transport != NULL || !app_feed_can_wait(feed))
		return true;
	if (app_feed_open(feed, NULL, &err) == 0)
		return true;
	if (strcmp(feed->trouble.text, err.text) != 0)
		log_warn("%s: trying again", err.text);
	feed->trouble = err;
	return false;
}

void
app_feed_stand_by(struct app_feed *feed)
{
	const struct stage *transport = feed->conf->transport;
	static const char reason[] = "another daemon is the writer";

	if (feed->transport == NULL || feed->reading)
		return;
	if (feed->was_read || (transport->traits & STAGE_TWO_WAY) == 0) {
		app_feed_close(feed, reason);
		return;
	}
	transport->disown(feed->transport, reason);
	feed->transport = NULL;
}

/* --- how it stands ------------------------------------------------------ */

bool
app_feed_status(void *ctx, struct stage_status *status)
{
	struct app_feed *feed = ctx;

	*status = (struct stage_status){.connected = false};
	if (feed->transport == NULL || feed->conf->transport->status == NULL)
		return false;
	feed->conf->transport->status(feed->transport, status);
	return true;
}

/* A live feed is behind for a moment with each line: of that nothing is said.
 */
static const char *
app_feed_behind(struct app_feed *feed)
{
	int64_t at_us = feed->intake.last_event_us;
	char at[UTC_ISO_MAX];

	if (clock_mono_us() - feed->behind_us < APP_FEED_MOMENT_US)
		return NULL;
	if (at_us == 0)
		return "catching up";
	snprintf(feed->behind, sizeof(feed->behind), "catching up, at %s",
	    utc_iso(at, sizeof(at), at_us));
	return feed->behind;
}

enum view_feed_state
app_feed_state(void *ctx, const char **why)
{
	struct app_feed *feed = ctx;
	struct position position;

	if (feed->transport == NULL && feed->app->loaded) {
		*why = "it could not be opened: see the log";
		return VIEW_FEED_FAILED;
	}
	if (feed->transport == NULL) {
		*why = feed->trouble.text[0] != '\0' ? feed->trouble.text
						     : feed->app->store_text;
		return VIEW_FEED_CLOSED;
	}
	if (store_holds_back(feed->app->store)) {
		*why = "too much waits for the database";
		return VIEW_FEED_PAUSED;
	}
	if (app_feed_status(feed, &feed->status) && !feed->status.connected) {
		*why = feed->status.text;
		return VIEW_FEED_WAITING;
	}
	if (!feed->reading) {
		*why = "kept in the spool until the database is there";
		return VIEW_FEED_PAUSED;
	}
	app_feed_position(ctx, &position);
	/* of a spool it means that nobody has said anything yet */
	if (position.file_no == 0 &&
	    (feed->conf->transport->traits & STAGE_SPOOLED) == 0) {
		*why = "nothing to read was found yet";
		return VIEW_FEED_WAITING;
	}
	if (feed->idle)
		return VIEW_FEED_FOLLOWING;
	*why = app_feed_behind(feed);
	return VIEW_FEED_READING;
}

/* --- slots ------------------------------------------------------------- */

bool
app_feed_slot_is_taken(
    const struct app *app, const struct app_feed *feed, unsigned slot)
{
	size_t i;

	for (i = 0; i < app->n_feeds; i++)
		if (&app->feeds[i] != feed && app->feeds[i].sw == feed->sw &&
		    app->feeds[i].intake.machine != NULL &&
		    app->feeds[i].intake.slot == slot)
			return true;
	return false;
}

/* A number among the feeds of its switch, for those that have none yet. */
void
app_feed_number(struct app *app, struct app_feed *feed)
{
	unsigned slot = feed->intake.slot;

	if (feed->intake.machine == NULL)
		return;
	if (slot == APP_NO_SLOT)
		for (slot = 0; app_feed_slot_is_taken(app, feed, slot); slot++)
			;
	feed->intake.slot = slot;
	feed->sw->machine.config.slots |= 1U << slot;
	feed->sw->machine.config.facts[slot] = feed->conf->format->facts;
}

/* A bit for each slot that a feed of the switch has. */
static unsigned
app_feed_slots(const struct app_switch *sw)
{
	const struct app *app = sw->app;
	unsigned slots = 0;
	size_t i;

	for (i = 0; i < app->n_feeds; i++)
		if (app->feeds[i].sw == sw &&
		    app->feeds[i].intake.machine != NULL &&
		    app->feeds[i].intake.slot < MACHINE_FEEDS)
			slots |= 1U << app->feeds[i].intake.slot;
	return slots;
}

struct heard *
app_feed_heard(
    const struct app_switch *sw, const struct visit *like, struct heard *heard)
{
	const struct app_feed *feed = &sw->app->feeds[like->feed];

	if (like->heard != NULL) {
		*heard = *like->heard;
		merge_keep_slots(heard, app_feed_slots(sw));
	} else if (sw->machine.config.n_feeds > 1 &&
	    like->state != VISIT_EARLY) {
		/* file_no 0: its feed is no more */
		merge_told_alone(like,
		    like->file_no != 0 && feed->sw == sw ? feed->intake.slot
							 : MACHINE_FEEDS,
		    heard);
	} else {
		return NULL;
	}
	return heard;
}

void
app_load_former(
    void *ctx, const char *switch_name, int64_t first_us, int64_t last_us)
{
	struct app_switch *sw = app_switch_find(ctx, switch_name);

	if (sw != NULL)
		machine_restore_former(&sw->machine, first_us, last_us);
}

/* A format is pure: it can be opened by anybody, and at any time. */
static int
app_check_format(
    const struct conf *conf, const struct conf_feed *feed, struct err *err)
{
	struct stage_setup setup = {.feed = feed->name,
	    .options = feed->format_options,
	    .timezone =
		feed->timezone != NULL ? feed->timezone : conf->timezone};
	void *format = NULL;

	if (feed->format->open(&format, &setup, err) < 0)
		return -1;
	feed->format->close(format, "it was a test");
	return 0;
}

int
app_check_feeds(const struct conf *conf, bool files, struct err *err)
{
	const struct conf_feed *feed;

	for (feed = conf->feeds; feed != NULL; feed = feed->next) {
		const struct stage *transport = feed->transport;

		if (app_check_format(conf, feed, err) < 0 ||
		    (transport->check != NULL &&
			transport->check(feed->transport_options, files, err) <
			    0))
			return err_prefix(
			    err, "%s: feed %s", feed->where, feed->name);
	}
	return 0;
}

void
app_feed_stop(struct app_feed *feed)
{
	if (feed->transport != NULL && feed->conf->transport->stop != NULL)
		feed->conf->transport->stop(feed->transport);
}

/* In the batch that is cut last, with the state that says they were told. */
void
app_feeds_finish(struct app *app)
{
	size_t i;

	for (i = 0; i < app->n_feeds; i++)
		if (app->feeds[i].intake.machine != NULL)
			intake_finish(&app->feeds[i].intake);
}
