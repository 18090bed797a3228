/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <signal.h>

#include "app.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "daemon.h"
#include "exit_code.h"
#include "io/loop.h"
#include "notify.h"
#include "serve/http.h"
#include "show.h"

#define DAEMON_FINISH_US (20 * USEC_PER_SEC) /* for the last batch */
#define DAEMON_STATUS_US (5 * USEC_PER_SEC)
#define DAEMON_ONCE_US	 (30 * USEC_PER_SEC) /* --once waits for a database */

enum daemon_mode {
	DAEMON_RUNNING,
	DAEMON_RELOADING, /* committing, then starting anew */
	DAEMON_ENDING	  /* committing, then leaving */
};

struct daemon {
	const struct daemon_args *args;
	struct loop *loop;
	struct app_past past;
	struct app app;
	struct control *control; /* NULL with --once: nobody asks */
	struct show show;
	enum daemon_mode mode;
	struct conf *next; /* while DAEMON_RELOADING */
	struct timer *watchdog, *status, *deadline;
	struct task *restart, *fail;
	struct log_limit limit;
	int64_t started_us;
	int exit_code;
};

static void daemon_finished(void *ctx, const char *failed);

/* --- what people and the service manager see ---------------------------- */

/* " (1 can not go on: log: queue_log: Permission denied)", or nothing. */
static void
daemon_describe_feeds(const struct daemon *d, char *to, size_t size)
{
	const char *name = NULL, *first = NULL;
	size_t n = 0, i;

	for (i = 0; i < d->app.n_feeds; i++) {
		const char *why = NULL;
		enum view_feed_state state =
		    app_feed_state(&d->app.feeds[i], &why);

		if (state != VIEW_FEED_WAITING && state != VIEW_FEED_FAILED)
			continue;
		if (n++ == 0) {
			name = d->app.feeds[i].conf->name;
			first = why;
		}
	}
	to[0] = '\0';
	if (n > 0)
		snprintf(
		    to, size, " (%zu can not go on: %s: %s)", n, name, first);
}

static void
daemon_describe(const struct daemon *d, char *to, size_t size)
{
	char stuck[400];
	size_t waiting = 0, talking = 0, queues = 0, i;

	for (i = 0; i < d->app.n_switches; i++) {
		const struct app_switch *sw = &d->app.switches[i];

		if (!sw->live)
			continue;
		waiting += sw->machine.in_state[VISIT_WAITING];
		talking += sw->machine.in_state[VISIT_TALKING];
		queues += HASH_COUNT(sw->tally.queues);
	}
	daemon_describe_feeds(d, stuck, sizeof(stuck));
	snprintf(to, size,
	    "feeds: %zu%s, queues: %zu, waiting: %zu, talking: %zu; "
	    "database: %s",
	    d->app.n_feeds, stuck, queues, waiting, talking, d->app.store_text);
}

static void
daemon_status(void *ctx)
{
	struct daemon *d = ctx;
	char text[800];

	daemon_describe(d, text, sizeof(text));
	notify_send("STATUS=%s", text);
	timer_set(d->status, DAEMON_STATUS_US);
}

static void
daemon_watchdog(void *ctx)
{
	struct daemon *d = ctx;

	notify_send("WATCHDOG=1");
	timer_set(d->watchdog, notify_watchdog_us());
}

/* --- ending ------------------------------------------------------------- */

static void
daemon_end(struct daemon *d, int exit_code)
{
	bool committing = d->mode == DAEMON_RELOADING;

	if (d->mode == DAEMON_ENDING) {
		d->exit_code = RT_MAX(d->exit_code, exit_code);
		return;
	}
	d->mode = DAEMON_ENDING;
	d->exit_code = exit_code;
	notify_send("STOPPING=1");
	fault_point("shutdown");
	if (!committing)
		app_finish(&d->app, DAEMON_FINISH_US, daemon_finished, d);
}

static void
daemon_leave(struct daemon *d, int exit_code)
{
	d->exit_code = exit_code;
	loop_stop(d->loop);
}

