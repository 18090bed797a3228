/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ringtally live: the queues of this second as one table, or the contacts, from
 * the running daemon.
 */
#include "base/base.h"

#include <getopt.h>
#include <poll.h>

#include "base/clock.h"
#include "cli/client.h"
#include "cli/column.h"
#include "cli/command.h"
#include "cli/contacts_table.h"
#include "cli/figures.h"
#include "cli/live_notes.h"
#include "cli/source.h"
#include "cli/table.h"

#define LIVE_TIMEOUT_US (10 * USEC_PER_SEC)
#define LIVE_EVERY_US	USEC_PER_SEC
#define LIVE_CONTACT	256 /* an option that is no letter */

struct live_run {
	struct source source;
	struct client *client;
	enum table_format format;
	bool contact;
	bool watch;
	bool on_terminal;
	bool nothing; /* is known yet, was the last answer */
};

/* --- the table ----------------------------------------------------------- */

static enum table_type
live_type(enum column_kind kind)
{
	switch (kind) {
	case COLUMN_COUNT:
		return TABLE_INT;
	case COLUMN_SECONDS:
	case COLUMN_PERCENT:
		return TABLE_DECIMAL;
	case COLUMN_TEXT:
	case COLUMN_STATUS:
	case COLUMN_YES:
		break;
	}
	return TABLE_TEXT;
}

static void
live_cell(struct table *table, const struct column *column, const json_t *item)
{
	struct column_value value = column_value(column, item);
	enum table_type type = live_type(column->kind);

	if (!value.known || (type == TABLE_TEXT && value.text == NULL))
		table_null(table);
	else if (type == TABLE_INT)
		table_int(table, (int64_t)value.number);
	else if (type == TABLE_DECIMAL)
		table_real(table, value.number);
	else
		table_text(table, value.text);
}

/* Switch and service where a spreadsheet or another program reads it. */
static bool
live_has(const struct live_run *run, const struct column *column)
{
	return column->in_table || run->format != TABLE_PLAIN;
}

static void
live_row(const struct live_run *run, struct table *table,
    const struct columns *columns, const json_t *item)
{
	size_t i;

	for (i = 0; i < columns->n; i++)
		if (live_has(run, &columns->v[i]))
			live_cell(table, &columns->v[i], item);
}

static int
live_print_rows(const struct live_run *run, const json_t *queues, json_t *total,
    struct err *err)
{
	struct table_column heads[COLUMNS_MAX];
	struct columns columns;
	struct table *table;
	size_t n = 0, i;
	json_t *queue;

	columns_of_queues(&columns, total);
	for (i = 0; i < columns.n; i++)
		if (live_has(run, &columns.v[i]))
			heads[n++] = (struct table_column){
			    columns.v[i].name, live_type(columns.v[i].kind), 1};
	table = table_new(stdout, run->format, heads, n);
	json_array_foreach(queues, i, queue)
	    live_row(run, table, &columns, queue);
	if (run->format == TABLE_PLAIN && json_array_size(queues) > 1 &&
	    json_object_set_new(total, "queue", json_string("(total)")) == 0)
		live_row(run, table, &columns, total);
	if (table_end(table, err) < 0)
		return -1;
	if (run->format == TABLE_PLAIN)
		fputs(figures_formulas, stdout);
	return 0;
}

/* Why no queue is there. */
static int
live_no_queue(const struct live_run *run, struct err *err)
{
	const struct source *source = &run->source;

	if (source->n_services == 0)
		return err_set(err, "no queue of that name has been seen yet");
	if (source->n_services == source->n_filters)
		return err_set(
		    err, "no queue of that service has been seen yet");
	return err_set(
	    err, "no queue of that name and service has been seen yet");
}

static int
live_print_contacts(
    const struct live_run *run, struct slice answer, struct err *err)
{
	json_t *document = json_loadb(answer.p, answer.n, 0, NULL);
	int rc = contacts_table(stdout, run->format, document, err);

	json_decref(document);
	return rc;
}

/* What is wrong stands above the figures, and in no file of theirs. */
static int
live_print_table(struct live_run *run, struct slice answer, struct err *err)
{
	json_t *document = json_loadb(answer.p, answer.n, 0, NULL);
	json_t *queues = json_object_get(document, "queues");
	int rc = -1;

	if (!json_is_array(queues)) {
		err_set(err, "the daemon's answer can not be read");
	} else if (live_notes_nothing(document, err)) {
		run->nothing = true;
	} else if (json_array_size(queues) == 0 && run->source.n_filters > 0) {
		live_no_queue(run, err);
	} else {
		fflush(stdout);
		live_notes_print(stderr, document);
		rc = live_print_rows(
		    run, queues, json_object_get(document, "total"), err);
	}
	json_decref(document);
	return rc;
}

static int
live_print(struct live_run *run, struct slice answer, struct err *err)
{
	if (run->format != TABLE_JSON && run->contact)
		return live_print_contacts(run, answer, err);
	if (run->format != TABLE_JSON)
		return live_print_table(run, answer, err);
	printf("%.*s\n", SLICE_FMT(answer));
	if (fflush(stdout) != 0)
		return err_sys(err, "writing the output");
	return 0;
}

/* --- asking -------------------------------------------------------------- */

