/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ringtally feeds: where each feed stands, what it read, refused, found late
 * and lost, and which events it tells. From the database, so it works from any
 * host and with the daemon stopped.
 */
#include "base/base.h"

#include <getopt.h>
#include <sys/stat.h>

#include "cli/command.h"
#include "cli/table.h"
#include "conf.h"
#include "store/query.h"

struct feeds_run {
	const char *conninfo; /* NULL: from the configuration */
	const char *site;     /* NULL: all */
	enum table_format format;
	bool all; /* columns, in a table for people */
	bool events;
	struct table *table;
	bool troubled; /* a feed can not go on, or is not connected */
	bool shown[COUNTERS];
};

/* How many bytes of its file are not yet in the figures; -1: not known. */
static int64_t
feeds_behind(const struct query_feed *feed)
{
	size_t n = strlen(feed->path);
	int64_t size = feed->size_seen;
	struct stat st;

	/* the size of a compressed file says nothing */
	if (n == 0 || (n > 3 && strcmp(feed->path + n - 3, ".gz") == 0))
		return -1;
	/* where the file is at hand, its size now, read or not */
	if (stat(feed->path, &st) == 0 && (int64_t)st.st_dev == feed->device &&
	    (int64_t)st.st_ino == feed->inode)
		size = st.st_size;
	return size >= feed->offset ? size - feed->offset : -1;
}

static void
feeds_add_time(struct table *table, int64_t time_us)
{
	if (time_us == QUERY_NO_TIME)
		table_null(table);
	else
		table_time(table, time_us);
}

static void
feeds_fill_site(struct table *table, const struct query_feed *feed)
{
	table_text(table, feed->site);
}

static void
feeds_fill_feed(struct table *table, const struct query_feed *feed)
{
	table_text(table, feed->name);
}

static void
feeds_fill_switch(struct table *table, const struct query_feed *feed)
{
	table_text(table, feed->switch_name);
}

static void
feeds_fill_transport(struct table *table, const struct query_feed *feed)
{
	table_text(table, feed->transport);
}

static void
feeds_fill_format(struct table *table, const struct query_feed *feed)
{
	table_text(table, feed->format);
}

static void
feeds_fill_path(struct table *table, const struct query_feed *feed)
{
	table_text(table, feed->path[0] != '\0' ? feed->path : NULL);
}

static void
feeds_fill_file_no(struct table *table, const struct query_feed *feed)
{
	table_int(table, feed->file_no);
}

static void
feeds_fill_offset(struct table *table, const struct query_feed *feed)
{
	table_int(table, feed->offset);
}

static void
feeds_fill_behind(struct table *table, const struct query_feed *feed)
{
	int64_t behind = feeds_behind(feed);

	if (behind < 0)
		table_null(table);
	else
		table_int(table, behind);
}

static void
feeds_fill_last_event(struct table *table, const struct query_feed *feed)
{
	feeds_add_time(table, feed->last_event_us);
}

/* From the newest event to the server's present second. */
static void
feeds_fill_lag(struct table *table, const struct query_feed *feed)
{
	if (feed->last_event_us == QUERY_NO_TIME)
		table_null(table);
	else
		table_ms(table, (feed->now_us - feed->last_event_us) / 1000);
}

static void
feeds_fill_updated(struct table *table, const struct query_feed *feed)
{
	feeds_add_time(table, feed->updated_us);
}

static void
feeds_fill_written(struct table *table, const struct query_feed *feed)
{
	feeds_add_time(table, feed->renewed_us);
}

static void
feeds_fill_writer(struct table *table, const struct query_feed *feed)
{
	if (feed->renewed_us == QUERY_NO_TIME)
		table_null(table);
	else
		table_text(table, feed->released ? "stopped" : feed->holder);
}

static void
feeds_fill_guarantee(struct table *table, const struct query_feed *feed)
{
	table_text(table, feed->guarantee[0] != '\0' ? feed->guarantee : NULL);
}

/* Nobody is connected for a daemon that has ended, whatever it said last. */
static void
feeds_fill_connection(struct table *table, const struct query_feed *feed)
{
	if (!feed->connects || feed->renewed_us == QUERY_NO_TIME ||
	    feed->released)
		table_null(table);
	else
		table_text(table, feed->connected ? "up" : "down");
}