static int
daemon_summary(const struct daemon *d)
{
	int64_t ms = (clock_mono_us() - d->started_us) / USEC_PER_MSEC;
	uint64_t records = 0;
	size_t i;

	for (i = 0; i < d->app.n_feeds; i++)
		records += d->app.feeds[i].intake.records;
	printf("ringtallyd: %" PRIu64 " records read, %" PRIu64
	       " visits ended, %" PRIu64 " batches committed in %" PRId64
	       ".%03d s\n",
	    records, d->app.visits, d->app.commits, ms / 1000,
	    (int)(ms % 1000));
	return exit_printed("ringtallyd");
}

/* --- the configuration --------------------------------------------------- */

struct conf *
daemon_conf(const char *path, struct err *err)
{
	struct conf *conf = conf_load(path, err);

	if (conf == NULL)
		return NULL;
	if (conf->feeds == NULL)
		err_set(err, "%s: no feeds: there is nothing to read", path);
	else if (app_check_feeds(conf, false, err) < 0)
		goto failed;
	else if (store_check_conninfo(conf->database.conninfo, err) < 0)
		err_prefix(err, "%s: database.conninfo", conf->conninfo_at);
	else if (conf->live.listen == NULL ||
	    http_check(conf->live.listen, conf->live.token_file, err) == 0)
		return conf;
	else
		err_prefix(err, "%s", conf->listen_at);
failed:
	conf_free(conf);
	return NULL;
}

/* --- reloading ---------------------------------------------------------- */

static const struct app_ops daemon_app_ops;

/* The control socket as configured; -1: all is as it was. */
static int
daemon_listen(struct daemon *d, const struct conf *conf, struct err *err)
{
	if (d->control == NULL)
		return 0;
	return control_listen(
	    d->control, conf->live.control, conf->live.control_group, err);
}

/* Everything is committed: from here on with the new configuration. */
static void
daemon_restart(void *ctx)
{
	struct daemon *d = ctx;
	char *spools = mem_strdup(d->app.conf->spool_folder);
	struct err err;

	if (d->mode == DAEMON_ENDING) { /* told so meanwhile */
		daemon_leave(d, d->exit_code);
		goto out;
	}
	if (d->control != NULL)
		control_set_view(d->control, NULL);
	app_fini(&d->app, "configuration reloaded");
	if (app_init(&d->app, &d->past, d->loop, d->next, d->args->once,
		d->args->give_up, &daemon_app_ops, d, &err) < 0) {
		log_error("%s", err.text);
		d->next = NULL;
		daemon_leave(d, EXIT_FAILED);
		goto out;
	}
	d->next = NULL;
	d->mode = DAEMON_RUNNING;
	if (d->control != NULL)
		control_set_view(d->control, d->app.view);
	app_start(&d->app);
	if (strcmp(spools, d->app.conf->spool_folder) != 0)
		app_spools_look(&d->app, spools);
	log_note("configuration reloaded");
	notify_send("READY=1");
out:
	free(spools);
}

static void
daemon_finished(void *ctx, const char *failed)
{
	struct daemon *d = ctx;

	if (failed != NULL)
		log_warn(
		    "what was not committed will be read again: %s", failed);
	if (d->mode == DAEMON_RELOADING) {
		task_set(d->restart); /* not from within the store's call */
		return;
	}
	if (d->args->once && d->exit_code == EXIT_DONE) {
		if (failed != NULL)
			d->exit_code = EXIT_FAILED;
		else
			d->exit_code = daemon_summary(d);
		if (store_left_undone(d->app.store))
			d->exit_code = EXIT_FAILED;
	}
	daemon_leave(d, d->exit_code);
}

/* A new configuration that will do, or NULL with the reason. */
static struct conf *
daemon_conf_again(struct daemon *d, struct err *err)
{
	struct conf *conf = daemon_conf(d->args->conf_path, err);

	if (conf == NULL)
		return NULL;
	if (app_check(conf, err) == 0 && daemon_listen(d, conf, err) == 0)
		return conf;
	conf_free(conf);
	return NULL;
}

