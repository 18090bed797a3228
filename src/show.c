/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <malloc.h>

#include "app.h"
#include "base/clock.h"
#include "base/strbuf.h"
#include "serve/json.h"
#include "serve/view.h"
#include "show.h"

_Static_assert(REQUEST_HASH_BYTES == CALL_CALLER_BYTES, "the same hash");

static void
show_count(struct strbuf *to, const char *key, uint64_t n)
{
	json_put_int(to, key, (int64_t)RT_MIN(n, (uint64_t)INT64_MAX));
}

/* --- the configuration --------------------------------------------------- */

static void
show_texts(struct strbuf *to, const char *key, char *const *texts)
{
	json_put_array(to, key);
	for (; texts != NULL && *texts != NULL; texts++)
		json_put_string(to, NULL, *texts);
	json_end_array(to);
}

static void
show_ints(struct strbuf *to, const char *key, const struct option_ints *ints)
{
	int i;

	json_put_array(to, key);
	for (i = 0; i < ints->n; i++)
		json_put_int(to, NULL, ints->v[i]);
	json_end_array(to);
}

static void
show_text(struct strbuf *to, const struct option_row *row, const char *text)
{
	struct strbuf shown = STRBUF_INIT;

	/* a string with which libpq connects may hold a password */
	if (text != NULL && strcmp(row->name, "conninfo") == 0) {
		store_show_conninfo(text, &shown);
		text = strbuf_str(&shown);
	}
	json_put_string(to, row->name, text);
	strbuf_fini(&shown);
}

static void
show_option(struct strbuf *to, const struct option_row *row, const void *at)
{
	switch (row->type) {
	case OPTION_TEXT:
		show_text(to, row, *(char *const *)at);
		break;
	case OPTION_TEXTS:
		show_texts(to, row->name, *(char **const *)at);
		break;
	case OPTION_INT:
		json_put_int(to, row->name, *(const int64_t *)at);
		break;
	case OPTION_REAL:
		json_put_number(to, row->name, *(const double *)at);
		break;
	case OPTION_SECS:
		json_put_seconds(to, row->name, *(const int64_t *)at);
		break;
	case OPTION_BOOL:
		json_put_bool(to, row->name, *(const bool *)at);
		break;
	case OPTION_INTS:
		show_ints(to, row->name, at);
		break;
	case OPTION_CHOICE:
		json_put_string(to, row->name, row->choices[*(const int *)at]);
		break;
	}
}

/* The rows of a group (NULL: of the table); rows and target may be NULL. */
static void
show_options(struct strbuf *to, const struct option_row *rows,
    const char *group, const void *target)
{
	const struct option_row *row;

	for (row = rows; row != NULL && row->name != NULL; row++)
		if (target != NULL && option_in_group(row, group))
			show_option(
			    to, row, (const char *)target + row->offset);
}

static void
show_group(struct strbuf *to, const char *group, const void *target)
{
	json_put_object(to, group);
	show_options(to, conf_options, group, target);
	json_end_object(to);
}

static void
show_feeds(struct strbuf *to, const struct conf_feed *feed)
{
	json_put_array(to, "feeds");
	for (; feed != NULL; feed = feed->next) {
		json_put_object(to, NULL);
		show_options(to, conf_options, "feeds", feed);
		show_options(to, feed->transport->options, NULL,
		    feed->transport_options);
		show_options(
		    to, feed->format->options, NULL, feed->format_options);
		json_end_object(to);
	}
	json_end_array(to);
}

static void
show_services(struct strbuf *to, const struct conf_service *service)
{
	json_put_array(to, "services");
	for (; service != NULL; service = service->next) {
		json_put_object(to, NULL);
		show_options(to, conf_options, "services", service);
		if (service->target.within_s != 0) {
			json_put_object(to, "target");
			show_options(to, conf_options, "services.target",
			    &service->target);
			json_end_object(to);
		}
		json_end_object(to);
	}
	json_end_array(to);
}

static void
show_agents(struct strbuf *to, const struct conf_agent *agent)
{
	json_put_array(to, "agents");
	for (; agent != NULL; agent = agent->next) {
		json_put_object(to, NULL);
		show_options(to, conf_options, "agents", agent);
		json_end_object(to);
	}
	json_end_array(to);
}

static void
show_contacts(struct strbuf *to, const struct conf *conf)
{
	const struct conf_contact *row;
	int i;

	json_put_object(to, "contacts");
	show_options(to, conf_options, "contacts", conf);
	for (i = 0; i < CONF_CONTACT_LISTS; i++) {
		enum conf_contact_list list = (enum conf_contact_list)i;

		json_put_array(to, conf_contact_list_name(list));
		for (row = conf->contacts.lists[i]; row != NULL;
		     row = row->next) {
			json_put_object(to, NULL);
			show_options(
			    to, conf_options, conf_contact_group(list), row);
			json_end_object(to);
		}
		json_end_array(to);
	}
	json_end_object(to);
}

void
show_conf(struct strbuf *to, const char *key, const struct conf *conf)
{
	json_put_object(to, key);
	show_options(to, conf_options, "", conf);
	show_group(to, "database", conf);
	show_group(to, "live", conf);
	show_contacts(to, conf);
	show_services(to, conf->services);
	show_feeds(to, conf->feeds);
	show_agents(to, conf->agents);
	json_end_object(to);
}

static void
show_config(void *ctx, struct strbuf *to)
{
	const struct show *show = ctx;

	json_put_object(to, NULL);
	json_put_string(to, "path", show->conf_path);
	show_conf(to, "config", show->app->conf);
	json_end_object(to);
}

/* --- memory -------------------------------------------------------------- */

