/* SPDX-License-Identifier: BSD-2-Clause */
/* How a feed stands, for the views and for the database. */
#include "base/base.h"
#include "app.h"

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