static void
feeds_fill_connected(struct table *table, const struct query_feed *feed)
{
	if (feed->connects && feed->connected)
		feeds_add_time(table, feed->connected_us);
	else
		table_null(table);
}

static void
feeds_fill_status(struct table *table, const struct query_feed *feed)
{
	table_text(table, feed->status[0] != '\0' ? feed->status : NULL);
}

static void
feeds_fill_spool(struct table *table, const struct query_feed *feed)
{
	table_int(table, feed->spool_bytes);
}

/* Records a second, of the last hour. */
static void
feeds_fill_rate(struct table *table, const struct query_feed *feed)
{
	table_ms(table, feed->records_of_hour * 1000 / 3600);
}

/* The counters follow behind these. */
static const struct feeds_column {
	struct table_column head;
	void (*fill)(struct table *table, const struct query_feed *feed);
	bool plain; /* shown to people without -a, too */
} feeds_columns[] = {
    {{"feed", TABLE_TEXT, 0}, feeds_fill_feed, true},
    {{"switch", TABLE_TEXT, 0}, feeds_fill_switch, true},
    {{"site", TABLE_TEXT, 0}, feeds_fill_site, false},
    {{"transport", TABLE_TEXT, 0}, feeds_fill_transport, false},
    {{"format", TABLE_TEXT, 0}, feeds_fill_format, false},
    {{"writer", TABLE_TEXT, 0}, feeds_fill_writer, true},
    {{"connection", TABLE_TEXT, 0}, feeds_fill_connection, true},
    {{"written_at", TABLE_TIME, 0}, feeds_fill_written, false},
    {{"path", TABLE_TEXT, 0}, feeds_fill_path, true},
    {{"file_no", TABLE_INT, 0}, feeds_fill_file_no, false},
    {{"file_offset", TABLE_INT, 0}, feeds_fill_offset, true},
    {{"behind_bytes", TABLE_INT, 0}, feeds_fill_behind, true},
    {{"last_event_at", TABLE_TIME, 0}, feeds_fill_last_event, true},
    {{"lag_s", TABLE_DECIMAL, 0}, feeds_fill_lag, true},
    {{"updated_at", TABLE_TIME, 0}, feeds_fill_updated, false},
    {{"guarantee", TABLE_TEXT, 0}, feeds_fill_guarantee, true},
    {{"connected_at", TABLE_TIME, 0}, feeds_fill_connected, false},
    {{"status", TABLE_TEXT, 0}, feeds_fill_status, false},
    {{"spool_bytes", TABLE_INT, 0}, feeds_fill_spool, false},
    {{"records_per_s", TABLE_DECIMAL, 0}, feeds_fill_rate, true},
};

#define FEEDS_COLUMNS RT_COUNT(feeds_columns)

static bool
feeds_shows(const struct feeds_run *run, bool plain)
{
	return plain || run->all || run->format != TABLE_PLAIN;
}

static bool
feeds_shows_column(const struct feeds_run *run, const struct feeds_column *c)
{
	/* which site it is matters where there may be several */
	return feeds_shows(run,
	    c->plain || (run->site == NULL && c->fill == feeds_fill_site) ||
		(run->troubled && c->fill == feeds_fill_status));
}

static void
feeds_print_feed(void *ctx, const struct query_feed *feed)
{
	struct feeds_run *run = ctx;
	size_t i;

	for (i = 0; i < FEEDS_COLUMNS; i++)
		if (feeds_shows_column(run, &feeds_columns[i]))
			feeds_columns[i].fill(run->table, feed);
	for (i = 0; i < COUNTERS; i++)
		if (run->shown[i])
			table_int(run->table, feed->counters[i]);
}

/* People see the counters that are not 0 everywhere, and how much was read. */
static void
feeds_look(void *ctx, const struct query_feed *feed)
{
	struct feeds_run *run = ctx;
	size_t i;

	run->troubled |= feed->connects && !feed->connected;
	for (i = 0; i < COUNTERS; i++)
		if (feed->counters[i] != 0)
			run->shown[i] = true;
}

