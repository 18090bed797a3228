/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a format makes of its records, for scripts to look at:
 *
 *	events [-n] [-z ZONE] [-o NAME=VALUE]... FORMAT <FILE
 *
 * prints an event a line, its parts separated by tabs: kind, outcome, time and
 * begin in microseconds, call, queue, agent, caller, wait, ring and talk in
 * milliseconds (-1: not told), flags, name, text. A refused record is a line
 * "refused" with the reason. With -n it counts only, to be timed. The format's
 * memory is saved and given to a new instance every 1,000 records.
 */
#include "base/base.h"
#include <err.h>

#include "base/strbuf.h"
#include "event/stage.h"
#include "format/formats.h"

#define EVENTS_SAVE 1000

struct events {
	struct sink sink;
	const struct stage *format;
	struct stage_setup setup;
	void *self;
	bool quiet;
	uint64_t records, refused, events;
};

static void
events_slice(struct slice s)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_add_escaped(&text, s, STAGE_RECORD_MAX);
	printf("\t%s", strbuf_str(&text));
	strbuf_fini(&text);
}

static void
events_event(struct sink *sink, struct event *ev)
{
	struct events *e = (struct events *)sink;

	e->events++;
	if (e->quiet)
		return;
	printf("%s\t%s\t%" PRId64 "\t%" PRId64, event_kind_name(ev->kind),
	    outcome_name(ev->outcome), ev->time_us,
	    ev->kind == EVENT_SUMMARY ? ev->begin_us : 0);
	events_slice(ev->call);
	events_slice(ev->queue);
	events_slice(ev->agent);
	events_slice(ev->caller);
	printf("\t%" PRId64 "\t%" PRId64 "\t%" PRId64 "\t%u", ev->wait_ms,
	    ev->ring_ms, ev->talk_ms, ev->flags);
	events_slice(ev->name);
	events_slice(ev->text);
	putchar('\n');
}

static void
events_open(struct events *e)
{
	struct err err = {.text = ""};

	if (e->format->open(&e->self, &e->setup, &err) < 0)
		errx(1, "%s", err.text);
}

static void
events_restart(struct events *e)
{
	struct strbuf state = STRBUF_INIT;

	e->format->save(e->self, &state);
	if (state.n > STAGE_STATE_MAX)
		errx(1, "%zu bytes are remembered", state.n);
	e->format->close(e->self, "restart");
	events_open(e);
	if (state.n > 0 &&
	    e->format->load(e->self, (struct slice){state.p, state.n}) < 0)
		errx(1, "what was saved is not taken back");
	strbuf_fini(&state);
}

static void
events_read(struct events *e)
{
	char *line = NULL;
	const char *why;
	size_t size = 0;
	ssize_t n;

	while ((n = getline(&line, &size, stdin)) > 0) {
		struct record record = {
		    .bytes = {line, (size_t)n - (line[n - 1] == '\n')}};

		if (e->format->input(e->self, &record, &e->sink, &why) < 0) {
			e->refused++;
			if (!e->quiet)
				printf("refused\t%s\n", why);
		}
		if (++e->records % EVENTS_SAVE == 0 &&
		    e->format->save != NULL && !e->quiet)
			events_restart(e);
	}
	free(line);
}

static void
events_option(const struct stage *format, void *options, char *text)
{
	const struct option_row *row = format->options;
	char *value = strchr(text, '=');
	struct err err = {.text = ""};
	int64_t number;

	if (value == NULL || row == NULL)
		errx(2, "%s: NAME=VALUE", text);
	*value++ = '\0';
	while (row->name != NULL && strcmp(row->name, text) != 0)
		row++;
	if (row->name == NULL)
		errx(2, "%s has no option %s", format->name, text);
	if (row->type == OPTION_BOOL)
		option_set_bool(row, options, strcmp(value, "true") == 0, &err);
	else if (row->type != OPTION_TEXT &&
	    slice_uint(slice_of(value), &number))
		option_set_int(row, options, number, &err);
	else
		option_set_text(row, options, value, &err);
	if (err.text[0] != '\0')
		errx(2, "%s", err.text);
}

int
main(int argc, char **argv)
{
	struct events e = {.sink = {events_event, NULL}};
	char *option[16];
	unsigned i, options = 0;
	void *set;
	int c;

	e.setup.feed = "events";
	while ((c = getopt(argc, argv, "nz:o:")) != -1) {
		if (c == 'n')
			e.quiet = true;
		else if (c == 'z')
			e.setup.timezone = optarg;
		else if (c == 'o' && options < RT_COUNT(option))
			option[options++] = optarg;
		else
			return 2;
	}
	if (optind + 1 != argc ||
	    (e.format = format_find(argv[optind])) == NULL)
		errx(2, "usage: events [-n] [-z ZONE] [-o NAME=VALUE] FORMAT");
	set = mem_zalloc(e.format->options_size + 1);
	option_set_presets(e.format->options, NULL, set);
	for (i = 0; i < options; i++)
		events_option(e.format, set, option[i]);
	e.setup.options = set;
	events_open(&e);
	events_read(&e);
	e.format->close(e.self, "events");
	option_free(e.format->options, NULL, set);
	free(set);
	if (e.quiet)
		printf("%" PRIu64 " records, %" PRIu64 " refused, %" PRIu64
		       " events\n",
		    e.records, e.refused, e.events);
	return 0;
}
