/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <math.h>

#include "cli/contacts_table.h"

/* What a row is of, and its figures; only services rise. */
static const struct contacts_figure {
	struct table_column column;
	bool in_csv_only;
} contacts_figures[] = {
    {{"contacts", TABLE_INT, 0}, false},
    {{"assessed", TABLE_INT, 0}, false},
    {{"avoidable", TABLE_INT, 0}, false},
    {{"not_assessed", TABLE_INT, 0}, true},
    {{"coverage_pct", TABLE_DECIMAL, 1}, false},
    {{"ni14_pct", TABLE_DECIMAL, 1}, false},
    {{"ni14_low_pct", TABLE_DECIMAL, 1}, false},
    {{"ni14_high_pct", TABLE_DECIMAL, 1}, false},
    {{"requests", TABLE_INT, 0}, false},
    {{"contacts_with_request", TABLE_INT, 0}, true},
    {{"contacts_per_request", TABLE_DECIMAL, 2}, false},
    {{"resolved", TABLE_INT, 0}, true},
    {{"resolved_known", TABLE_INT, 0}, true},
    {{"fcr_pct", TABLE_DECIMAL, 1}, false},
    {{"before_pct", TABLE_DECIMAL, 1}, true},
    {{"rise_points", TABLE_DECIMAL, 1}, true},
    {{"ni14_why", TABLE_TEXT, 0}, true},
};

#define CONTACTS_NAMES 2 /* columns before these */

struct contacts_run {
	FILE *to;
	enum table_format format;
	const json_t *document;
};

/* --- cells ---------------------------------------------------------------- */

static void
contacts_cell(struct table *table, enum table_type type, const json_t *value)
{
	if (type == TABLE_INT && json_is_integer(value))
		table_int(table, json_integer_value(value));
	else if (type == TABLE_DECIMAL && json_is_number(value))
		table_real(table, json_number_value(value));
	else if (type == TABLE_TEXT)
		table_text(table, json_string_value(value));
	else
		table_null(table);
}

static bool
contacts_has(const struct contacts_run *run, const struct contacts_figure *f)
{
	return run->format != TABLE_PLAIN || !f->in_csv_only;
}

/* of: what, of what name. extra: where what only services have stands. */
static void
contacts_row(const struct contacts_run *run, struct table *table,
    const char *of, const char *name, const json_t *figures,
    const json_t *extra)
{
	size_t i;

	table_text(table, of);
	table_text(table, name);
	for (i = 0; i < RT_COUNT(contacts_figures); i++) {
		const struct contacts_figure *f = &contacts_figures[i];
		const json_t *value = json_object_get(figures, f->column.name);

		if (!contacts_has(run, f))
			continue;
		if (value == NULL)
			value = json_object_get(extra, f->column.name);
		contacts_cell(table, f->column.type, value);
	}
}

static const char *
contacts_text(const json_t *item, const char *key)
{
	return json_string_value(json_object_get(item, key));
}

/* --- all but the categories ----------------------------------------------- */

static void
contacts_rows(const struct contacts_run *run, struct table *table)
{
	const json_t *document = run->document, *item;
	size_t i;

	contacts_row(run, table, "today", NULL,
	    json_object_get(document, "today"), NULL);
	contacts_row(run, table, "last_28_days", NULL,
	    json_object_get(document, "last_28_days"), NULL);
	json_array_foreach(json_object_get(document, "channels"), i, item)
	    contacts_row(run, table, "channel", contacts_text(item, "channel"),
		item, NULL);
	json_array_foreach(json_object_get(document, "services"), i, item)
	    contacts_row(run, table, "service", contacts_text(item, "service"),
		item, item);
}

static int
contacts_print_figures(const struct contacts_run *run, struct err *err)
{
	struct table_column heads[CONTACTS_NAMES + RT_COUNT(contacts_figures)] =
	    {{"of", TABLE_TEXT, 0}, {"name", TABLE_TEXT, 0}};
	size_t n = CONTACTS_NAMES, i;
	struct table *table;

	for (i = 0; i < RT_COUNT(contacts_figures); i++)
		if (contacts_has(run, &contacts_figures[i]))
			heads[n++] = contacts_figures[i].column;
	table = table_new(run->to, run->format, heads, n);
	contacts_rows(run, table);
	return table_end(table, err);
}

/* --- for people ----------------------------------------------------------- */

/* Where it rises, first what rises most: the last week against before. */
static int
contacts_print_services(const struct contacts_run *run, struct err *err)
{
	static const struct table_column heads[] = {{"rises", TABLE_TEXT, 0},
	    {"contacts", TABLE_INT, 0}, {"coverage_pct", TABLE_DECIMAL, 1},
	    {"ni14_pct", TABLE_DECIMAL, 1}, {"before_pct", TABLE_DECIMAL, 1},
	    {"rise_points", TABLE_DECIMAL, 1}};
	const json_t *services = json_object_get(run->document, "services");
	const json_t *item, *week;
	struct table *table;
	size_t i, k;

	if (json_array_size(services) == 0)
		return 0;
	fputc('\n', run->to);
	table = table_new(run->to, run->format, heads, RT_COUNT(heads));
	json_array_foreach(services, i, item)
	{
		week = json_object_get(item, "last_7_days");
		table_text(table, contacts_text(item, "service"));
		for (k = 1; k < RT_COUNT(heads); k++)
			contacts_cell(table, heads[k].type,
			    json_object_get(
				k < 4 ? week : item, heads[k].name));
	}
	return table_end(table, err);
}

