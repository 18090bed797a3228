/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <fnmatch.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "base/zone.h"
#include "conf.h"
#include "conf_read.h"
#include "io/address.h"

static void
conf_free_stage_options(const struct stage *stage, void *options)
{
	if (stage != NULL && options != NULL)
		option_free(stage->options, NULL, options);
	free(options);
}

void
conf_free_feed(struct conf_feed *feed)
{
	conf_free_stage_options(feed->transport, feed->transport_options);
	conf_free_stage_options(feed->format, feed->format_options);
	option_free(conf_options, "feeds", feed);
	free(feed->where);
	free(feed);
}

void
conf_free_service(struct conf_service *service)
{
	option_free(conf_options, "services", service);
	free(service->where);
	free(service);
}

void
conf_free_agent(struct conf_agent *agent)
{
	option_free(conf_options, "agents", agent);
	free(agent);
}

void
conf_free(struct conf *conf)
{
	struct conf_feed *feed;
	struct conf_service *service;
	struct conf_agent *agent;

	if (conf == NULL)
		return;
	while ((feed = conf->feeds) != NULL) {
		conf->feeds = feed->next;
		conf_free_feed(feed);
	}
	while ((service = conf->services) != NULL) {
		conf->services = service->next;
		conf_free_service(service);
	}
	while ((agent = conf->agents) != NULL) {
		conf->agents = agent->next;
		conf_free_agent(agent);
	}
	conf_free_contacts(conf);
	option_free(conf_options, "", conf);
	option_free(conf_options, "database", conf);
	option_free(conf_options, "live", conf);
	option_free(conf_options, "contacts", conf);
	free(conf->conninfo_at);
	free(conf->listen_at);
	free(conf);
}

struct conf *
conf_load(const char *path, struct err *err)
{
	struct conf *conf = mem_zalloc(sizeof(*conf));

	if (conf_read(conf, path, err) < 0) {
		conf_free(conf);
		return NULL;
	}
	if (conf->caller_key_file[0] == '\0') {
		free(conf->caller_key_file);
		conf->caller_key_file = NULL;
	}
	return conf;
}

void
conf_note_add(struct conf *conf, const char *text)
{
	struct conf_note **at = &conf->notes;

	while (*at != NULL)
		at = &(*at)->next;
	*at = mem_zalloc(sizeof(**at));
	(*at)->text = mem_strdup(text);
}

/* The years of which it is asked where a zone's clocks stand. */
#define CONF_YEARS_BACK	 2
#define CONF_YEARS_AHEAD 10

/* Days are made of intervals, which are counted from 1970 in UTC. */
int
conf_check_midnight(const struct conf *conf, struct err *err)
{
	const int64_t year_us = 366 * SEC_PER_DAY * USEC_PER_SEC;
	int64_t now_us = clock_wall_us(), step, most;

	step = zone_step(conf->timezone, now_us - CONF_YEARS_BACK * year_us,
	    now_us + CONF_YEARS_AHEAD * year_us);
	if (step % (conf->interval_minutes * 60) == 0)
		return 0;
	/* Kabul's are 90 minutes, of which an hour must be made, too: 30 */
	most = step / 60;
	while (step / 60 % most != 0 || (most % 60 != 0 && 60 % most != 0))
		most--;
	return err_set(err,
	    "interval_minutes is %" PRId64 "; days of %s begin within such "
	    "intervals, by its distance from UTC: %" PRId64 " is the most",
	    conf->interval_minutes, conf->timezone, most);
}

static const struct conf_service *
conf_service_first(const struct conf *conf, const char *queue)
{
	const struct conf_service *service;
	size_t i;

	for (service = conf->services; service != NULL; service = service->next)
		for (i = 0; service->queues[i] != NULL; i++)
			if (fnmatch(service->queues[i], queue, 0) == 0)
				return service;
	return NULL;
}

/* What an option of its transport says; NULL: nothing, or there is none. */
static const char *
conf_feed_text(const struct conf_feed *feed, const char *name)
{
	const struct option_row *row = feed->transport->options;

	for (; row != NULL && row->name != NULL; row++)
		if (strcmp(row->name, name) == 0 && row->type == OPTION_TEXT)
			return *(char **)((char *)feed->transport_options +
			    row->offset);
	return NULL;
}

/* The same text, or two names of one file (a link, "//", ".."). */
static bool
conf_same_file(const char *a, const char *b)
{
	struct stat x, y;

	if (strcmp(a, b) == 0)
		return true;
	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
	    x.st_ino == y.st_ino;
}

/* Both were checked when they were read. */
static bool
conf_same_place(const char *a, const char *b)
{
	struct address x, y;
	struct err err;

	return a != NULL && b != NULL && address_parse(&x, a, &err) == 0 &&
	    address_parse(&y, b, &err) == 0 && address_overlaps(&x, &y);
}

