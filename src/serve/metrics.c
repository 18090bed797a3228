/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All samples of a family must stand together, and queues are walked through
 * once: so each family gathers its samples in a buffer of its own.
 */
#include "base/base.h"

#include <sys/resource.h>

#include "serve/metrics.h"

#define METRICS_NAME_MAX 64
#define METRICS_LE_MAX	 (OPTION_INTS_MAX + 16)

enum metrics_type { METRICS_GAUGE, METRICS_COUNTER, METRICS_HISTOGRAM };

/* Families that follow from no table. */
enum metrics_own {
	OWN_build,
	OWN_start,
	OWN_cpu,
	OWN_rss,
	OWN_db_up,
	OWN_db_batches,
	OWN_db_commit,
	OWN_db_lag,
	OWN_db_pending,
	OWN_feed_following,
	OWN_feed_stale,
	OWN_feed_last,
	OWN_waiting,
	OWN_longest,
	OWN_talking,
	OWN_logged_in,
	OWN_agents,
	OWN_wait,
	OWN_http_connections,
	OWN_http_streams,
	OWN_http_requests,
	OWN_http_refused,
	OWN_http_cut,
	OWN_http_missed,
	OWN_http_dropped,
	OWNS
};

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

struct metrics_family {
	char name[METRICS_NAME_MAX];
	enum metrics_type type;
	const char *unit, *help;
	struct strbuf samples;
};

struct metrics {
	bool open;
	struct view *view;
	struct metrics_family own[OWNS], measures[MEASURES], counters[COUNTERS];
	int64_t le[METRICS_LE_MAX]; /* bounds of buckets, in seconds */
	size_t n_le;
	struct strbuf labels; /* of the queue or feed in work */
	struct figure_sum sum;
};

const char *
metrics_type(bool open)
{
	return open ? "application/openmetrics-text; version=1.0.0; "
		      "charset=utf-8"
		    : "text/plain; version=0.0.4; charset=utf-8";
}

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

/* --- families ----------------------------------------------------------- */

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
metrics_init(struct metrics *m)
{
	int i;

	for (i = 0; i < OWNS; i++) {
		const struct metrics_row *row = &metrics_rows[i];
		struct metrics_family *f = &m->own[i];

		snprintf(f->name, sizeof(f->name), "%s", row->name);
		f->type = row->type;
		f->unit = row->unit;
		f->help = row->help;
	}
	for (i = 0; i < MEASURES; i++)
		metrics_name_measure(&m->measures[i], &measure_rows[i]);
	for (i = 0; i < COUNTERS; i++) {
		struct metrics_family *f = &m->counters[i];

		snprintf(f->name, sizeof(f->name), "ringtally_feed_%s",
		    counter_rows[i].name);
		f->type = METRICS_COUNTER;
		f->unit =
		    strcmp(counter_rows[i].unit, "bytes") == 0 ? "bytes" : "";
		f->help = counter_rows[i].help;
	}
}

static void
metrics_fini(struct metrics *m)
{
	int i;

	for (i = 0; i < OWNS; i++)
		strbuf_fini(&m->own[i].samples);
	for (i = 0; i < MEASURES; i++)
		strbuf_fini(&m->measures[i].samples);
	for (i = 0; i < COUNTERS; i++)
		strbuf_fini(&m->counters[i].samples);
	strbuf_fini(&m->labels);
	figure_sum_fini(&m->sum);
}

static void
metrics_write(
    const struct metrics *m, const struct metrics_family *f, struct strbuf *to)
{
	static const char *const types[] = {"gauge", "counter", "histogram"};
	/* the older form has no family but what its samples are called */
	const char *end =
	    f->type == METRICS_COUNTER && !m->open ? "_total" : "";

	if (f->samples.n == 0)
		return;
	strbuf_addf(to, "# HELP %s%s ", f->name, end);
	/* which knows no escaped quotes in a text of help, either */
	metrics_add_escaped(to, f->help, m->open);
	strbuf_addf(to, "\n# TYPE %s%s %s\n", f->name, end, types[f->type]);
	if (m->open && f->unit[0] != '\0')
		strbuf_addf(to, "# UNIT %s %s\n", f->name, f->unit);
	strbuf_add(to, f->samples.p, f->samples.n);
}

/* The name with its end and labels, up to the value. */
static struct strbuf *
metrics_sample(struct metrics *m, struct metrics_family *f)
{
	struct strbuf *to = &f->samples;

	strbuf_adds(to, f->name);
	if (f->type == METRICS_COUNTER)
		strbuf_adds(to, "_total");
	if (m->labels.n > 0) {
		strbuf_addc(to, '{');
		strbuf_add(to, m->labels.p, m->labels.n);
		strbuf_addc(to, '}');
	}
	strbuf_addc(to, ' ');
	return to;
}

