/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The columns of each table that a batch writes, in the order in which cut.c
 * gives the fields. Measures and counters come from their own tables.
 */
#include "base/base.h"
#include "store/inner.h"

#define KEY_TEXT(name)                              \
	{                                           \
		name, COLUMN_TEXT, COLUMN_KEY, NULL \
	}
#define SET_TEXT(name)                              \
	{                                           \
		name, COLUMN_TEXT, COLUMN_SET, NULL \
	}
#define SET_TIME(name)                              \
	{                                           \
		name, COLUMN_TIME, COLUMN_SET, NULL \
	}
#define SET_INT8(name)                              \
	{                                           \
		name, COLUMN_INT8, COLUMN_SET, NULL \
	}
#define SET_INT4(name)                              \
	{                                           \
		name, COLUMN_INT4, COLUMN_SET, NULL \
	}
#define SET_BOOL(name)                              \
	{                                           \
		name, COLUMN_BOOL, COLUMN_SET, NULL \
	}
#define BINS_HIST(name)                                     \
	{                                                   \
		name, COLUMN_BINS, COLUMN_HIST, "integer[]" \
	}

/* Which of the generated columns stand at the end of a table. */
enum tables_more {
	TABLES_NONE,
	TABLES_MEASURES, /* and the two histograms */
	TABLES_AGENT_MEASURES,
	TABLES_COUNTERS
};

static const struct tables_row {
	const char *name;
	bool erase;
	bool sorted; /* see cut.c */
	bool grown;
	enum tables_more more;
	struct column column[26];
} tables_rows[TABLES] = {
    [TABLE_QUEUE_TALLY] = {"queue_tally", false, true, true, TABLES_MEASURES,
	{{"starts_at", COLUMN_TIME, COLUMN_KEY, NULL}, KEY_TEXT("switch"),
	    KEY_TEXT("queue")}},
    [TABLE_AGENT_TALLY] = {"agent_tally", false, true, true,
	TABLES_AGENT_MEASURES,
	{{"starts_at", COLUMN_TIME, COLUMN_KEY, NULL}, KEY_TEXT("switch"),
	    KEY_TEXT("agent"), KEY_TEXT("queue")}},
    [TABLE_AGENT_SPAN] = {"agent_span", false, false, false, TABLES_NONE,
	{SET_TIME("from_at"), SET_TIME("to_at"),
	    {"kind", COLUMN_TEXT, COLUMN_SET, "ringtally.span_kind"},
	    SET_TEXT("switch"), SET_TEXT("agent"), SET_TEXT("queue"),
	    SET_TEXT("reason")}},
    [TABLE_FEED] = {"feed", false, false, false, TABLES_COUNTERS,
	{KEY_TEXT("feed"), SET_TEXT("switch"), SET_TEXT("transport"),
	    SET_TEXT("format"), SET_INT4("file_no"), SET_TEXT("path"),
	    SET_INT8("device"), SET_INT8("inode"), SET_INT8("generation"),
	    SET_INT8("head_hash"), SET_INT4("head_size"),
	    SET_INT8("file_offset"), SET_INT8("size_seen"),
	    SET_BOOL("skipping"),
	    {"last_event_at", COLUMN_TIME, COLUMN_MAX, NULL},
	    SET_TIME("updated_at"), SET_INT4("slot"),
	    SET_TIME("first_event_at"),
	    {"format_state", COLUMN_BYTES, COLUMN_SET, NULL},
	    SET_TEXT("guarantee"), SET_BOOL("connected"),
	    SET_TIME("connected_at"), SET_TEXT("status"),
	    SET_INT8("spool_bytes"), SET_TIME("leads_at")}},
    [TABLE_FEED_INTERVAL] = {"feed_interval", false, false, false,
	TABLES_COUNTERS,
	{KEY_TEXT("feed"), {"starts_at", COLUMN_TIME, COLUMN_KEY, NULL}}},
    [TABLE_FEED_EVENT] = {"feed_event", false, false, false, TABLES_NONE,
	{KEY_TEXT("feed"), KEY_TEXT("event"), SET_BOOL("unknown"),
	    {"count", COLUMN_INT8, COLUMN_ADD, NULL},
	    {"last_at", COLUMN_TIME, COLUMN_MAX, NULL}}},
    [TABLE_FEED_FILE] = {"feed_file", false, false, false, TABLES_NONE,
	{KEY_TEXT("feed"), {"file_no", COLUMN_INT4, COLUMN_KEY, NULL},
	    SET_TEXT("path"), SET_INT8("device"), SET_INT8("inode"),
	    SET_INT8("generation"), SET_INT8("head_hash"),
	    SET_INT4("head_size"),
	    {"read_bytes", COLUMN_INT8, COLUMN_MAX, NULL}}},
    [TABLE_FEED_SEEN] = {"feed_seen", false, false, false, TABLES_NONE,
	{KEY_TEXT("feed"), {"key", COLUMN_INT8, COLUMN_KEY, NULL},
	    {"seen_at", COLUMN_TIME, COLUMN_ONCE, NULL}}},
    [TABLE_OPEN_VISIT_GONE] = {"open_visit", true, false, false, TABLES_NONE,
	{KEY_TEXT("switch"), KEY_TEXT("call_id"),
	    {"visit_no", COLUMN_INT4, COLUMN_KEY, NULL}}},
    [TABLE_OPEN_VISIT] = {"open_visit", false, false, false, TABLES_NONE,
	{KEY_TEXT("switch"), KEY_TEXT("call_id"),
	    {"visit_no", COLUMN_INT4, COLUMN_KEY, NULL},
	    {"state", COLUMN_TEXT, COLUMN_SET, "ringtally.visit_state"},
	    {"outcome", COLUMN_TEXT, COLUMN_SET, "ringtally.outcome"},
	    SET_TEXT("queue"), SET_TEXT("agent"), SET_TIME("entered_at"),
	    SET_TIME("answered_at"), SET_TIME("ended_at"),
	    SET_TIME("touched_at"), SET_INT8("wait_ms"), SET_INT8("talk_ms"),
	    SET_BOOL("transferred"), SET_BOOL("answer_derived"),
	    SET_TEXT("reason"), {"caller", COLUMN_BYTES, COLUMN_SET, NULL},
	    SET_TEXT("feed"), SET_INT4("file_no"), SET_INT8("file_offset"),
	    {"heard", COLUMN_BYTES, COLUMN_SET, NULL},
	    {"caller_before", COLUMN_BYTES, COLUMN_SET, NULL},
	    SET_INT4("inferred"), SET_TIME("starts_at")}},
    [TABLE_SESSION_GONE] = {"agent_session", true, false, false, TABLES_NONE,
	{KEY_TEXT("switch"), KEY_TEXT("agent"), KEY_TEXT("queue")}},
    [TABLE_SESSION] = {"agent_session", false, false, true, TABLES_NONE,
	{KEY_TEXT("switch"), KEY_TEXT("agent"), KEY_TEXT("queue"),
	    SET_TIME("login_at"), SET_TIME("pause_at"), SET_TIME("logoff_at"),
	    SET_TEXT("reason")}},
    [TABLE_SERVICE] = {"service", false, false, false, TABLES_NONE,
	{KEY_TEXT("service")}},
    [TABLE_QUEUE] = {"queue", false, false, false, TABLES_NONE,
	{KEY_TEXT("switch"), KEY_TEXT("queue"), SET_TEXT("service"),
	    {"first_seen_at", COLUMN_TIME, COLUMN_ONCE, NULL}}},
    [TABLE_AGENT] = {"agent", false, false, false, TABLES_NONE,
	{KEY_TEXT("switch"), KEY_TEXT("agent"),
	    {"first_seen_at", COLUMN_TIME, COLUMN_ONCE, NULL}}},
};