/* One of two that listen in one place never hears anything. */
static int
conf_check_place(
    const struct conf *conf, const struct conf_feed *feed, struct err *err)
{
	unsigned datagrams = feed->transport->traits & STAGE_DATAGRAMS;
	const char *place = conf_feed_text(feed, "listen");
	const struct conf_feed *other;

	if (!datagrams && conf_same_place(place, conf->live.listen))
		return err_set(err,
		    "feed \"%s\" listens at %s, as live.listen does (%s)",
		    feed->name, place, conf->live.listen);
	for (other = conf->feeds; other != NULL; other = other->next)
		if ((other->transport->traits & STAGE_DATAGRAMS) == datagrams &&
		    conf_same_place(place, conf_feed_text(other, "listen")))
			return err_set(err,
			    "feed \"%s\" listens at %s, as feed \"%s\" at %s "
			    "does",
			    feed->name, place, other->name, other->where);
	return 0;
}

/* A format that logs in has to know how. */
static int
conf_check_login(const struct conf_feed *feed, struct err *err)
{
	const struct dialogue_ops *dialogue = feed->format->dialogue;
	const char *lacks = NULL;

	if (dialogue == NULL || !(feed->transport->traits & STAGE_TWO_WAY))
		return 0;
	if (conf_feed_text(feed, "secret_file") == NULL)
		lacks = "secret_file";
	if (dialogue->wants_user && conf_feed_text(feed, "user") == NULL)
		lacks = "user";
	if (lacks == NULL)
		return 0;
	return err_set(err,
	    "feed \"%s\" has format \"%s\", which logs in: %s is missing",
	    feed->name, feed->format->name, lacks);
}

/* What a transport needs of the daemon, and of the other feeds. */
static int
conf_check_transport(
    const struct conf *conf, const struct conf_feed *feed, struct err *err)
{
	const struct stage *transport = feed->transport;
	const struct conf_feed *other;

	if ((transport->traits & STAGE_POSTED) && conf->live.listen == NULL)
		return err_set(err,
		    "feed \"%s\" has transport \"%s\", which needs "
		    "live.listen: nothing is configured to listen there",
		    feed->name, transport->name);
	if (!(transport->traits & STAGE_ONLY_ONE))
		return 0;
	for (other = conf->feeds; other != NULL; other = other->next)
		if (other->transport == transport)
			return err_set(err,
			    "a second feed with transport \"%s\"; the first "
			    "stands at %s",
			    transport->name, other->where);
	return 0;
}

int
conf_add_feed(struct conf *conf, struct conf_feed *feed, struct err *err)
{
	const char *path = conf_feed_text(feed, "path"), *other_path;
	struct conf_feed **at, *other;
	int same_switch = 0;

	if (conf_check_transport(conf, feed, err) < 0 ||
	    conf_check_place(conf, feed, err) < 0 ||
	    conf_check_login(feed, err) < 0)
		return -1;
	for (at = &conf->feeds; (other = *at) != NULL; at = &other->next) {
		same_switch +=
		    strcmp(other->switch_name, feed->switch_name) == 0;
		if (strcmp(other->name, feed->name) == 0)
			return err_set(err,
			    "a second feed \"%s\"; the first stands at %s",
			    feed->name, other->where);
		other_path = conf_feed_text(other, "path");
		if (path != NULL && other_path != NULL &&
		    conf_same_file(path, other_path))
			return err_set(err,
			    "feed \"%s\" reads %s, the same file as feed "
			    "\"%s\" at %s: its calls would count twice",
			    feed->name, path, other->name, other->where);
	}
	if (same_switch == CONF_FEEDS_PER_SWITCH)
		return err_set(err,
		    "feed \"%s\" is one too many of switch \"%s\": at most %d "
		    "may tell of one",
		    feed->name, feed->switch_name, CONF_FEEDS_PER_SWITCH);
	*at = feed;
	return 0;
}

/* Of a queue that two services name, the first one has all the calls. */
static void
conf_note_queues(struct conf *conf, const struct conf_service *service)
{
	const struct conf_service *first;
	struct strbuf text = STRBUF_INIT;
	char **queue;

	for (queue = service->queues; *queue != NULL; queue++) {
		if (strpbrk(*queue, "*?[\\") != NULL)
			continue;
		first = conf_service_first(conf, *queue);
		if (first == NULL)
			continue;
		strbuf_reset(&text);
		strbuf_addf(&text,
		    "%s: the queue \"%s\" is of the service \"%s\" at %s, "
		    "which comes first, and not of \"%s\"",
		    service->where, *queue, first->name, first->where,
		    service->name);
		conf_note_add(conf, strbuf_str(&text));
	}
	strbuf_fini(&text);
}

