/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "app.h"
#include "base/clock.h"
#include "base/utc.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "base/tokens.h"
#include "base/zone.h"
#include "feed/ingest.h"
#include "serve/http.h"

/*
 * How long settled cells stay: they only save making them anew for what comes
 * late.
 */
#define APP_KEEP_CELLS_US (3600 * USEC_PER_SEC)

_Static_assert(CONF_FEEDS_PER_SWITCH == MACHINE_FEEDS, "each has its bit");

/* --- the call machine's questions --------------------------------------- */

static void
app_visit_ended(void *ctx, struct visit *visit)
{
	struct app_switch *sw = ctx;
	struct app *app = sw->app;

	app->visits++;
	if (visit->outcome != OUTCOME_ABANDONED)
		return;
	app_inferred_gave_up(sw, visit);
	if (!app->once)
		app_callbacks_ended(sw, visit);
}

static void
app_visit_answered(void *ctx, struct visit *visit)
{
	struct app_switch *sw = ctx;

	app_inferred_answered(sw, visit);
	if (!sw->app->once)
		app_callbacks_answered(sw, visit);
}

static void
app_visit_corrected(void *ctx, struct visit *visit, enum outcome before)
{
	struct app_switch *sw = ctx;

	app_inferred_corrected(sw, visit, before);
	if (sw->app->once)
		return;
	if (before == OUTCOME_ABANDONED)
		callbacks_remove(&sw->callbacks,
		    (struct slice){visit->call->id, visit->call->id_len},
		    visit->number);
	else if (visit->outcome == OUTCOME_ABANDONED)
		app_callbacks_ended(sw, visit);
}

static void
app_visit_keep(void *ctx, const struct visit *visit)
{
	struct app_switch *sw = ctx;
	struct app *app = sw->app;

	app_inferred_settle(sw, visit);
	if (app->conf->database.keep_visits_days > 0)
		store_visit(app->store, sw->name,
		    app->n_feeds > 0 ? app->feeds[visit->feed].conf->name : "",
		    visit);
}

static void
app_span_ended(void *ctx, const struct session_span *span)
{
	struct app_switch *sw = ctx;

	store_span(sw->app->store, sw->name, span);
}

/* A reload may change it, and the views know first. */
static bool
app_shows_numbers(const struct app *app)
{
	return app->view != NULL && view_settings(app->view)->show_numbers;
}

/* --- switches ----------------------------------------------------------- */

static void
app_switch_add_aliases(struct app_switch *sw)
{
	const struct conf_agent *agent;
	char **alias;

	for (agent = sw->app->conf->agents; agent != NULL; agent = agent->next)
		for (alias = agent->aliases; *alias != NULL; alias++)
			tally_alias_add(&sw->tally, slice_of(*alias),
			    slice_of(agent->name));
}

static unsigned
app_switch_feeds(const struct app_switch *sw)
{
	const struct conf_feed *feed;
	unsigned n = 0;

	for (feed = sw->app->conf->feeds; feed != NULL; feed = feed->next)
		n += strcmp(feed->switch_name, sw->name) == 0;
	return n;
}

/* A switch's, and each of the others finds the same. */
static void
app_day_lost(void *ctx)
{
	struct app_switch *sw = ctx;

	log_limited(&sw->app->limit, LOG_LEVEL_WARN,
	    "the clock was set to another day: what is shown of today is "
	    "loaded anew");
	store_reload(sw->app->store);
}

static void
app_switch_begin(struct app_switch *sw)
{
	const struct conf *conf = sw->app->conf;
	struct tally_config tally = {
	    .interval_us = conf->interval_minutes * 60 * USEC_PER_SEC,
	    .short_abandon_us = conf->short_abandon_us,
	    .max_queues = (uint32_t)conf->max_queues,
	    .max_agents = (uint32_t)conf->max_agents,
	    .keep_us = APP_KEEP_CELLS_US};
	struct machine_config machine = {.lost_after_us = conf->lost_after_us,
	    .max_open = (uint32_t)conf->max_open_visits,
	    .ended = app_visit_ended,
	    .corrected = app_visit_corrected,
	    .keep = app_visit_keep,
	    .span = app_span_ended,
	    .answered = app_visit_answered,
	    .followed = app_inferred_followed,
	    .hash_caller = sw->app->has_key ? app_hash_caller : NULL,
	    .hash_before = sw->app->has_old_key ? app_hash_before : NULL,
	    .ctx = sw,
	    .merge_window_us = conf->merge_window_us,
	    .persistent = true,
	    .keep_numbers = app_shows_numbers(sw->app)};

	machine.n_feeds = app_switch_feeds(sw);
	tally_init(&sw->tally, &tally);
	app_switch_add_aliases(sw);
	machine_init(&sw->machine, &machine, &sw->tally);
	if (!sw->app->once) {
		live_init(&sw->now, &sw->tally);
		live_carry(&sw->now, app_past_totals(sw->app->past, sw->name));
		live_clock(&sw->now, clock_wall_us());
		live_on_lost(&sw->now, app_day_lost, sw);
		callbacks_init(&sw->callbacks, CALLBACK_MAX);
	}
	sw->live = true;
}

