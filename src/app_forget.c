/* SPDX-License-Identifier: BSD-2-Clause */
/* Forgetting callers who ask for it: `ringtally forget`. */
#include "base/base.h"
#include "app.h"

_Static_assert(CALLER_HASH_BYTES == CALL_CALLER_BYTES, "the same hash");

static void
app_forget_spools(struct app *app)
{
	size_t i;

	for (i = 0; i < app->n_feeds; i++) {
		struct app_feed *feed = &app->feeds[i];

		if (feed->transport != NULL &&
		    feed->conf->transport->shed != NULL)
			feed->conf->transport->shed(feed->transport);
	}
}

void
app_forget(struct app *app, const uint8_t (*hashes)[CALL_CALLER_BYTES],
    size_t n, struct app_forgotten *forgotten)
{
	size_t i, j;

	*forgotten = (struct app_forgotten){0};
	for (i = 0; i < app->n_switches; i++) {
		struct app_switch *sw = &app->switches[i];

		if (!sw->live)
			continue;
		for (j = 0; j < n; j++) {
			forgotten->visits +=
			    machine_forget(&sw->machine, hashes[j]);
			forgotten->callbacks +=
			    callbacks_forget(&sw->callbacks, hashes[j]);
		}
	}
	for (j = 0; j < n && app->repeat != NULL; j++)
		(void)repeat_forget(app->repeat, hashes[j]);
	/* their rows of open_visit are written anew */
	if (forgotten->visits > 0)
		store_touch(app->store);
	app_forget_spools(app);
}
