/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/option.h"
#include "cli/column.h"

/* What a queue and a service have both. */
static const struct column column_common[] = {
    {"waiting", "WAIT", NULL, "waiting", COLUMN_COUNT, 4, 0, true},
    {"longest_wait_s", "LONGEST", NULL, "longest_wait_s", COLUMN_SECONDS, 7, 0,
	true},
    {"talking", "TALK", NULL, "talking", COLUMN_COUNT, 4, 3, true},
    {"logged_in", "AGTS", "agents", "logged_in", COLUMN_COUNT, 4, 5, true},
    {"free", "FREE", "agents", "free", COLUMN_COUNT, 4, 3, true},
    {"wrapping_up", "WRAP", "agents", "wrapping_up", COLUMN_COUNT, 4, 12,
	false},
    {"paused", "PAUS", "agents", "paused", COLUMN_COUNT, 4, 6, true},
    {"offered", "OFFER", "today", "offered", COLUMN_COUNT, 5, 2, true},
    {"answered", "ANSW", "today", "answered", COLUMN_COUNT, 5, 7, true},
    {"abandoned", "ABAND", "today", "abandoned", COLUMN_COUNT, 5, 4, true},
    {NULL, NULL, "today", NULL, COLUMN_PERCENT, 5, 4, true},
    {"abandoned_pct", "%ABAN", "today", "abandoned_pct", COLUMN_PERCENT, 5, 8,
	true},
    {"asa_s", "ASA", "today", "asa_s", COLUMN_SECONDS, 6, 5, true},
    {"p90_wait_s", "P90", "today", "p90_wait_s", COLUMN_SECONDS, 6, 10, false},
    {"max_wait_s", "MAX", "today", "max_wait_s", COLUMN_SECONDS, 6, 10, false},
    {"aht_s", "AHT", "today", "aht_s", COLUMN_SECONDS, 6, 9, false},
    {"last_60m_offered", "OFF60", "last_60m", "offered", COLUMN_COUNT, 5, 11,
	false},
    {NULL, NULL, "last_60m", NULL, COLUMN_PERCENT, 5, 11, false},
    {"last_15m_offered", "OFF15", "last_15m", "offered", COLUMN_COUNT, 5, 11,
	false},
    {NULL, NULL, "last_15m", NULL, COLUMN_PERCENT, 5, 11, false},
    {"calls_to_target", "NEED", NULL, "calls_to_target", COLUMN_COUNT, 5, 6,
	true},
    {"status", "STATUS", NULL, "status", COLUMN_STATUS, 6, 0, true},
};

static const struct column column_queue = {
    "queue", "QUEUE", NULL, "queue", COLUMN_TEXT, 14, 0, true};
static const struct column column_service = {
    "service", "SERVICE", NULL, "service", COLUMN_TEXT, 14, 0, true};
static const struct column column_of_queue[] = {
    {"service", "SERVICE", NULL, "service", COLUMN_TEXT, 14, 13, false},
    {"switch", "SWITCH", NULL, "switch", COLUMN_TEXT, 8, 14, false},
};

static const struct column column_feeds[] = {
    {"feed", "FEED", NULL, "feed", COLUMN_TEXT, 14, 0, true},
    {"state", "STATE", NULL, "state", COLUMN_TEXT, 9, 0, true},
    {"stale", "STALE", NULL, "stale", COLUMN_YES, 5, 0, true},
    {"silence_s", "SILENT", NULL, "silence_s", COLUMN_SECONDS, 8, 1, true},
    {"records", "RECORDS", NULL, "records", COLUMN_COUNT, 10, 1, true},
    {"rejected", "REJECT", NULL, "rejected", COLUMN_COUNT, 6, 2, true},
    {"gaps", "GAPS", NULL, "gaps", COLUMN_COUNT, 4, 3, true},
    {"lost_bytes", "LOST B", NULL, "lost_bytes", COLUMN_COUNT, 7, 4, true},
    {"switch", "SWITCH", NULL, "switch", COLUMN_TEXT, 8, 5, true},
    {"why", "WHY", NULL, "why", COLUMN_TEXT, 20, 6, true},
    {"path", "PATH", NULL, "path", COLUMN_TEXT, 30, 7, true},
};

static void
columns_add(struct columns *columns, const struct column *column)
{
	BUG_ON(columns->n == COLUMNS_MAX);
	columns->v[columns->n++] = *column;
}

static const char *
columns_name(struct columns *columns, const char *fmt, ...) RT_PRINTF(2, 3);

static const char *
columns_name(struct columns *columns, const char *fmt, ...)
{
	char *name;
	va_list ap;

	BUG_ON(columns->n_names == RT_COUNT(columns->names));
	name = columns->names[columns->n_names++];
	va_start(ap, fmt);
	vsnprintf(name, sizeof(columns->names[0]), fmt, ap);
	va_end(ap);
	return name;
}

/* The T of each "sl_T_offered_pct", in the document's order. */
static size_t
columns_thresholds(const json_t *sample, int *thresholds, size_t max)
{
	json_t *block = json_object_get(sample, "today"), *value;
	const char *key;
	size_t found = 0;
	int n;

	json_object_foreach(block, key, value)
	{
		n = 0;
		if (found < max &&
		    sscanf(key, "sl_%d_offered_pct%n", &thresholds[found],
			&n) == 1 &&
		    n > 0 && key[n] == '\0')
			found++;
	}
	return found;
}