static void
daemon_say_notes(const struct conf *conf)
{
	const struct conf_note *note;

	for (note = conf->notes; note != NULL; note = note->next)
		log_warn("%s", note->text);
}

/* Takes it over, at once or when all is committed. */
static void
daemon_reconfigure(struct daemon *d, struct conf *conf)
{
	const char *why;

	if (d->mode == DAEMON_RELOADING) { /* this one, then, not the last */
		conf_free(d->next);
		d->next = conf;
		return;
	}
	why = conf_needs_restart(d->app.conf, conf);
	if (why == NULL) {
		app_reconfigure(&d->app, conf);
		daemon_say_notes(conf);
		log_note("configuration reloaded");
		notify_send("READY=1");
		return;
	}
	log_note("configuration: %s changed, starting anew with it", why);
	d->next = conf;
	d->mode = DAEMON_RELOADING;
	app_finish(&d->app, DAEMON_FINISH_US, daemon_finished, d);
}

/* For a signal and for the control socket, which hands the reason on. */
static int
daemon_reload(void *ctx, struct err *err)
{
	struct daemon *d = ctx;
	struct conf *conf;

	if (d->mode == DAEMON_ENDING)
		return err_set(err, "the daemon is about to end");
	notify_send("RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_mono_us());
	fault_point("reload");
	conf = daemon_conf_again(d, err);
	if (conf != NULL) {
		daemon_reconfigure(d, conf);
		return 0;
	}
	log_error("%s", err->text);
	log_error("the configuration stays as it was");
	if (d->mode == DAEMON_RUNNING)
		notify_send("READY=1\nSTATUS=reload failed: %s", err->text);
	return -1;
}

static void
daemon_signal(void *ctx, int signo)
{
	struct daemon *d = ctx;
	struct err err;

	if (signo == SIGHUP) {
		daemon_reload(d, &err); /* the log has the reason */
	} else if (d->mode == DAEMON_ENDING) {
		log_note("told to end again: leaving now");
		daemon_leave(d, d->exit_code);
	} else {
		log_note("ending on signal %d", signo);
		daemon_end(d, d->args->once ? EXIT_FAILED : EXIT_DONE);
	}
}

/* --- what the app tells ------------------------------------------------- */

static void
daemon_idle(void *ctx)
{
	struct daemon *d = ctx;

	if (!d->args->once || d->mode != DAEMON_RUNNING ||
	    !app_is_idle(&d->app))
		return;
	app_feeds_finish(&d->app);
	daemon_end(d, EXIT_DONE);
}

/* --once does not wait for ever for a database that is not there. */
static void
daemon_deadline(void *ctx)
{
	struct daemon *d = ctx;

	log_error("giving up: %s", d->app.store_text);
	daemon_leave(d, EXIT_FAILED);
}

static void
daemon_store_state(void *ctx, enum store_state state, const char *text)
{
	struct daemon *d = ctx;

	if (state == STORE_BROKEN)
		log_error("database: %s", text);
	else
		log_limited(&d->limit, LOG_LEVEL_NOTE, "database: %s", text);
	daemon_status(d);
	if (!d->args->once)
		return;
	if (state == STORE_BROKEN)
		timer_set(d->deadline, 0);
	else if (state == STORE_READY)
		timer_unset(d->deadline);
	else if (!timer_is_set(d->deadline))
		timer_set(d->deadline, DAEMON_ONCE_US);
}

static void
daemon_committed(void *ctx, uint64_t number, int64_t lag_us)
{
	(void)ctx;
	log_debug("batch %" PRIu64 " committed, %" PRId64 " ms old", number,
	    lag_us / USEC_PER_MSEC);
}

static void
daemon_fail(void *ctx)
{
	daemon_end(ctx, EXIT_FAILED);
}

static void
daemon_failed(void *ctx, const char *why)
{
	struct daemon *d = ctx;

	log_error("%s", why);
	task_set(d->fail); /* the store and the feeds are in the middle of it */
}

static const struct app_ops daemon_app_ops = {
    .idle = daemon_idle,
    .store_state = daemon_store_state,
    .committed = daemon_committed,
    .failed = daemon_failed,
};

/* --- start -------------------------------------------------------------- */

static void
daemon_open(struct daemon *d)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
	size_t i;

	signal(SIGPIPE, SIG_IGN);
	/* ignored, as some parents leave it, children would be nobody's */
	signal(SIGCHLD, SIG_DFL);
	for (i = 0; i < RT_COUNT(signals); i++)
		loop_signal(d->loop, signals[i], daemon_signal, d);
	d->watchdog = timer_new(d->loop, daemon_watchdog, d);
	d->status = timer_new(d->loop, daemon_status, d);
	d->deadline = timer_new(d->loop, daemon_deadline, d);
	d->restart = task_new(d->loop, daemon_restart, d);
	d->fail = task_new(d->loop, daemon_fail, d);
	if (notify_watchdog_us() > 0)
		timer_set(d->watchdog, notify_watchdog_us());
	timer_set(d->status, DAEMON_STATUS_US);
}

