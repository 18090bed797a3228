/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ringtally tally: reads logs and prints the figures. No database, no daemon;
 * the same intake, call machine and tally as theirs.
 */
#include "base/base.h"

#include <getopt.h>
#include <sys/stat.h>

#include "base/utc.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "call/intake.h"
#include "cli/command.h"
#include "cli/feedopts.h"
#include "cli/figures.h"
#include "cli/progress.h"
#include "feed/input.h"
#include "format/formats.h"

#define TALLY_READ	(64 * 1024) /* at once: it stays in the near caches */
#define TALLY_BUFFER	(TALLY_READ + STAGE_RECORD_MAX)
#define TALLY_LOST_US	(21600 * USEC_PER_SEC)
#define TALLY_QUEUES	100000
#define TALLY_AGENTS	100000
#define TALLY_OPEN	4000000
#define TALLY_MINUTES	15
#define TALLY_SHORT_SEC 5

struct tally_run {
	const struct stage *format;
	struct feedopts feed;
	struct figures_request request;
	int64_t interval_us, short_us;
	bool verbose;
	struct tally tally;
	struct machine machine;
	struct intake intake;
	struct counters totals;
};

/* A file to read, and when its first record happened. */
struct tally_file {
	const char *path;
	int64_t first_us;
};

struct tally_peek {
	struct sink sink;
	int64_t first_us;
};

static void
tally_peek_event(struct sink *sink, struct event *ev)
{
	struct tally_peek *peek = (struct tally_peek *)sink;

	if (peek->first_us == INT64_MAX)
		peek->first_us = ev->time_us;
}

/*
 * When the file begins, by its first record that makes sense: rotated pieces
 * come from the shell in the order of their names, and are read in the order
 * of their times. INT64_MAX: nobody knows; it comes last.
 */
static int64_t
tally_first_time(const struct tally_run *run, const char *path)
{
	struct tally_peek peek = {{tally_peek_event, NULL}, INT64_MAX};
	struct framer framer = {.framing = run->format->framing};
	struct stage_setup setup = feedopts_setup(&run->feed, path);
	struct slice record;
	struct err err;
	struct input *in = input_open(path, &err);
	size_t at = 0;
	char *bytes;
	ssize_t n;
	void *self;

	if (in == NULL || run->format->open(&self, &setup, &err) < 0)
		goto out;
	bytes = mem_alloc(STAGE_RECORD_MAX);
	n = input_read(in, bytes, STAGE_RECORD_MAX, &err);
	while (n > 0 && peek.first_us == INT64_MAX &&
	    framer_next(&framer, bytes, (size_t)n, &at, true, &record)) {
		struct record whole = RECORD_OF(record);
		const char *why;

		if (run->feed.feed.envelope != ENVELOPE_SYSLOG ||
		    syslog_unwrap(&whole, &why) == 0)
			(void)run->format->input(
			    self, &whole, &peek.sink, &why);
	}
	free(bytes);
	run->format->close(self, "peeked");
out:
	input_close(in);
	return peek.first_us;
}

static int
tally_compare_files(const void *a, const void *b)
{
	const struct tally_file *fa = a, *fb = b;

	if (fa->first_us != fb->first_us)
		return fa->first_us < fb->first_us ? -1 : 1;
	return fa < fb ? -1 : fa > fb; /* as given */
}

/* What can be read but once, and so must not be looked into beforehand. */
static bool
tally_is_stream(const char *path)
{
	struct stat st;

	return strcmp(path, "-") == 0 ||
	    (stat(path, &st) == 0 && !S_ISREG(st.st_mode));
}

static struct tally_file *
tally_order(const struct tally_run *run, int n, char **paths)
{
	struct tally_file *files = mem_zalloc((size_t)n * sizeof(*files));
	bool streams = false;
	int i;

	for (i = 0; i < n; i++) {
		files[i].path = paths[i];
		streams = streams || tally_is_stream(paths[i]);
	}
	if (n == 1 || streams)
		return files;
	for (i = 0; i < n; i++)
		files[i].first_us = tally_first_time(run, paths[i]);
	qsort(files, (size_t)n, sizeof(*files), tally_compare_files);
	return files;
}