static void
app_switch_show_numbers(struct app_switch *sw, bool show)
{
	if (!sw->live)
		return;
	machine_keep_numbers(&sw->machine, show);
	if (!show)
		callbacks_forget_numbers(&sw->callbacks);
}

static void
app_switch_end(struct app_switch *sw)
{
	if (!sw->live)
		return;
	app_queues_forget(sw);
	if (!sw->app->once)
		callbacks_fini(&sw->callbacks);
	live_fini(&sw->now);
	machine_fini(&sw->machine);
	tally_fini(&sw->tally);
	sw->live = false;
}

struct app_switch *
app_switch_find(struct app *app, const char *name)
{
	size_t i;

	for (i = 0; i < app->n_switches; i++)
		if (strcmp(app->switches[i].name, name) == 0)
			return &app->switches[i];
	return NULL;
}

void
app_touch(struct app *app)
{
	if (app->view != NULL)
		view_touch(app->view);
}

/* --- the store's calls -------------------------------------------------- */

static void
app_close_feeds(struct app *app, const char *reason)
{
	size_t i;

	for (i = 0; i < app->n_feeds; i++)
		app_feed_stop(&app->feeds[i]);
	for (i = 0; i < app->n_feeds; i++)
		app_feed_close(&app->feeds[i], reason);
	app->loaded = false;
}

/* Switches that know nothing. */
static void
app_begin(struct app *app)
{
	size_t i;

	for (i = 0; i < app->n_switches; i++) {
		app_switch_end(&app->switches[i]);
		app_switch_begin(&app->switches[i]);
	}
	app_inferred_begin(app);
}

static void
app_reset(void *ctx)
{
	struct app *app = ctx;
	struct err err;
	size_t i;

	for (i = 0; i < app->n_feeds; i++)
		app_feed_halt(&app->feeds[i],
		    "starting anew from what the database holds");
	app->loaded = false;
	app_early_later(app);
	if (app->view != NULL)
		view_reset(app->view);
	app_begin(app);
	for (i = 0; i < app->n_feeds; i++)
		if (app_feed_begin(app, &app->feeds[i], &err) < 0)
			app->ops->failed(app->ops_ctx, err.text);
}

static void
app_load_switch(void *ctx, const char *name, int64_t clock_us, int64_t leap_us,
    int64_t forgotten_us)
{
	struct app_switch *sw = app_switch_find(ctx, name);

	if (sw != NULL)
		machine_restore_clock(
		    &sw->machine, clock_us, leap_us, forgotten_us);
}

static struct app_feed *
app_feed_find(struct app *app, const char *name)
{
	size_t i;

	for (i = 0; i < app->n_feeds; i++)
		if (strcmp(app->feeds[i].conf->name, name) == 0)
			return &app->feeds[i];
	return NULL;
}

static void
app_load_feed(void *ctx, const char *name, const struct store_feed_row *row)
{
	struct app *app = ctx;
	struct app_feed *feed = app_feed_find(app, name);

	if (feed == NULL || feed->intake.machine == NULL)
		return;
	feed->from = row->position;
	if (row->slot < MACHINE_FEEDS &&
	    !app_feed_slot_is_taken(app, feed, row->slot)) {
		feed->intake.slot = row->slot;
		/* what it knows says which visits wait for its word */
		app_feed_number(app, feed);
		machine_restore_feed(
		    &feed->sw->machine, row->slot, &row->times);
	}
	if (intake_load(&feed->intake, row->state) < 0)
		log_warn("feed %s: what its format %s remembered was written "
			 "by another version: it begins anew",
		    name, feed->conf->format->name);
}