/* Calls tell of it, and not the database: another question. */
static int
live_print_inferred(struct live_run *run, struct err *err)
{
	struct slice answer;
	json_t *document;
	int rc;

	client_ask(run->client, "show queues");
	if (client_wait(run->client, &answer, LIVE_TIMEOUT_US, err) !=
	    CLIENT_ANSWERED)
		return -1;
	document = json_loadb(answer.p, answer.n, 0, NULL);
	rc = contacts_table_inferred(stdout, document, err);
	json_decref(document);
	return rc;
}

static int
live_once(struct live_run *run, const char *request, struct err *err)
{
	struct slice answer;

	run->nothing = false;
	if (!client_is_open(run->client) &&
	    client_open(run->client, run->source.path, err) < 0)
		return -1;
	client_ask(run->client, request);
	if (client_wait(run->client, &answer, LIVE_TIMEOUT_US, err) !=
	    CLIENT_ANSWERED)
		return -1;
	if (run->on_terminal && run->watch)
		fputs("\033[H\033[J", stdout);
	if (live_print(run, answer, err) < 0)
		return -1;
	return run->contact && run->format == TABLE_PLAIN
	    ? live_print_inferred(run, err)
	    : 0;
}

/*
 * Each second, until it is interrupted or nobody reads it any more. Old
 * figures do not stay on the screen where there are no new ones.
 */
static int
live_watch(struct live_run *run, const char *request, struct err *err)
{
	int64_t next_us = clock_mono_us(), left_us;
	bool first = true;

	for (;;) {
		if (!first && !run->on_terminal && run->format == TABLE_PLAIN)
			putchar('\n');
		if (live_once(run, request, err) < 0) {
			/* A daemon that starts anew knows it in a moment. */
			if (first || (!run->on_terminal && !run->nothing))
				return -1;
			if (run->on_terminal)
				printf("\033[H\033[J%s: trying again\n",
				    err->text);
			else
				fprintf(
				    stderr, "ringtally live: %s\n", err->text);
			fflush(stdout);
		}
		first = false;
		next_us += LIVE_EVERY_US;
		left_us = next_us - clock_mono_us();
		if (left_us > 0)
			poll(NULL, 0, (int)(left_us / USEC_PER_MSEC));
		else
			next_us = clock_mono_us();
	}
}

static int
live_do(struct live_run *run)
{
	struct strbuf request = STRBUF_INIT;
	struct err err;
	int rc;

	run->on_terminal = isatty(STDOUT_FILENO) == 1;
	run->client = client_new();
	if (run->contact)
		strbuf_adds(&request, "show contacts");
	else
		strbuf_addf(&request, "show %s%s",
		    run->format == TABLE_JSON ? "queues" : "snapshot",
		    strbuf_str(&run->source.filters));
	rc = run->watch ? live_watch(run, strbuf_str(&request), &err)
			: live_once(run, strbuf_str(&request), &err);
	client_free(run->client);
	strbuf_fini(&request);
	if (rc == 0)
		return EXIT_DONE;
	fprintf(stderr, "ringtally live: %s\n", err.text);
	return EXIT_FAILED;
}

/* --- the command --------------------------------------------------------- */

static int
live_options(struct live_run *run, int argc, char **argv)
{
	static const struct option longs[] = {
	    {"contact", no_argument, NULL, LIVE_CONTACT},
	    {"json", no_argument, NULL, 'j'},
	    {"output", required_argument, NULL, 'o'},
	    {"queue", required_argument, NULL, 'q'},
	    {"service", required_argument, NULL, 's'},
	    {"socket", required_argument, NULL, 'S'},
	    {"watch", no_argument, NULL, 'w'}, {0}};
	int c, format;

	while ((c = getopt_long(
		    argc, argv, "jo:w" SOURCE_OPTIONS, longs, NULL)) != -1)
		switch (c) {
		case LIVE_CONTACT:
			run->contact = true;
			break;
		case 'j':
			run->format = TABLE_JSON;
			break;
		case 'o':
			format = table_format_parse(optarg);
			if (format < 0)
				return command_usage(&command_live,
				    "-o takes table, csv or json");
			run->format = (enum table_format)format;
			break;
		case 'w':
			run->watch = true;
			break;
		default:
			if (!source_option(&run->source, c, optarg))
				return command_usage(&command_live, NULL);
		}
	if (optind < argc)
		return command_usage(
		    &command_live, "what is \"%s\"?", argv[optind]);
	if (run->contact && run->source.n_filters > 0)
		return command_usage(
		    &command_live, "contacts are of no queue: no -q, no -s");
	return EXIT_DONE;
}

static int
live_command(const char *conf_path, int argc, char **argv)
{
	struct live_run run = {.format = TABLE_PLAIN};
	int code;

	source_init(&run.source);
	code = live_options(&run, argc, argv);
	if (code == EXIT_DONE)
		code = source_find(&run.source, &command_live, conf_path);
	if (code == EXIT_DONE)
		code = live_do(&run);
	source_fini(&run.source);
	return code;
}

const struct command command_live = {
    .name = "live",
    .usage = "[-w] [-q QUEUE] [-s SERVICE] [--contact] [-S SOCKET] "
	     "[-o table|csv|json]",
    .help = "the queues of this second, from the running daemon",
    .run = live_command,
};