static void
metrics_int(struct metrics *m, struct metrics_family *f, int64_t value)
{
	strbuf_addf(metrics_sample(m, f), "%" PRId64 "\n", value);
}

static void
metrics_add_ms(struct strbuf *to, int64_t ms)
{
	strbuf_addf(to, "%" PRId64 ".%03d\n", ms / 1000, (int)(ms % 1000));
}

static void
metrics_us(struct metrics *m, struct metrics_family *f, int64_t us)
{
	metrics_add_ms(
	    metrics_sample(m, f), RT_MAX(us, INT64_C(0)) / USEC_PER_MSEC);
}

static void
metrics_label(struct metrics *m, const char *name, const char *value)
{
	if (m->labels.n > 0)
		strbuf_addc(&m->labels, ',');
	strbuf_addf(&m->labels, "%s=\"", name);
	metrics_add_value(&m->labels, value);
	strbuf_addc(&m->labels, '"');
}

/* --- queues ------------------------------------------------------------- */

static void
metrics_add_le(struct metrics *m, int64_t s)
{
	size_t i;

	for (i = 0; i < m->n_le && m->le[i] < s; i++)
		;
	if (i < m->n_le && m->le[i] == s)
		return;
	memmove(m->le + i + 1, m->le + i, (m->n_le - i) * sizeof(m->le[0]));
	m->le[i] = s;
	m->n_le++;
}

/* The configured thresholds, and others from a ring to half an hour. */
static void
metrics_buckets(struct metrics *m)
{
	static const int usual[] = {
	    5, 10, 20, 30, 60, 120, 180, 300, 600, 1200, 1800};
	const struct option_ints *own = &view_settings(m->view)->thresholds_s;
	size_t i;
	int t;

	for (i = 0; i < RT_COUNT(usual); i++)
		metrics_add_le(m, usual[i]);
	for (t = 0; t < own->n; t++)
		metrics_add_le(m, own->v[t]);
}

/* A bin holds its upper end, as a bucket does. */
static void
metrics_histogram(struct metrics *m, const char *outcome, const struct hist *h,
    int64_t sum_ms)
{
	struct metrics_family *f = &m->own[OWN_wait];
	struct strbuf *to = &f->samples;
	const char *labels = strbuf_str(&m->labels);
	int64_t total = hist_total(h);
	size_t i;

	for (i = 0; i < m->n_le; i++)
		strbuf_addf(to,
		    "%s_bucket{%s,outcome=\"%s\",le=\"%" PRId64 ".0\"} %" PRId64
		    "\n",
		    f->name, labels, outcome, m->le[i],
		    hist_within(h, m->le[i]));
	strbuf_addf(to,
	    "%s_bucket{%s,outcome=\"%s\",le=\"+Inf\"} %" PRId64 "\n", f->name,
	    labels, outcome, total);
	strbuf_addf(to, "%s_count{%s,outcome=\"%s\"} %" PRId64 "\n", f->name,
	    labels, outcome, total);
	strbuf_addf(to, "%s_sum{%s,outcome=\"%s\"} ", f->name, labels, outcome);
	metrics_add_ms(to, sum_ms);
}

static void
metrics_measures(struct metrics *m)
{
	const struct figure_sum *sum = &m->sum;
	int i;

	for (i = 0; i < MEASURES; i++) {
		struct metrics_family *f = &m->measures[i];

		/* a maximum is no counter, and sums of waits are below */
		if (measure_rows[i].kind != MEASURE_KIND_SUM ||
		    i == MEASURE_wait_answered_ms ||
		    i == MEASURE_wait_abandoned_ms)
			continue;
		if (f->unit[0] != '\0')
			metrics_add_ms(metrics_sample(m, f), sum->v[i]);
		else
			metrics_int(m, f, sum->v[i]);
	}
	metrics_histogram(m, "answered", &sum->wait_answered,
	    sum->v[MEASURE_wait_answered_ms]);
	metrics_histogram(m, "abandoned", &sum->wait_abandoned,
	    sum->v[MEASURE_wait_abandoned_ms]);
}

static void
metrics_agents(struct metrics *m, const char *state, size_t n)
{
	size_t labels = m->labels.n;

	metrics_label(m, "state", state);
	metrics_int(m, &m->own[OWN_agents], (int64_t)n);
	m->labels.n = labels;
	m->labels.p[labels] = '\0';
}