static void
app_load_seen(void *ctx, const char *name, uint64_t key, int64_t at_us)
{
	struct app_feed *feed = app_feed_find(ctx, name);

	if (feed != NULL)
		seen_restore(&feed->intake.seen, key, at_us);
}

static void
app_load_visit(void *ctx, const char *switch_name, const struct visit *like,
    struct slice call_id, struct slice queue, struct slice agent)
{
	struct app_switch *sw = app_switch_find(ctx, switch_name);
	struct visit known = *like;
	struct heard heard;

	if (sw == NULL)
		return;
	known.heard = app_feed_heard(sw, like, &heard);
	machine_restore(&sw->machine, &known, call_id, queue, agent);
	app_inferred_loaded(sw, &known, call_id, queue);
	/* those that have ended come again, see app_load_ended */
	if (sw->tally.live != NULL &&
	    (like->state == VISIT_WAITING || like->state == VISIT_TALKING ||
		(like->state == VISIT_ENDED && like->heard != NULL &&
		    !like->heard->kept)))
		machine_show(&sw->machine, queue, like);
}

static void
app_load_ended(void *ctx, const char *switch_name, struct slice queue,
    const struct visit *like)
{
	struct app_switch *sw = app_switch_find(ctx, switch_name);

	if (sw != NULL)
		machine_show(&sw->machine, queue, like);
}

static void
app_load_cell(void *ctx, const char *switch_name, struct slice queue,
    const struct cell *cell)
{
	struct app_switch *sw = app_switch_find(ctx, switch_name);

	if (sw != NULL)
		live_load(&sw->now, tally_queue(&sw->tally, queue), cell);
}

static void
app_load_heard(
    void *ctx, const char *switch_name, struct slice queue, int64_t starts_us)
{
	struct app_switch *sw = app_switch_find(ctx, switch_name);

	if (sw != NULL)
		live_load_heard(
		    &sw->now, tally_queue(&sw->tally, queue), starts_us);
}

static void
app_load_since(void *ctx, int64_t day_us, int64_t hour_us)
{
	struct app *app = ctx;
	size_t i;

	for (i = 0; i < app->n_switches; i++)
		live_loaded(&app->switches[i].now, day_us, hour_us);
}

static bool
app_load_session(void *ctx, const char *switch_name, struct slice agent,
    struct slice queue, int64_t login_us, int64_t pause_us, int64_t logoff_us,
    struct slice reason)
{
	struct app_switch *sw = app_switch_find(ctx, switch_name);

	return sw == NULL ||
	    sessions_restore(&sw->machine.sessions, &sw->tally, agent, queue,
		login_us, pause_us, logoff_us, reason,
		sw->machine.sessions.clock_us);
}

static void
app_give_up(struct app *app)
{
	struct machine *m = &app->switches[0].machine;
	struct err err;

	if (m->clock_us == 0) { /* nothing was ever committed of it */
		err_set(&err, "nothing is known of a switch %s", app->give_up);
		app->ops->failed(app->ops_ctx, err.text);
		return;
	}
	log_note("switch %s: %zu who waited and %zu who talked are given up",
	    app->give_up, (size_t)m->in_state[VISIT_WAITING],
	    (size_t)m->in_state[VISIT_TALKING]);
	machine_give_up_all(m);
	store_touch(app->store);
	app->ops->idle(app->ops_ctx);
}

static void
app_ready(void *ctx)
{
	struct app *app = ctx;
	struct err err;
	size_t i;

	app->loaded = true;
	app_inferred_ready(app);
	app_touch(app);
	for (i = 0; i < app->n_switches; i++)
		app->switches[i].machine.config.slots = 0;
	for (i = 0; i < app->n_feeds; i++)
		app_feed_number(app, &app->feeds[i]);
	for (i = 0; i < app->n_feeds; i++)
		if (app_feed_read(&app->feeds[i], &err) < 0)
			app->ops->failed(app->ops_ctx, err.text);
	if (app->paused)
		for (i = 0; i < app->n_feeds; i++)
			if (app->feeds[i].transport != NULL)
				app->feeds[i].conf->transport->pause(
				    app->feeds[i].transport, true);
	if (app->give_up != NULL)
		app_give_up(app);
}

static void
app_pressure(void *ctx, bool on)
{
	struct app *app = ctx;
	size_t i;

	if (app->paused == on)
		return;
	app->paused = on;
	app_touch(app);
	for (i = 0; i < app->n_feeds; i++) {
		struct app_feed *feed = &app->feeds[i];

		if (feed->transport != NULL)
			feed->conf->transport->pause(feed->transport, on);
	}
}