static int
contacts_print_categories(const struct contacts_run *run, struct err *err)
{
	static const struct table_column heads[] = {{"category", TABLE_TEXT, 0},
	    {"avoidable", TABLE_TEXT, 0}, {"contacts", TABLE_INT, 0},
	    {"share_pct", TABLE_DECIMAL, 1}, {"today", TABLE_INT, 0}};
	const json_t *categories = json_object_get(run->document, "categories");
	const json_t *item, *avoidable;
	struct table *table;
	size_t i, k;

	if (json_array_size(categories) == 0)
		return 0;
	fputc('\n', run->to);
	table = table_new(run->to, run->format, heads, RT_COUNT(heads));
	json_array_foreach(categories, i, item)
	{
		avoidable = json_object_get(item, "avoidable");
		table_text(table, contacts_text(item, "category"));
		table_text(table,
		    json_is_true(avoidable)	   ? "yes"
			: json_is_false(avoidable) ? "no"
						   : NULL);
		for (k = 2; k < RT_COUNT(heads); k++)
			contacts_cell(table, heads[k].type,
			    json_object_get(item, heads[k].name));
	}
	return table_end(table, err);
}

/* The reason where a period has no figure. */
static void
contacts_print_why(const struct contacts_run *run)
{
	static const char *const periods[] = {"today", "last_28_days"};
	size_t i;

	for (i = 0; i < RT_COUNT(periods); i++) {
		const char *why = contacts_text(
		    json_object_get(run->document, periods[i]), "ni14_why");

		if (why != NULL)
			fprintf(
			    run->to, "%s: no ni14_pct: %s\n", periods[i], why);
	}
}

static void
contacts_print_formulas(const struct contacts_run *run)
{
	const json_t *formulas = json_object_get(run->document, "formulas");
	static const char *const names[] = {
	    "ni14_pct", "coverage_pct", "contacts_per_request", "fcr_pct"};
	const char *formula;
	size_t i;

	fputc('\n', run->to);
	for (i = 0; i < RT_COUNT(names); i++) {
		formula = contacts_text(formulas, names[i]);
		if (formula != NULL)
			fprintf(run->to, "%s = %s\n", names[i], formula);
	}
}

static void
contacts_print_age(const struct contacts_run *run)
{
	const json_t *document = run->document;
	json_int_t age_s =
	    json_integer_value(json_object_get(document, "age_s"));

	fprintf(run->to,
	    "Contacts as of %s, %" JSON_INTEGER_FORMAT " s ago%s\n\n",
	    contacts_text(document, "as_of"), age_s,
	    json_is_true(json_object_get(document, "stale"))
		? ": not up to date, the database is away"
		: "");
}

static int
contacts_print_people(const struct contacts_run *run, struct err *err)
{
	contacts_print_age(run);
	if (contacts_print_figures(run, err) < 0)
		return -1;
	contacts_print_why(run);
	if (contacts_print_services(run, err) < 0 ||
	    contacts_print_categories(run, err) < 0)
		return -1;
	contacts_print_formulas(run);
	if (fflush(run->to) != 0)
		return err_sys(err, "writing the output");
	return 0;
}

int
contacts_table(
    FILE *to, enum table_format format, const json_t *document, struct err *err)
{
	struct contacts_run run = {to, format, document};

	BUG_ON(format == TABLE_JSON);
	if (!json_is_object(document) ||
	    json_object_get(document, "as_of") == NULL)
		return err_set(err, "the daemon's answer can not be read");
	if (contacts_text(document, "as_of") == NULL)
		return err_set(err,
		    "the database has not worked out any figures of contacts "
		    "yet");
	if (format == TABLE_PLAIN)
		return contacts_print_people(&run, err);
	return contacts_print_figures(&run, err);
}

/* --- what is inferred ----------------------------------------------------- */

int
contacts_table_inferred(FILE *to, const json_t *queues, struct err *err)
{
	static const struct table_column heads[] = {{"inferred", TABLE_TEXT, 0},
	    {"calls", TABLE_INT, 0}, {"of", TABLE_INT, 0},
	    {"pct", TABLE_DECIMAL, 1}};
	static const char *const rows[][3] = {
	    {"inferred_repeat_pct", "repeated", "caller_known"},
	    {"inferred_misrouted_pct", "misrouted", "answered"},
	    {"inferred_callback_pct", "called_back", "abandoned_known"}};
	const json_t *today =
	    json_object_get(json_object_get(queues, "total"), "today");
	struct table *table;
	size_t i;

	if (!json_is_object(today))
		return err_set(err, "the daemon's answer can not be read");
	fputs(
	    "\nInferred from the calls of today, and no part of ni14_pct. Who "
	    "was answered\nmay still ring again: inferred_repeat_pct is not "
	    "yet known.\n\n",
	    to);
	table = table_new(to, TABLE_PLAIN, heads, RT_COUNT(heads));
	for (i = 0; i < RT_COUNT(rows); i++) {
		table_text(table, rows[i][0]);
		contacts_cell(
		    table, TABLE_INT, json_object_get(today, rows[i][1]));
		contacts_cell(
		    table, TABLE_INT, json_object_get(today, rows[i][2]));
		contacts_cell(
		    table, TABLE_DECIMAL, json_object_get(today, rows[i][0]));
	}
	return table_end(table, err);
}