static int
tally_file(struct tally_run *run, const char *path, uint32_t file_no,
    char *buffer, struct err *err)
{
	struct position position = {.file_no = file_no};
	struct progress progress;
	struct input *in = input_open(path, err);
	size_t held = 0;
	int64_t done;
	ssize_t n;

	if (in == NULL)
		return -1;
	snprintf(position.path, sizeof(position.path), "%s", path);
	progress_start(
	    &progress, path, (uint64_t)RT_MAX(input_progress(in, &done), 0));
	while ((n = input_read(in, buffer + held, TALLY_READ, err)) > 0) {
		size_t have = held + (size_t)n;
		size_t taken =
		    intake_bytes(&run->intake, &position, buffer, have, false);

		held = have - taken;
		memmove(buffer, buffer + taken, held);
		position.offset += (int64_t)taken;
		input_progress(in, &done);
		progress_at(&progress, (uint64_t)done);
	}
	if (n == 0)
		intake_bytes(&run->intake, &position, buffer, held, true);
	progress_end(&progress);
	input_close(in);
	return n == 0 ? 0 : -1;
}

static void
tally_add_counters(void *ctx, const struct intake_cell *cell)
{
	struct tally_run *run = ctx;
	int i;

	for (i = 0; i < COUNTERS; i++)
		run->totals.v[i] += cell->counters.v[i];
}

static void
tally_say_name(void *ctx, const struct name_count *name)
{
	const struct tally_run *run = ctx;

	if (name->unknown || run->verbose)
		fprintf(stderr, "  event %s%s: %" PRIu64 "\n", name->name,
		    name->unknown ? " (unknown, kept by name)" : "",
		    name->count);
}

/* What the data was like: what is odd always, all of it with -v. */
static void
tally_say_quality(struct tally_run *run)
{
	static const enum counter odd[] = {COUNTER_rejected, COUNTER_oversize,
	    COUNTER_unknown, COUNTER_late, COUNTER_repeated, COUNTER_capped};
	uint64_t trouble = 0;
	size_t i;

	intake_take(&run->intake, tally_add_counters, run);
	for (i = 0; i < RT_COUNT(odd); i++)
		trouble += run->totals.v[odd[i]];
	if (trouble == 0 && !run->verbose)
		return;
	fprintf(stderr, "data quality:\n");
	for (i = 0; i < COUNTERS; i++)
		if (run->totals.v[i] != 0)
			fprintf(stderr, "  %s: %" PRIu64 "\n",
			    counter_rows[i].name, run->totals.v[i]);
	if (run->machine.in_state[VISIT_EARLY] > 0)
		fprintf(stderr, "  visits whose arrival was never seen: %zu\n",
		    run->machine.in_state[VISIT_EARLY]);
	names_take(&run->intake.names, tally_say_name, run);
}

static int
tally_read(struct tally_run *run, int n, char **paths, struct err *err)
{
	struct tally_file *files = tally_order(run, n, paths);
	char *buffer = mem_alloc(TALLY_BUFFER);
	int i, failed = 0;

	for (i = 0; i < n && failed == 0; i++)
		failed = tally_file(
		    run, files[i].path, (uint32_t)i + 1, buffer, err);
	free(buffer);
	free(files);
	if (failed == 0)
		intake_finish(&run->intake);
	/* who is still logged in was so until now */
	sessions_running(
	    &run->machine.sessions, session_span_book, &run->tally);
	return failed;
}

static int
tally_open(
    struct tally_run *run, const struct stage_setup *setup, struct err *err)
{
	if (intake_init(&run->intake, "tally", 0, run->format, setup,
		&run->machine, err) < 0)
		return -1;
	run->intake.envelope = (enum envelope)run->feed.feed.envelope;
	return 0;
}

static int
tally_run(struct tally_run *run, int n, char **paths)
{
	struct tally_config tally_config = {.interval_us = run->interval_us,
	    .short_abandon_us = run->short_us,
	    .max_queues = TALLY_QUEUES,
	    .max_agents = TALLY_AGENTS,
	    .without_agents = run->request.by != FIGURES_BY_AGENT};
	struct machine_config machine_config = {.lost_after_us = TALLY_LOST_US,
	    .max_open = TALLY_OPEN,
	    .span = session_span_book,
	    .ctx = &run->tally};
	struct stage_setup setup = feedopts_setup(&run->feed, "tally");
	struct err err;
	int code = EXIT_FAILED;

	tally_init(&run->tally, &tally_config);
	machine_init(&run->machine, &machine_config, &run->tally);
	if (tally_open(run, &setup, &err) < 0 ||
	    tally_read(run, n, paths, &err) < 0 ||
	    figures_print(stdout, &run->tally, &run->request, &err) < 0)
		fprintf(stderr, "ringtally tally: %s\n", err.text);
	else
		code = EXIT_DONE;
	tally_say_quality(run);
	intake_fini(&run->intake);
	machine_fini(&run->machine);
	tally_fini(&run->tally);
	return code;
}