static void
app_committed_feed(void *ctx, const char *name, const struct position *position)
{
	struct app_feed *feed = app_feed_find(ctx, name);

	if (feed != NULL && feed->reading &&
	    feed->conf->transport->committed != NULL)
		feed->conf->transport->committed(feed->transport, position);
}

static void
app_committed(void *ctx, uint64_t number, int64_t lag_us)
{
	struct app *app = ctx;

	app->past->commits = ++app->commits;
	app->committed_us = clock_wall_us();
	app->lag_us = lag_us;
	app_touch(app);
	app->ops->committed(app->ops_ctx, number, lag_us);
}

static void
app_store_state(void *ctx, enum store_state state, const char *text)
{
	struct app *app = ctx;

	app->store_state = state;
	snprintf(app->store_text, sizeof(app->store_text), "%s", text);
	app_early_state(app, state);
	app_touch(app);
	app->ops->store_state(app->ops_ctx, state, text);
}

static const struct store_ops app_store_ops = {
    .reset = app_reset,
    .load_switch = app_load_switch,
    .load_feed = app_load_feed,
    .load_former = app_load_former,
    .load_seen = app_load_seen,
    .load_visit = app_load_visit,
    .load_session = app_load_session,
    .load_cell = app_load_cell,
    .load_heard = app_load_heard,
    .load_ended = app_load_ended,
    .load_since = app_load_since,
    .load_service = app_load_service,
    .load_repeat_days = app_load_repeat_days,
    .load_caller = app_load_caller,
    .load_callers_since = app_load_callers_since,
    .load_callback = app_load_callback,
    .load_abandoned = app_load_abandoned,
    .queues = app_queues,
    .contacts = app_contacts,
    .ready = app_ready,
    .pressure = app_pressure,
    .committed_feed = app_committed_feed,
    .committed = app_committed,
    .state = app_store_state,
};

static const char *
app_service_of(void *ctx, const char *queue)
{
	const struct app *app = ctx;

	return conf_service_of(app->conf, queue);
}

/* --- the views' questions ----------------------------------------------- */

static bool
app_target_of(void *ctx, const char *service, struct view_target *target)
{
	const struct app *app = ctx;
	const struct conf_service *s;

	for (s = app->conf->services; s != NULL; s = s->next)
		if (strcmp(s->name, service) == 0)
			break;
	if (s == NULL || s->target.within_s == 0)
		return false;
	*target = (struct view_target){
	    s->target.within_s, s->target.pct, s->target.amber_pct};
	return true;
}

static void
app_database(void *ctx, struct view_database *database)
{
	const struct app *app = ctx;

	*database =
	    (struct view_database){.state = store_state_name(app->store_state),
		.text = app->store_text,
		.committed_us = app->committed_us,
		.batches = app->commits,
		.lag_us = app->lag_us,
		.pending_bytes = store_pending(app->store)};
}

static struct view_settings
app_view_settings(const struct conf *conf)
{
	struct view_settings settings = {
	    .show_numbers = conf->live.show_numbers,
	    .stale_after_us = conf->live.stale_after_us};

	conf_thresholds(conf, &settings.thresholds_s);
	return settings;
}

/* --- putting it together ------------------------------------------------ */

/*
 * The spool's folder: named after the feed, in letters that may stand in a
 * file's name. Others are written as %xx, so that no two feeds share one.
 */
static char *
app_spool_folder(const struct conf *conf, const char *feed)
{
	struct strbuf path = STRBUF_INIT;
	char *folder;

	strbuf_addf(&path, "%s/", conf->spool_folder);
	for (; *feed != '\0'; feed++) {
		unsigned char c = (unsigned char)*feed;

		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		    (c >= 'A' && c <= 'Z') || c == '-' || c == '_')
			strbuf_addc(&path, *feed);
		else
			strbuf_addf(&path, "%%%02x", c);
	}
	folder = mem_strdup(strbuf_str(&path));
	strbuf_fini(&path);
	return folder;
}

static struct app_switch *
app_add_switch(struct app *app, const char *name)
{
	struct app_switch *sw = &app->switches[app->n_switches++];

	sw->app = app;
	sw->name = mem_strdup(name);
	return sw;
}