static void
tables_add(struct table *t, struct column column)
{
	BUG_ON(t->n_columns == ROWS_COLUMNS_MAX);
	t->column[t->n_columns++] = column;
}

static void
tables_add_measures(struct table *t, const struct measure_row *rows, int n)
{
	int i;

	for (i = 0; i < n; i++)
		if (rows[i].kind != MEASURE_KIND_SPAN)
			tables_add(t,
			    (struct column){rows[i].name, COLUMN_INT8,
				rows[i].kind == MEASURE_KIND_MAX ? COLUMN_MAX
								 : COLUMN_ADD,
				NULL});
}

static void
tables_add_more(struct table *t, enum tables_more more)
{
	int i;

	switch (more) {
	case TABLES_MEASURES:
		tables_add_measures(t, measure_rows, MEASURES);
		tables_add(t, (struct column)BINS_HIST("wait_answered_hist"));
		tables_add(t, (struct column)BINS_HIST("wait_abandoned_hist"));
		break;
	case TABLES_AGENT_MEASURES:
		tables_add_measures(t, agent_measure_rows, AGENT_MEASURES);
		break;
	case TABLES_COUNTERS:
		for (i = 0; i < COUNTERS; i++)
			tables_add(t,
			    (struct column){counter_rows[i].name, COLUMN_INT8,
				COLUMN_ADD, NULL});
		break;
	case TABLES_NONE:
		break;
	}
}

static void
tables_make(struct table *t, const struct tables_row *row)
{
	size_t i;

	*t = (struct table){.name = row->name,
	    .erase = row->erase,
	    .sorted = row->sorted,
	    .grown = row->grown};
	for (i = 0; i < RT_COUNT(row->column); i++)
		if (row->column[i].name != NULL)
			tables_add(t, row->column[i]);
	tables_add_more(t, row->more);
}

void
store_tables_init(struct store *store)
{
	static const struct table clocks = {.name = "advance()",
	    .n_columns = 3,
	    .column = {
		KEY_TEXT("switch"), SET_TIME("clock_at"), SET_TIME("leap_at")}};
	int i;

	for (i = 0; i < TABLES; i++)
		tables_make(&store->tables[i], &tables_rows[i]);
	store->clocks = clocks;
}