static void
metrics_queue(void *ctx, const struct view_switch *sw,
    const struct queue *queue, const struct figure_sum *today RT_UNUSED,
    const struct view_gauges *now)
{
	struct metrics *m = ctx;
	const char *service = view_service_of(m->view, queue->name);

	strbuf_reset(&m->labels);
	metrics_label(m, "switch", sw->name);
	metrics_label(m, "queue", queue->name);
	metrics_label(m, "service", service != NULL ? service : "");
	metrics_int(m, &m->own[OWN_waiting], (int64_t)now->waiting);
	metrics_us(m, &m->own[OWN_longest], now->longest_wait_us);
	metrics_int(m, &m->own[OWN_talking], (int64_t)now->talking);
	metrics_int(m, &m->own[OWN_logged_in], (int64_t)now->logged_in);
	metrics_agents(m, "free", now->free);
	metrics_agents(m, "talking", now->busy);
	metrics_agents(m, "wrapping_up", now->wrapping_up);
	metrics_agents(m, "paused", now->paused);
	figure_sum_reset(&m->sum);
	live_total(queue, &m->sum);
	metrics_measures(m);
}

/* --- feeds, database, the process --------------------------------------- */

static void
metrics_feeds(struct metrics *m, int64_t now_us)
{
	struct view_feed_now now;
	size_t i;
	int c;

	for (i = 0; i < view_feeds(m->view); i++) {
		const struct view_feed *feed = view_feed(m->view, i);

		view_feed_now(m->view, i, now_us, &now);
		strbuf_reset(&m->labels);
		metrics_label(m, "feed", feed->name);
		metrics_label(m, "switch", feed->switch_name);
		metrics_int(m, &m->own[OWN_feed_following],
		    now.state == VIEW_FEED_FOLLOWING);
		metrics_int(m, &m->own[OWN_feed_stale], now.stale);
		metrics_us(m, &m->own[OWN_feed_last], now.last_event_us);
		for (c = 0; c < COUNTERS; c++)
			metrics_int(
			    m, &m->counters[c], (int64_t)now.counters.v[c]);
	}
	strbuf_reset(&m->labels);
}

static void
metrics_database(struct metrics *m)
{
	struct view_database db = {.state = ""};

	view_database(m->view, &db);
	metrics_int(m, &m->own[OWN_db_up], strcmp(db.state, "ready") == 0);
	metrics_int(m, &m->own[OWN_db_batches], (int64_t)db.batches);
	metrics_us(m, &m->own[OWN_db_commit], db.committed_us);
	metrics_us(m, &m->own[OWN_db_lag], db.lag_us);
	metrics_int(m, &m->own[OWN_db_pending], (int64_t)db.pending_bytes);
}

static int64_t
metrics_rss(void)
{
	long pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (file == NULL)
		return 0;
	if (fscanf(file, "%*d %ld", &pages) != 1)
		pages = 0;
	fclose(file);
	return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

static void
metrics_process(struct metrics *m, const struct metrics_http *http)
{
	struct rusage usage;

	metrics_label(m, "version", PACKAGE_VERSION);
	metrics_int(m, &m->own[OWN_build], 1);
	strbuf_reset(&m->labels);
	if (getrusage(RUSAGE_SELF, &usage) == 0)
		metrics_us(m, &m->own[OWN_cpu],
		    (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) *
			    USEC_PER_SEC +
			usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
	metrics_int(m, &m->own[OWN_rss], metrics_rss());
	metrics_us(m, &m->own[OWN_start], http->started_us);
	metrics_int(
	    m, &m->own[OWN_http_connections], (int64_t)http->connections);
	metrics_int(m, &m->own[OWN_http_streams], (int64_t)http->streams);
	metrics_int(m, &m->own[OWN_http_requests], (int64_t)http->requests);
	metrics_int(m, &m->own[OWN_http_refused], (int64_t)http->refused);
	metrics_int(m, &m->own[OWN_http_cut], (int64_t)http->cut);
	metrics_int(m, &m->own[OWN_http_missed], (int64_t)http->missed);
	metrics_int(m, &m->own[OWN_http_dropped], (int64_t)http->dropped);
}

void
metrics_render(struct view *view, const struct metrics_http *http,
    int64_t now_us, bool open, struct strbuf *to)
{
	struct metrics *m = mem_zalloc(sizeof(*m));
	int i;

	m->open = open;
	m->view = view;
	metrics_init(m);
	metrics_buckets(m);
	metrics_process(m, http);
	metrics_database(m);
	metrics_feeds(m, now_us);
	view_each_queue(view, now_us, metrics_queue, m);
	for (i = 0; i < OWNS; i++)
		metrics_write(m, &m->own[i], to);
	for (i = 0; i < COUNTERS; i++)
		metrics_write(m, &m->counters[i], to);
	for (i = 0; i < MEASURES; i++)
		metrics_write(m, &m->measures[i], to);
	if (open)
		strbuf_adds(to, "# EOF\n");
	metrics_fini(m);
	free(m);
}