int
conf_add_service(
    struct conf *conf, struct conf_service *service, struct err *err)
{
	struct conf_service **at;

	if (service->target.amber_pct > service->target.pct)
		return err_set(
		    err, "amber_pct is above pct: nothing could be amber");
	for (at = &conf->services; *at != NULL; at = &(*at)->next)
		if (strcmp((*at)->name, service->name) == 0)
			return err_set(err,
			    "a second service \"%s\"; the first stands at %s",
			    service->name, (*at)->where);
	conf_note_queues(conf, service);
	*at = service;
	return 0;
}

static bool
conf_agent_has(const struct conf_agent *agent, const char *name)
{
	size_t i;

	for (i = 0; agent->aliases[i] != NULL; i++)
		if (strcmp(agent->aliases[i], name) == 0)
			return true;
	return strcmp(agent->name, name) == 0;
}

const char *
conf_agent_called(const struct conf *conf, struct slice name)
{
	const struct conf_agent *agent;
	char **alias;

	for (agent = conf->agents; agent != NULL; agent = agent->next)
		for (alias = agent->aliases; *alias != NULL; alias++)
			if (slice_eq(slice_of(*alias), name))
				return agent->name;
	return NULL;
}

int
conf_add_agent(struct conf *conf, struct conf_agent *agent, struct err *err)
{
	struct conf_agent **at;
	size_t i;

	for (at = &conf->agents; *at != NULL; at = &(*at)->next) {
		if (conf_agent_has(*at, agent->name))
			return err_set(err, "\"%s\" is agent \"%s\" already",
			    agent->name, (*at)->name);
		for (i = 0; agent->aliases[i] != NULL; i++)
			if (conf_agent_has(*at, agent->aliases[i]))
				return err_set(err,
				    "\"%s\" is agent \"%s\" already",
				    agent->aliases[i], (*at)->name);
	}
	*at = agent;
	return 0;
}

/* The first row of a group that differs and needs a restart, or NULL. */
static const char *
conf_rows_need_restart(const struct option_row *rows, const char *group,
    const void *old, const void *new_)
{
	const struct option_row *row;

	for (row = rows; row != NULL && row->name != NULL; row++)
		if (!row->on_reload && option_in_group(row, group) &&
		    !option_same(row, old, new_))
			return row->name;
	return NULL;
}

static bool
conf_feeds_need_restart(const struct conf_feed *a, const struct conf_feed *b)
{
	for (; a != NULL && b != NULL; a = a->next, b = b->next)
		if (conf_rows_need_restart(conf_options, "feeds", a, b) ||
		    conf_rows_need_restart(a->transport->options, NULL,
			a->transport_options, b->transport_options) ||
		    conf_rows_need_restart(a->format->options, NULL,
			a->format_options, b->format_options))
			return true;
	return a != b;
}

static bool
conf_agents_need_restart(const struct conf_agent *a, const struct conf_agent *b)
{
	for (; a != NULL && b != NULL; a = a->next, b = b->next)
		if (conf_rows_need_restart(conf_options, "agents", a, b))
			return true;
	return a != b;
}

const char *
conf_needs_restart(const struct conf *old, const struct conf *new_)
{
	static const char *const groups[] = {
	    "", "database", "live", "contacts"};
	const char *name;
	size_t i;

	for (i = 0; i < RT_COUNT(groups); i++) {
		name =
		    conf_rows_need_restart(conf_options, groups[i], old, new_);
		if (name != NULL)
			return name;
	}
	if (conf_feeds_need_restart(old->feeds, new_->feeds))
		return "feeds";
	if (conf_agents_need_restart(old->agents, new_->agents))
		return "agents";
	return NULL;
}

static void
conf_add_threshold(struct option_ints *to, int64_t s)
{
	int i = 0, after;

	while (i < to->n && to->v[i] < s)
		i++;
	if (to->n == OPTION_INTS_MAX || (i < to->n && to->v[i] == s))
		return;
	for (after = to->n++; after > i; after--)
		to->v[after] = to->v[after - 1];
	to->v[i] = s;
}

void
conf_thresholds(const struct conf *conf, struct option_ints *to)
{
	const struct conf_service *service;

	*to = conf->thresholds_s;
	for (service = conf->services; service != NULL; service = service->next)
		if (service->target.within_s != 0)
			conf_add_threshold(to, service->target.within_s);
}

const char *
conf_service_of(const struct conf *conf, const char *queue)
{
	const struct conf_service *service = conf_service_first(conf, queue);

	return service != NULL ? service->name : NULL;
}
