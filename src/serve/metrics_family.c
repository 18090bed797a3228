/* SPDX-License-Identifier: BSD-2-Clause */
/* The families: their names, and how labels and numbers are written. */
#include "base/base.h"
#include "serve/metrics_inner.h"

static const struct metrics_row {
	const char *name;
	enum metrics_type type;
	const char *unit; /* the end of the name, or "" */
	const char *help;
} metrics_rows[OWNS] = {
    [OWN_build] = {"ringtally_build_info", METRICS_GAUGE, "",
	"1, with the version of the running daemon."},
    [OWN_start] = {"process_start_time_seconds", METRICS_GAUGE, "seconds",
	"When the daemon started, since 1970."},
    [OWN_cpu] = {"process_cpu_seconds", METRICS_COUNTER, "seconds",
	"Processor time used, user and system."},
    [OWN_rss] = {"process_resident_memory_bytes", METRICS_GAUGE, "bytes",
	"Resident memory."},
    [OWN_db_up] = {"ringtally_database_up", METRICS_GAUGE, "",
	"1 while the database takes what is counted."},
    [OWN_db_batches] = {"ringtally_database_batches", METRICS_COUNTER, "",
	"Batches committed."},
    [OWN_db_commit] = {"ringtally_database_last_commit_timestamp_seconds",
	METRICS_GAUGE, "seconds", "When the last one was, since 1970."},
    [OWN_db_lag] = {"ringtally_database_commit_lag_seconds", METRICS_GAUGE,
	"seconds", "Age of the oldest change in the last batch, committed."},
    [OWN_db_pending] = {"ringtally_database_pending_bytes", METRICS_GAUGE,
	"bytes", "What waits in memory for the database."},
    [OWN_feed_following] = {"ringtally_feed_following", METRICS_GAUGE, "",
	"1 while the feed is read up to its present end."},
    [OWN_feed_stale] = {"ringtally_feed_stale", METRICS_GAUGE, "",
	"1 while what the feed tells is not up to date."},
    [OWN_feed_last] = {"ringtally_feed_last_event_timestamp_seconds",
	METRICS_GAUGE, "seconds", "The newest event's own time, since 1970."},
    [OWN_feed_skew] = {"ringtally_feed_clock_skew_seconds", METRICS_GAUGE,
	"seconds",
	"By how much the switch's clock is behind ours, as far as is known."},
    [OWN_contacts] = {"ringtally_contacts", METRICS_GAUGE, "",
	"Contacts of today by channel, and by what was said of them."},
    [OWN_contact_requests] = {"ringtally_contact_requests", METRICS_GAUGE, "",
	"Requests that they belong to, of all channels."},
    [OWN_contacts_at] = {"ringtally_contacts_timestamp_seconds", METRICS_GAUGE,
	"seconds", "When the database said so, since 1970."},
    [OWN_waiting] = {"ringtally_visits_waiting", METRICS_GAUGE, "",
	"Callers waiting in the queue now."},
    [OWN_longest] = {"ringtally_longest_wait_seconds", METRICS_GAUGE, "seconds",
	"How long the first of them has waited; 0: nobody waits."},
    [OWN_talking] = {"ringtally_visits_talking", METRICS_GAUGE, "",
	"Callers of the queue who talk to an agent now."},
    [OWN_logged_in] = {"ringtally_agents_logged_in", METRICS_GAUGE, "",
	"Agents logged in to the queue now."},
    [OWN_agents] = {"ringtally_agents", METRICS_GAUGE, "",
	"Agents logged in to the queue now, by what they do."},
    [OWN_wait] = {"ringtally_wait_seconds", METRICS_HISTOGRAM, "seconds",
	"Waits of answered and of abandoned visits."},
    [OWN_http_connections] = {"ringtally_http_connections", METRICS_GAUGE, "",
	"HTTP connections open."},
    [OWN_http_streams] = {"ringtally_http_streams", METRICS_GAUGE, "",
	"Of these, clients of the stream."},
    [OWN_http_requests] = {"ringtally_http_requests", METRICS_COUNTER, "",
	"HTTP requests."},
    [OWN_http_refused] = {"ringtally_http_requests_refused", METRICS_COUNTER,
	"", "Of these, refused for their form or for want of a token."},
    [OWN_http_cut] = {"ringtally_http_connections_cut", METRICS_COUNTER, "",
	"HTTP connections that were too slow or too many."},
    [OWN_http_missed] = {"ringtally_http_snapshots_missed", METRICS_COUNTER, "",
	"Snapshots that were not sent to slow clients of the stream."},
    [OWN_http_dropped] = {"ringtally_http_streams_dropped", METRICS_COUNTER, "",
	"Clients of the stream that were too slow for it."},
};