/* Behind app_init: what it answers comes from there. */
static int
daemon_open_control(struct daemon *d, struct err *err)
{
	if (d->args->once)
		return 0;
	d->show = (struct show){.app = &d->app,
	    .conf_path = d->args->conf_path,
	    .started_us = clock_wall_us(),
	    .reload = daemon_reload,
	    .ctx = d};
	d->control = control_new(d->loop, &show_control_ops, &d->show);
	d->show.control = d->control;
	control_set_view(d->control, d->app.view);
	return daemon_listen(d, d->app.conf, err);
}

static void
daemon_close(struct daemon *d)
{
	timer_free(d->watchdog);
	timer_free(d->status);
	timer_free(d->deadline);
	task_free(d->restart);
	task_free(d->fail);
	loop_free(d->loop);
	conf_free(d->next);
}

/* What a feed will tell of is not to be given up. */
static int
daemon_check_give_up(
    const struct daemon_args *args, const struct conf *conf, struct err *err)
{
	const struct conf_feed *feed;

	if (args->give_up == NULL)
		return 0;
	for (feed = conf->feeds; feed != NULL; feed = feed->next)
		if (strcmp(feed->switch_name, args->give_up) == 0)
			return err_set(err,
			    "%s: feed %s tells of switch %s: it is not to be "
			    "given up",
			    feed->where, feed->name, args->give_up);
	return 0;
}

int
daemon_run(const struct daemon_args *args)
{
	struct daemon d = {.args = args,
	    .past.http.started_us = clock_wall_us(),
	    .started_us = clock_mono_us()};
	struct conf *conf;
	struct err err;

	d.loop = loop_new(&err);
	if (d.loop == NULL) {
		log_error("%s", err.text);
		return EXIT_FAILED;
	}
	/* first: a signal that comes meanwhile waits for the loop */
	daemon_open(&d);
	conf = daemon_conf(args->conf_path, &err);
	if (conf == NULL) {
		log_error("%s", err.text);
		d.exit_code = EXIT_CONF;
	} else if (daemon_check_give_up(args, conf, &err) < 0 ||
	    /* that one can not be made, for want of room say, may pass */
	    app_check_callers(conf, false, &err) < 0) {
		log_error("%s", err.text);
		d.exit_code = EXIT_CONF;
		conf_free(conf);
	} else if (app_init(&d.app, &d.past, d.loop, conf, args->once,
		       args->give_up, &daemon_app_ops, &d, &err) < 0 ||
	    daemon_open_control(&d, &err) < 0) {
		log_error("%s", err.text);
		d.exit_code = EXIT_FAILED;
	} else {
		daemon_say_notes(conf);
		app_start(&d.app);
		/* the database may come later */
		notify_send("READY=1");
		loop_run(d.loop);
	}
	control_free(d.control);
	app_fini(&d.app, "the daemon ends");
	app_past_fini(&d.past);
	daemon_close(&d);
	return d.exit_code;
}
