/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ringtally contacts list: opens a figure to the contacts that it was made of.
 * Neither customers nor numbers are among what it can see.
 */
#include "base/base.h"

#include <getopt.h>

#include "base/clock.h"
#include "base/timefmt.h"
#include "base/zone.h"
#include "cli/contacts.h"
#include "cli/table.h"
#include "store/contacts.h"
#include "store/query.h"

struct list_run {
	const char *conninfo; /* NULL: the configuration's */
	const char *from, *to;
	struct contacts_filter filter;
	enum table_format format;
	struct conf *conf;
	struct table *table;
};

/* In the order of enum contacts_cell. */
static const struct table_column list_columns[] = {
    [CONTACTS_CELL_REF] = {"ref", TABLE_TEXT, 0},
    [CONTACTS_CELL_AT] = {"contact_at", TABLE_TIME, 0},
    [CONTACTS_CELL_CHANNEL] = {"channel", TABLE_TEXT, 0},
    [CONTACTS_CELL_SERVICE] = {"service", TABLE_TEXT, 0},
    [CONTACTS_CELL_CATEGORY] = {"category", TABLE_TEXT, 0},
    [CONTACTS_CELL_ASSESSED] = {"assessed", TABLE_TEXT, 0},
    [CONTACTS_CELL_REQUEST] = {"request", TABLE_TEXT, 0},
    [CONTACTS_CELL_RESOLVED] = {"resolved", TABLE_TEXT, 0},
    [CONTACTS_CELL_SOURCE] = {"source", TABLE_TEXT, 0},
    [CONTACTS_CELL_ASSESSED_BY] = {"assessed_by", TABLE_TEXT, 0},
    [CONTACTS_CELL_SWITCH] = {"switch", TABLE_TEXT, 0},
    [CONTACTS_CELL_CALL_ID] = {"call_id", TABLE_TEXT, 0},
    [CONTACTS_CELL_JOINED_BY] = {"joined_by", TABLE_TEXT, 0},
    [CONTACTS_CELL_EXCLUDED] = {"excluded", TABLE_TEXT, 0},
};

_Static_assert(RT_COUNT(list_columns) == CONTACTS_CELLS, "a column for each");

static void
list_row(void *ctx, const char *const *cells)
{
	struct list_run *run = ctx;
	int i;

	for (i = 0; i < CONTACTS_CELLS; i++)
		if (i == CONTACTS_CELL_AT)
			table_time(run->table, strtoll(cells[i], NULL, 10));
		else
			table_text(run->table, cells[i]);
}

/* A time of the site; `end`: of a day, the moment when it is over. */
static int
list_time(const struct list_run *run, const char *text, bool end, int64_t *us,
    struct err *err)
{
	struct timefmt times = {.n = 0};
	const char *why = NULL;
	int rc = timefmt_set_zone(&times, run->conf->timezone, err);

	if (rc == 0 &&
	    timefmt_read(&times, slice_of(text), us, &why) != TIMEFMT_READ)
		rc = err_set(err, "\"%s\": %s", text, why);
	if (rc == 0 && end && strlen(text) == strlen("2026-11-23"))
		*us = zone_day_next(*us);
	timefmt_fini(&times);
	return rc;
}

static int
list_find_times(struct list_run *run, struct err *err)
{
	struct contacts_filter *filter = &run->filter;

	zone_set(run->conf->timezone);
	filter->to_us = QUERY_NO_TIME;
	filter->from_us = zone_day_start(clock_wall_us());
	if (run->from != NULL &&
	    list_time(run, run->from, false, &filter->from_us, err) < 0)
		return -1;
	if (run->to != NULL &&
	    list_time(run, run->to, true, &filter->to_us, err) < 0)
		return -1;
	return 0;
}

static int
list_do(struct list_run *run)
{
	struct err err;
	int rc;

	if (list_find_times(run, &err) < 0)
		return command_usage(&command_contacts, "list: %s", err.text);
	run->table = table_new(
	    stdout, run->format, list_columns, RT_COUNT(list_columns));
	rc = contacts_list(
	    run->conninfo, run->conf->site, &run->filter, list_row, run, &err);
	if (table_end(run->table, rc < 0 ? NULL : &err) < 0)
		rc = -1;
	if (rc == 0)
		return EXIT_DONE;
	fprintf(stderr, "ringtally contacts list: %s\n", err.text);
	return EXIT_FAILED;
}

/* --- the command --------------------------------------------------------- */

static bool
list_set_assessed(struct list_run *run, const char *word)
{
	static const char *const words[] = {
	    "avoidable", "not_avoidable", "not_assessed"};
	size_t i;

	run->filter.assessed = word;
	for (i = 0; i < RT_COUNT(words); i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

static int
list_option(struct list_run *run, int c, const char *value)
{
	int format;

	switch (c) {
	case 'a':
		if (!list_set_assessed(run, value))
			return command_usage(&command_contacts,
			    "--assessed takes avoidable, not_avoidable or "
			    "not_assessed");
		break;
	case 'C':
		run->conninfo = value;
		break;
	case 'f':
		run->from = value;
		break;
	case 'g':
		run->filter.category = value;
		break;
	case 'h':
		run->filter.channel = value;
		break;
	case 'o':
		format = table_format_parse(value);
		if (format < 0)
			return command_usage(
			    &command_contacts, "-o takes table, csv or json");
		run->format = (enum table_format)format;
		break;
	case 's':
		run->filter.service = value;
		break;
	case 't':
		run->to = value;
		break;
	case 'x':
		run->filter.excluded = true;
		break;
	default:
		return command_usage(&command_contacts, NULL);
	}
	return EXIT_DONE;
}

static int
list_options(struct list_run *run, int argc, char **argv)
{
	static const struct option longs[] = {
	    {"assessed", required_argument, NULL, 'a'},
	    {"category", required_argument, NULL, 'g'},
	    {"channel", required_argument, NULL, 'h'},
	    {"conninfo", required_argument, NULL, 'C'},
	    {"excluded", no_argument, NULL, 'x'},
	    {"from", required_argument, NULL, 'f'},
	    {"output", required_argument, NULL, 'o'},
	    {"service", required_argument, NULL, 's'},
	    {"to", required_argument, NULL, 't'}, {0}};
	int c, code;

	while ((c = getopt_long(argc, argv, "C:o:", longs, NULL)) != -1) {
		code = list_option(run, c, optarg);
		if (code != EXIT_DONE)
			return code;
	}
	if (optind < argc)
		return command_usage(
		    &command_contacts, "list: what is \"%s\"?", argv[optind]);
	return EXIT_DONE;
}

int
contacts_show(const char *conf_path, int argc, char **argv)
{
	struct list_run run = {.format = TABLE_PLAIN};
	int code = list_options(&run, argc, argv);

	if (code == EXIT_DONE)
		code = command_conf(conf_path, &run.conf);
	if (code == EXIT_DONE && run.conninfo == NULL)
		run.conninfo = run.conf->database.conninfo;
	if (code == EXIT_DONE)
		code = list_do(&run);
	conf_free(run.conf);
	return code;
}