static void
app_make_feeds(struct app *app)
{
	const struct conf_feed *conf;
	size_t n = 0;

	for (conf = app->conf->feeds; conf != NULL; conf = conf->next)
		n++;
	/* as many switches as feeds at most; neither array ever moves */
	app->feeds = mem_zalloc((n + 1) * sizeof(*app->feeds));
	app->switches = mem_zalloc((n + 1) * sizeof(*app->switches));
	if (app->give_up != NULL) {
		app_add_switch(app, app->give_up);
		return;
	}
	for (conf = app->conf->feeds; conf != NULL; conf = conf->next) {
		struct app_feed *feed = &app->feeds[app->n_feeds++];
		struct app_switch *sw = app_switch_find(app, conf->switch_name);

		if (sw == NULL)
			sw = app_add_switch(app, conf->switch_name);
		*feed = (struct app_feed){.up = app_feed_upstream,
		    .app = app,
		    .conf = conf,
		    .spool = app_spool_folder(app->conf, conf->name),
		    .sw = sw};
		if (conf->transport->traits & STAGE_POSTED)
			ingest_expect(app->ingest, conf->name);
	}
}

static void
app_make_store(struct app *app)
{
	const struct conf *conf = app->conf;
	struct store_config config = {.conninfo = conf->database.conninfo,
	    .site = conf->site,
	    .flush_us = conf->database.flush_us,
	    .keep_visits_days = conf->database.keep_visits_days,
	    .keep_keys_days = conf->database.keep_keys_days,
	    .interval_us = conf->interval_minutes * 60 * USEC_PER_SEC,
	    .timezone = conf->timezone,
	    .pending_max = (size_t)conf->database.pending_mb << 20,
	    .once = app->once,
	    .repeat_days = app_repeat_days(conf),
	    .key_before = app->has_old_key,
	    .key_mark = app->keeps_key ? app->key_mark : NULL,
	    .key_before_mark = app->has_old_key ? app->old_key_mark : NULL,
	    .queue_live = conf->database.queue_live && !app->once};
	size_t i;

	app->store = store_new(app->loop, &config, &app_store_ops, app);
	for (i = 0; i < app->n_switches; i++) {
		struct store_switch sw = {app->switches[i].name,
		    &app->switches[i].tally, &app->switches[i].machine};

		store_add_switch(app->store, &sw);
	}
	for (i = 0; i < app->n_feeds; i++) {
		struct app_feed *f = &app->feeds[i];
		struct store_feed feed = {f->conf->name, f->sw->name,
		    f->conf->transport->name, f->conf->format->name, &f->intake,
		    app_feed_position, stage_guarantee(f->conf->transport),
		    (f->conf->transport->traits & STAGE_SPOOLED) != 0,
		    app_feed_status, f};

		store_add_feed(app->store, &feed);
	}
	store_set_services(app->store, app_service_of, app);
	app_contacts_configure(app);
}

static void
app_make_view(struct app *app)
{
	struct view_settings settings = app_view_settings(app->conf);
	struct view_config config = {.loop = app->loop,
	    .site = app->first->site,
	    .timezone = app->first->timezone,
	    .version = PACKAGE_VERSION,
	    .service_of = app_service_of,
	    .target_of = app_target_of,
	    .database = app_database,
	    .ctx = app};
	size_t i;

	app->view = view_new(&config, &settings);
	for (i = 0; i < app->n_switches; i++) {
		struct app_switch *sw = &app->switches[i];
		struct view_switch shown = {sw->name, &sw->tally, &sw->machine,
		    &sw->now, &sw->callbacks};

		view_add_switch(app->view, &shown);
	}
	for (i = 0; i < app->n_feeds; i++) {
		struct app_feed *f = &app->feeds[i];
		struct view_feed shown = {f->conf->name, f->sw->name,
		    f->conf->transport->name, f->conf->format->name, &f->intake,
		    app_feed_position, app_feed_state,
		    stage_guarantee(f->conf->transport), app_feed_status, f};

		view_add_feed(app->view, &shown);
	}
}

static const char *const *
app_hosts(const struct conf *conf)
{
	return (const char *const *)conf->live.hosts;
}

/* Bodies are taken only where there is somebody for them. */
static size_t
app_max_post(const struct conf *conf)
{
	const struct conf_feed *feed;

	for (feed = conf->feeds; feed != NULL; feed = feed->next)
		if (feed->transport->traits & STAGE_POSTED)
			return (size_t)conf->live.max_post_kb << 10;
	return 0;
}