static void
metrics_add_escaped(struct strbuf *to, const char *value, bool quotes)
{
	for (; *value != '\0'; value++) {
		if (*value == '\\' || (*value == '"' && quotes))
			strbuf_addc(to, '\\');
		if (*value == '\n')
			strbuf_adds(to, "\\n");
		else
			strbuf_addc(to, *value);
	}
}

void
metrics_add_value(struct strbuf *to, const char *value)
{
	metrics_add_escaped(to, value, true);
}

void
metrics_add_label(struct strbuf *to, const char *name, const char *value)
{
	if (to->n > 0)
		strbuf_addc(to, ',');
	strbuf_adds(to, name);
	strbuf_adds(to, "=\"");
	metrics_add_value(to, value);
	strbuf_addc(to, '"');
}

void
metrics_add_number(struct strbuf *to, int64_t value, bool ms)
{
	uint64_t n = value < 0 ? -(uint64_t)value : (uint64_t)value;

	if (value < 0)
		strbuf_addc(to, '-');
	strbuf_add_digits(to, ms ? n / 1000 : n, 1);
	if (ms) {
		strbuf_addc(to, '.');
		strbuf_add_digits(to, n % 1000, 3);
	}
	strbuf_addc(to, '\n');
}

/* What the tables leave to be said of it: a measure that is no sum has none. */
static void
metrics_name_measure(struct metrics_family *f, const struct measure_row *row)
{
	size_t n = strlen(row->name);

	f->type = METRICS_COUNTER;
	f->unit = "";
	f->help = row->help;
	if (strcmp(row->unit, "ms") == 0) {
		f->unit = "seconds";
		snprintf(f->name, sizeof(f->name), "ringtally_%.*s_seconds",
		    (int)(n - strlen("_ms")), row->name);
	} else {
		snprintf(f->name, sizeof(f->name), "ringtally_%s%s",
		    strcmp(row->unit, "visits") == 0 ? "visits_" : "",
		    row->name);
	}
}

static void
metrics_name_counter(struct metrics_family *f, const struct counter_row *row)
{
	snprintf(f->name, sizeof(f->name), "ringtally_feed_%s", row->name);
	f->type = METRICS_COUNTER;
	f->unit = strcmp(row->unit, "bytes") == 0 ? "bytes" : "";
	f->help = row->help;
}

void
metrics_families_init(struct metrics *m)
{
	int i;

	for (i = 0; i < OWNS; i++) {
		const struct metrics_row *row = &metrics_rows[i];
		struct metrics_family *f = &m->families[i];

		snprintf(f->name, sizeof(f->name), "%s", row->name);
		f->type = row->type;
		f->unit = row->unit;
		f->help = row->help;
	}
	for (i = 0; i < COUNTERS; i++)
		metrics_name_counter(
		    &m->families[METRICS_OF_COUNTERS + i], &counter_rows[i]);
	for (i = 0; i < MEASURES; i++)
		metrics_name_measure(
		    &m->families[METRICS_OF_MEASURES + i], &measure_rows[i]);
}

void
metrics_families_fini(struct metrics *m)
{
	size_t i, k;

	for (i = 0; i < METRICS_FAMILIES; i++) {
		struct metrics_family *f = &m->families[i];

		strbuf_fini(&f->samples);
		for (k = 0; k < f->n_lines; k++) {
			strbuf_fini(&f->lines[k].head);
			strbuf_fini(&f->lines[k].tail);
		}
		free(f->lines);
	}
}

void
metrics_write_head(struct metrics *m, const struct metrics_family *f)
{
	static const char *const types[] = {"gauge", "counter", "histogram"};
	struct strbuf *to = &m->out;
	/* the older form has no family but what its samples are called */
	const char *end =
	    f->type == METRICS_COUNTER && !m->open ? "_total" : "";

	strbuf_addf(to, "# HELP %s%s ", f->name, end);
	/* which knows no escaped quotes in a text of help, either */
	metrics_add_escaped(to, f->help, m->open);
	strbuf_addf(to, "\n# TYPE %s%s %s\n", f->name, end, types[f->type]);
	if (m->open && f->unit[0] != '\0')
		strbuf_addf(to, "# UNIT %s %s\n", f->name, f->unit);
}
