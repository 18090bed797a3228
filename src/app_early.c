/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking in before the database is there.
 *
 * What is pushed can not be asked for again, and goes to a spool on disk first.
 * That needs no database: only reading the spool does, as the database knows
 * what of it is counted already. So when the daemon starts and the database is
 * away, or slow, such feeds are opened all the same: sockets listen,
 * connections are made, posts are acknowledged. They are read, each from its
 * position, once all is loaded. A feed that was read stays open in the same way
 * when all is loaded again.
 *
 * A database that is there is asked first, for it may say that another daemon
 * is the writer. Then nothing is opened before that one is gone, whether the
 * database stays there or not: two that hear the same would count it twice.
 * While no database can tell there is only the lock of the spool, which keeps
 * a second daemon of the same machine away.
 */
#include "base/base.h"
#include "app.h"
#include "io/loop.h"

#define APP_EARLY_US	   (1 * USEC_PER_SEC) /* for a database to answer */
#define APP_EARLY_AGAIN_US (2 * USEC_PER_SEC) /* what could not be opened */

static void
app_early_open(struct app *app)
{
	bool all = true;
	size_t i;

	if (app->early == NULL || app->loaded || app->standby)
		return;
	for (i = 0; i < app->n_feeds; i++)
		all &= app_feed_open_early(&app->feeds[i]);
	if (!all)
		timer_set(app->early, APP_EARLY_AGAIN_US);
	app_touch(app);
}

static void
app_early_cb(void *ctx)
{
	app_early_open(ctx);
}

void
app_early_later(struct app *app)
{
	if (app->early != NULL)
		timer_set(app->early, APP_EARLY_US);
}

void
app_early_start(struct app *app)
{
	if (app->once)
		return;
	app->early = timer_new(app->loop, app_early_cb, app);
	app_early_later(app);
}

void
app_early_end(struct app *app)
{
	timer_free(app->early);
	app->early = NULL;
}

void
app_early_state(struct app *app, enum store_state state)
{
	size_t i;

	if (state == STORE_STANDBY) {
		app->standby = true;
		for (i = 0; i < app->n_feeds; i++)
			if (!app->feeds[i].reading)
				app_feed_stop(&app->feeds[i]);
		for (i = 0; i < app->n_feeds; i++)
			app_feed_stand_by(&app->feeds[i]);
	} else if (state == STORE_LOADING) {
		app->standby = false;
	} else if (state == STORE_BACKOFF || state == STORE_BROKEN) {
		app_early_open(app);
	}
}