static int
app_make_http(struct app *app, struct err *err)
{
	const struct conf *conf = app->first;
	struct http_config config = {.loop = app->loop,
	    .view = app->view,
	    .listen = conf->live.listen,
	    .token_file = conf->live.token_file,
	    .folder = conf->live.folder,
	    .chart_js = conf->live.chart_js,
	    .contacts = conf->contacts.feed,
	    .ingest = app->ingest,
	    .max_post = app_max_post(conf),
	    .counts = &app->past->http,
	    .max_clients = conf->live.max_clients};

	if (conf->live.listen == NULL)
		return 0;
	app->http = http_new(&config, app_hosts(conf), err);
	return app->http != NULL ? 0 : -1;
}

static int
app_check_live(const struct conf *conf, struct err *err)
{
	struct tokens tokens;

	if (conf->live.listen == NULL || conf->live.token_file == NULL)
		return 0;
	return tokens_load(&tokens, conf->live.token_file, err);
}

int
app_check(const struct conf *conf, struct err *err)
{
	if (app_check_live(conf, err) < 0 ||
	    app_check_feeds(conf, true, err) < 0)
		return -1;
	return app_check_callers(conf, true, err);
}

int
app_init(struct app *app, struct app_past *past, struct loop *loop,
    struct conf *conf, bool once, const char *give_up,
    const struct app_ops *ops, void *ctx, struct err *err)
{
	*app = (struct app){.loop = loop,
	    .past = past,
	    .commits = past->commits,
	    .conf = conf,
	    .first = conf,
	    .once = once,
	    .give_up = give_up,
	    .ops = ops,
	    .ops_ctx = ctx};
	if (app_know_callers(app, err) < 0)
		return -1;
	app->ingest = ingest_new();
	zone_set(conf->timezone);
	app_make_feeds(app);
	app_begin(app); /* what is looked at before the database is there */
	app_make_store(app);
	if (once)
		return 0;
	app_make_view(app);
	return app_make_http(app, err);
}

void
app_start(struct app *app)
{
	if (app->give_up == NULL)
		app_spools_look(app, app->conf->spool_folder);
	app_early_start(app);
	store_start(app->store);
}

void
app_fini(struct app *app, const char *reason)
{
	size_t i;

	app_early_end(app);
	app_close_feeds(app, reason);
	http_free(app->http);
	app->http = NULL;
	ingest_free(app->ingest);
	app->ingest = NULL;
	view_free(app->view);
	app->view = NULL;
	if (app->store != NULL)
		store_free(app->store);
	for (i = 0; i < app->n_switches; i++) {
		app_switch_end(&app->switches[i]);
		free(app->switches[i].name);
	}
	presence_board_fini(&app->board);
	free(app->switches);
	for (i = 0; i < app->n_feeds; i++)
		free(app->feeds[i].spool);
	free(app->feeds);
	app_inferred_forget_services(app);
	repeat_free(app->repeat);
	caller_key_wipe(&app->key);
	caller_key_wipe(&app->old_key);
	if (app->conf != app->first)
		conf_free(app->conf);
	conf_free(app->first);
	*app = (struct app){0};
}

void
app_finish(struct app *app, int64_t timeout_us,
    void (*done)(void *ctx, const char *failed), void *ctx)
{
	size_t i;

	app_early_end(app);
	/* what is read from here on would only be read again */
	for (i = 0; i < app->n_feeds; i++)
		if (app->feeds[i].transport != NULL)
			app->feeds[i].conf->transport->pause(
			    app->feeds[i].transport, true);
	store_finish(app->store, timeout_us, done, ctx);
}

void
app_reconfigure(struct app *app, struct conf *conf)
{
	struct view_settings settings = app_view_settings(conf);
	size_t i;

	if (app->conf != app->first)
		conf_free(app->conf);
	app->conf = conf;
	store_set_services(app->store, app_service_of, app);
	app_contacts_configure(app);
	app_inferred_reconfigure(app);
	if (app->view == NULL)
		return;
	view_configure(app->view, &settings);
	if (app->http != NULL)
		http_configure(app->http, app_hosts(conf));
	for (i = 0; i < app->n_switches; i++) {
		app_queues_forget(&app->switches[i]);
		app_switch_show_numbers(
		    &app->switches[i], settings.show_numbers);
	}
}

bool
app_is_idle(const struct app *app)
{
	size_t i;

	if (!app->loaded)
		return false;
	for (i = 0; i < app->n_feeds; i++)
		if (!app->feeds[i].idle)
			return false;
	return true;
}