/* Of this process, as the kernel counts it; 0: it does not say. */
static uint64_t
show_resident(void)
{
	FILE *from = fopen("/proc/self/statm", "re");
	uint64_t pages;

	if (from == NULL)
		return 0;
	if (fscanf(from, "%*u %" SCNu64, &pages) != 1)
		pages = 0;
	fclose(from);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void
show_switch_memory(struct strbuf *to, const struct app_switch *sw)
{
	json_put_object(to, NULL);
	json_put_string(to, "switch", sw->name);
	show_count(to, "queues", HASH_COUNT(sw->tally.queues));
	show_count(to, "agents", sw->tally.agents.used);
	show_count(to, "intervals", sw->tally.n_cells);
	show_count(to, "agent_intervals", sw->tally.n_agent_cells);
	show_count(to, "calls", sw->machine.calls.used);
	show_count(to, "visits", sw->machine.visit_pool.used);
	json_end_object(to);
}

static void
show_memory(void *ctx, struct strbuf *to)
{
	const struct show *show = ctx;
	struct mallinfo2 heap = mallinfo2();
	size_t i;

	json_put_object(to, NULL);
	show_count(to, "resident_bytes", show_resident());
	show_count(to, "heap_bytes", heap.arena + heap.hblkhd);
	show_count(to, "heap_used_bytes", heap.uordblks + heap.hblkhd);
	json_put_array(to, "switches");
	for (i = 0; i < show->app->n_switches; i++)
		if (show->app->switches[i].live)
			show_switch_memory(to, &show->app->switches[i]);
	json_end_array(to);
	json_end_object(to);
}

/* --- counters ------------------------------------------------------------ */

static void
show_feed_counters(struct strbuf *to, const struct app *app, size_t i)
{
	struct view_feed_now now;
	size_t j;

	view_feed_now(app->view, i, clock_wall_us(), &now);
	json_put_object(to, NULL);
	json_put_string(to, "feed", app->feeds[i].conf->name);
	for (j = 0; j < COUNTERS; j++)
		show_count(to, counter_rows[j].name, now.counters.v[j]);
	json_end_object(to);
}

static void
show_control_counters(struct strbuf *to, const struct control *control)
{
	struct control_counters counters;

	control_count(control, &counters);
	json_put_object(to, "control");
	show_count(to, "clients", counters.clients);
	show_count(to, "clients_now", counters.now);
	show_count(to, "refused", counters.refused);
	show_count(to, "requests", counters.requests);
	show_count(to, "errors", counters.errors);
	show_count(to, "dropped", counters.dropped);
	json_end_object(to);
}

static void
show_counters(void *ctx, struct strbuf *to)
{
	const struct show *show = ctx;
	const struct app *app = show->app;
	size_t i;

	json_put_object(to, NULL);
	json_put_array(to, "feeds");
	for (i = 0; i < app->n_feeds; i++)
		show_feed_counters(to, app, i);
	json_end_array(to);
	show_count(to, "visits_ended", app->visits);
	show_count(to, "batches_committed", app->commits);
	show_control_counters(to, show->control);
	json_end_object(to);
}

/* --- what it is ---------------------------------------------------------- */

static void
show_version(void *ctx, struct strbuf *to)
{
	const struct show *show = ctx;
	int64_t up_us = clock_wall_us() - show->started_us;

	json_put_object(to, NULL);
	json_put_string(to, "version", PACKAGE_VERSION);
	json_put_string(to, "site", show->app->conf->site);
	json_put_int(to, "pid", getpid());
	json_put_time(to, "started_at", show->started_us);
	json_put_seconds(to, "up_s", RT_MAX(up_us, INT64_C(0)));
	json_end_object(to);
}

static const struct control_row show_rows[] = {
    {"config", show_config},
    {"counters", show_counters},
    {"memory", show_memory},
    {"version", show_version},
    {NULL, NULL},
};

static int
show_reload(void *ctx, struct err *err)
{
	const struct show *show = ctx;

	return show->reload(show->ctx, err);
}

/* Each feed in whose spool something stands, and since when. */
static void
show_spools(const struct app *app, struct strbuf *to)
{
	int64_t now_us = clock_wall_us();
	struct stage_status status;
	size_t i;

	json_put_array(to, "spools");
	for (i = 0; i < app->n_feeds; i++) {
		const struct app_feed *feed = &app->feeds[i];

		if (!app_feed_status(&app->feeds[i], &status) ||
		    status.spool_since_us == 0)
			continue;
		json_put_object(to, NULL);
		json_put_string(to, "feed", feed->conf->name);
		json_put_int(to, "age_ms",
		    RT_MAX(now_us - status.spool_since_us, INT64_C(0)) /
			USEC_PER_MSEC);
		json_end_object(to);
	}
	json_end_array(to);
}

/*
 * What is pending was cut before: whoever erases must wait for its commit. So
 * it must for what is being loaded: it was read before, and is not there yet;
 * and for what stands in a spool.
 */
static void
show_forget(void *ctx, const uint8_t (*hashes)[REQUEST_HASH_BYTES], size_t n,
    struct strbuf *to)
{
	const struct show *show = ctx;
	struct app_forgotten forgotten;
	size_t pending;

	app_forget(show->app, hashes, n, &forgotten);
	pending = store_pending(show->app->store);
	if (!show->app->loaded)
		pending = RT_MAX(pending, (size_t)1);
	json_put_object(to, NULL);
	show_count(to, "visits", forgotten.visits);
	show_count(to, "callbacks", forgotten.callbacks);
	show_count(to, "pending_bytes", pending);
	show_count(to, "batches_committed", show->app->commits);
	show_spools(show->app, to);
	json_end_object(to);
}

const struct control_ops show_control_ops = {
    .rows = show_rows, .reload = show_reload, .forget = show_forget};
