/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a feed stands, for the views and for the database; its number among those
 * of its switch; and whether it can work as configured.
 */
#include "base/base.h"
#include "app.h"
#include "call/merge.h"

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
		*why = feed->app->store_text;
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
	app_feed_position(ctx, &position);
	if (position.file_no == 0) {
		*why = "nothing to read was found yet";
		return VIEW_FEED_WAITING;
	}
	return feed->idle ? VIEW_FEED_FOLLOWING : VIEW_FEED_READING;
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