/* Today's for each threshold; the windows' for the last, which is longest. */
static void
columns_add_levels(
    struct columns *columns, const struct column *like, const json_t *sample)
{
	bool today = strcmp(like->group, "today") == 0;
	struct column column = *like;
	int thresholds[OPTION_INTS_MAX];
	size_t n = columns_thresholds(sample, thresholds, OPTION_INTS_MAX), i;

	for (i = today || n == 0 ? 0 : n - 1; i < n; i++) {
		column.key =
		    columns_name(columns, "sl_%d_offered_pct", thresholds[i]);
		column.name = today
		    ? column.key
		    : columns_name(columns, "%s_%s", like->group, column.key);
		column.title = today
		    ? columns_name(columns, "%%<%ds", thresholds[i])
		    : columns_name(columns, "%%%s", like->group + 5);
		/* it is what people look at where room is scarce */
		if (today && i + 1 == n)
			column.rank = 1;
		columns_add(columns, &column);
	}
}

static void
columns_add_common(struct columns *columns, const json_t *sample)
{
	size_t i;

	for (i = 0; i < RT_COUNT(column_common); i++)
		if (column_common[i].key != NULL)
			columns_add(columns, &column_common[i]);
		else if (sample != NULL)
			columns_add_levels(columns, &column_common[i], sample);
}

void
columns_of_queues(struct columns *columns, const json_t *sample)
{
	size_t i;

	columns->n = columns->n_names = 0;
	columns_add(columns, &column_queue);
	columns_add_common(columns, sample);
	for (i = 0; i < RT_COUNT(column_of_queue); i++)
		columns_add(columns, &column_of_queue[i]);
}

void
columns_of_services(struct columns *columns, const json_t *sample)
{
	columns->n = columns->n_names = 0;
	columns_add(columns, &column_service);
	columns_add_common(columns, sample);
}

void
columns_of_feeds(struct columns *columns)
{
	size_t i;

	columns->n = columns->n_names = 0;
	for (i = 0; i < RT_COUNT(column_feeds); i++)
		columns_add(columns, &column_feeds[i]);
}

/* --- values -------------------------------------------------------------- */

/* The more trouble, the more. */
static double
column_status_number(const char *status)
{
	static const char *const statuses[] = {"green", "amber", "red"};
	size_t i;

	for (i = 0; i < RT_COUNT(statuses); i++)
		if (strcmp(status, statuses[i]) == 0)
			return (double)i + 1;
	return 0;
}

struct column_value
column_value(const struct column *column, const json_t *item)
{
	const json_t *value;

	if (column->group != NULL)
		item = json_object_get(item, column->group);
	value = json_object_get(item, column->key);
	if (json_is_number(value))
		return (struct column_value){
		    true, json_number_value(value), NULL};
	if (json_is_boolean(value))
		return (struct column_value){
		    true, json_is_true(value) ? 1 : 0, NULL};
	if (!json_is_string(value))
		return (struct column_value){false, 0, NULL};
	return (struct column_value){true,
	    column->kind == COLUMN_STATUS
		? column_status_number(json_string_value(value))
		: 0,
	    json_string_value(value)};
}

const char *
column_seconds(char *buffer, size_t size, double seconds)
{
	int64_t s = seconds > 0 && seconds < 1e12 ? (int64_t)seconds : 0;

	if (s < 3600)
		snprintf(buffer, size, "%d:%02d", (int)(s / 60), (int)(s % 60));
	else
		snprintf(buffer, size, "%" PRId64 ":%02d:%02d", s / 3600,
		    (int)(s / 60 % 60), (int)(s % 60));
	return buffer;
}

const char *
column_show(
    const struct column *column, const json_t *item, char *buffer, size_t size)
{
	struct column_value value = column_value(column, item);

	if (!value.known)
		return "-";
	if (value.text != NULL)
		return value.text;
	switch (column->kind) {
	case COLUMN_SECONDS:
		return column_seconds(buffer, size, value.number);
	case COLUMN_PERCENT:
		snprintf(buffer, size, "%.1f", value.number);
		return buffer;
	case COLUMN_YES:
		return value.number != 0 ? "yes" : "";
	case COLUMN_TEXT:
	case COLUMN_COUNT:
	case COLUMN_STATUS:
		break;
	}
	snprintf(buffer, size, "%.0f", value.number);
	return buffer;
}

/* Names in the order in which people look for them: first without case. */
static int
column_compare_text(const char *a, const char *b)
{
	int order = strcasecmp(a, b);

	return order != 0 ? order : strcmp(a, b);
}

int
column_compare(
    const struct column *column, const json_t *a, const json_t *b, bool down)
{
	struct column_value x = column_value(column, a);
	struct column_value y = column_value(column, b);
	int order;

	if (!x.known || !y.known)
		return (int)y.known - (int)x.known;
	if (column->kind == COLUMN_TEXT && x.text != NULL && y.text != NULL)
		order = column_compare_text(x.text, y.text);
	else
		order = (x.number > y.number) - (x.number < y.number);
	return down ? -order : order;
}