static int
feeds_print(struct feeds_run *run, struct err *err)
{
	struct table_column heads[FEEDS_COLUMNS + COUNTERS];
	size_t n = 0, i;
	int rc;

	for (i = 0; i < COUNTERS; i++)
		run->shown[i] = feeds_shows(run, i == COUNTER_records);
	if (query_feeds(run->conninfo, run->site, feeds_look, run, err) < 0)
		return -1;
	for (i = 0; i < FEEDS_COLUMNS; i++)
		if (feeds_shows_column(run, &feeds_columns[i]))
			heads[n++] = feeds_columns[i].head;
	for (i = 0; i < COUNTERS; i++)
		if (run->shown[i])
			heads[n++] = (struct table_column){
			    counter_rows[i].name, TABLE_INT, 0};
	run->table = table_new(stdout, run->format, heads, n);
	rc = query_feeds(run->conninfo, run->site, feeds_print_feed, run, err);
	return table_end(run->table, rc < 0 ? NULL : err) < 0 ? -1 : rc;
}

static void
feeds_print_event(void *ctx, const struct query_event *event)
{
	struct feeds_run *run = ctx;

	if (feeds_shows(run, run->site == NULL))
		table_text(run->table, event->site);
	table_text(run->table, event->feed);
	table_text(run->table, event->name);
	table_int(run->table, event->count);
	table_text(run->table, event->unknown ? "unknown" : "known");
	feeds_add_time(run->table, event->last_us);
}

static int
feeds_print_events(struct feeds_run *run, struct err *err)
{
	static const struct table_column heads[] = {{"site", TABLE_TEXT, 0},
	    {"feed", TABLE_TEXT, 0}, {"event", TABLE_TEXT, 0},
	    {"count", TABLE_INT, 0}, {"is", TABLE_TEXT, 0},
	    {"last_at", TABLE_TIME, 0}};
	size_t skip = feeds_shows(run, run->site == NULL) ? 0 : 1;
	int rc;

	run->table = table_new(
	    stdout, run->format, heads + skip, RT_COUNT(heads) - skip);
	rc =
	    query_events(run->conninfo, run->site, feeds_print_event, run, err);
	return table_end(run->table, rc < 0 ? NULL : err) < 0 ? -1 : rc;
}

static int
feeds_options(struct feeds_run *run, int argc, char **argv)
{
	static const struct option longs[] = {{"all", no_argument, NULL, 'a'},
	    {"conninfo", required_argument, NULL, 'C'},
	    {"events", no_argument, NULL, 'e'},
	    {"output", required_argument, NULL, 'o'}, {0}};
	int c, format;

	while ((c = getopt_long(argc, argv, "aC:eo:", longs, NULL)) != -1)
		switch (c) {
		case 'a':
			run->all = true;
			break;
		case 'C':
			run->conninfo = optarg;
			break;
		case 'e':
			run->events = true;
			break;
		case 'o':
			format = table_format_parse(optarg);
			if (format < 0)
				return command_usage(&command_feeds,
				    "-o takes table, csv or json");
			run->format = (enum table_format)format;
			break;
		default:
			return command_usage(&command_feeds, NULL);
		}
	if (optind < argc)
		return command_usage(
		    &command_feeds, "what is \"%s\"?", argv[optind]);
	return EXIT_DONE;
}

static int
feeds_do(struct feeds_run *run)
{
	struct err err;
	int rc = run->events ? feeds_print_events(run, &err)
			     : feeds_print(run, &err);

	if (rc == 0)
		return EXIT_DONE;
	fprintf(stderr, "ringtally feeds: %s\n", err.text);
	return EXIT_FAILED;
}

static int
feeds_command(const char *conf_path, int argc, char **argv)
{
	struct feeds_run run = {.format = TABLE_PLAIN};
	struct conf *conf = NULL;
	int code = feeds_options(&run, argc, argv);

	if (code == EXIT_DONE && run.conninfo == NULL) {
		code = command_conf(conf_path, &conf);
		if (code == EXIT_DONE) {
			run.conninfo = conf->database.conninfo;
			run.site = conf->site;
		}
	}
	if (code == EXIT_DONE)
		code = feeds_do(&run);
	conf_free(conf);
	return code;
}

const struct command command_feeds = {
    .name = "feeds",
    .usage = "[-C CONNINFO] [-e] [-a] [-o table|csv|json]",
    .help = "where each feed stands, and what it read, refused and lost",
    .run = feeds_command,
};