/* A whole number of `unit` within 1..max, or -1. */
static int64_t
tally_number(const char *text, int64_t min, int64_t max)
{
	int64_t v;

	if (!slice_uint(slice_of(text), &v) || v < min || v > max)
		return -1;
	return v;
}

static bool
tally_set_interval(struct tally_run *run, const char *text)
{
	int64_t minutes = tally_number(text, 1, 1440);

	if (minutes < 0 || 1440 % minutes != 0)
		return false;
	run->interval_us = minutes * 60 * USEC_PER_SEC;
	return true;
}

static bool
tally_set_short(struct tally_run *run, const char *text)
{
	int64_t seconds = tally_number(text, 0, 3600);

	if (seconds >= 0)
		run->short_us = seconds * USEC_PER_SEC;
	return seconds >= 0;
}

static int
tally_options(struct tally_run *run, int argc, char **argv)
{
	static const struct option longs[] = {
	    {"format", required_argument, NULL, 'f'},
	    {"option", required_argument, NULL, 'O'},
	    {"interval", required_argument, NULL, 'i'},
	    {"by", required_argument, NULL, 'b'},
	    {"output", required_argument, NULL, 'o'},
	    {"short", required_argument, NULL, 's'},
	    {"verbose", no_argument, NULL, 'v'}, {0}};
	int c;

	while (
	    (c = getopt_long(argc, argv, "f:O:i:b:o:s:v", longs, NULL)) != -1)
		switch (c) {
		case 'f':
			run->format = format_find(optarg);
			if (run->format == NULL)
				return command_usage(
				    &command_tally, "no format \"%s\"", optarg);
			break;
		case 'O':
			if (!feedopts_say(&run->feed, optarg))
				return command_usage(
				    &command_tally, "too many -O");
			break;
		case 'i':
			if (!tally_set_interval(run, optarg))
				return command_usage(&command_tally,
				    "-i takes minutes that divide a day");
			break;
		case 'b':
			if (figures_by_parse(optarg, &run->request.by) < 0)
				return command_usage(
				    &command_tally, "no \"--by %s\"", optarg);
			break;
		case 'o':
			c = table_format_parse(optarg);
			if (c < 0)
				return command_usage(&command_tally,
				    "-o takes table, csv or json");
			run->request.format = (enum table_format)c;
			break;
		case 's':
			if (!tally_set_short(run, optarg))
				return command_usage(&command_tally,
				    "--short takes 0 to 3600 seconds");
			break;
		case 'v':
			run->verbose = true;
			break;
		default:
			return command_usage(&command_tally, NULL);
		}
	if (optind == argc)
		return command_usage(&command_tally, "no FILE given");
	return EXIT_DONE;
}

static int
tally_command(const char *conf_path, int argc, char **argv)
{
	struct tally_run run = {.format = &asterisk_queue_log_stage,
	    .interval_us = TALLY_MINUTES * 60 * USEC_PER_SEC,
	    .short_us = TALLY_SHORT_SEC * USEC_PER_SEC};
	struct err err;
	int code;

	(void)conf_path;
	code = tally_options(&run, argc, argv);
	if (code == EXIT_DONE &&
	    feedopts_apply(&run.feed, run.format, &err) < 0)
		code = command_usage(&command_tally, "%s", err.text);
	if (code == EXIT_DONE)
		code = tally_run(&run, argc - optind, argv + optind);
	feedopts_fini(&run.feed);
	return code;
}

const struct command command_tally = {
    .name = "tally",
    .usage = "[-f FORMAT] [-O NAME=VALUE] [-i MINUTES] [--by "
	     "queue|interval|queue-interval|"
	     "agent|total] [-o table|csv|json] [--short SECONDS] [-v] FILE...",
    .help = "read logs and print the figures; no database, no daemon",
    .run = tally_command,
};
