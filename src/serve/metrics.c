/* SPDX-License-Identifier: BSD-2-Clause */
/* A text of /metrics, from step to step; and what belongs to no queue. */
#include "base/base.h"

#include <sys/resource.h>

#include "serve/metrics_inner.h"

/* Guesses at the text's size: of a number's line end, of HELP and TYPE. */
#define METRICS_NUMBER 12
#define METRICS_HEAD   256

const char *
metrics_type(bool open)
{
	return open ? "application/openmetrics-text; version=1.0.0; "
		      "charset=utf-8"
		    : "text/plain; version=0.0.4; charset=utf-8";
}

bool
metrics_is_open(const struct metrics *m)
{
	return m->open;
}

/* --- feeds, database, the process --------------------------------------- */

static void
metrics_sample(struct metrics *m, unsigned family, int64_t value, bool ms)
{
	struct metrics_family *f = &m->families[family];
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
	metrics_add_number(to, value, ms);
}

static void
metrics_int(struct metrics *m, unsigned family, int64_t value)
{
	metrics_sample(m, family, value, false);
}

static void
metrics_us(struct metrics *m, unsigned family, int64_t us)
{
	metrics_sample(m, family, RT_MAX(us, INT64_C(0)) / USEC_PER_MSEC, true);
}

static void
metrics_feeds(struct metrics *m, int64_t now_us)
{
	struct view_feed_now now;
	size_t i;
	unsigned c;

	for (i = 0; i < view_feeds(m->view); i++) {
		const struct view_feed *feed = view_feed(m->view, i);

		view_feed_now(m->view, i, now_us, &now);
		strbuf_reset(&m->labels);
		metrics_add_label(&m->labels, "feed", feed->name);
		metrics_add_label(&m->labels, "switch", feed->switch_name);
		metrics_int(
		    m, OWN_feed_following, now.state == VIEW_FEED_FOLLOWING);
		metrics_int(m, OWN_feed_stale, now.stale);
		metrics_us(m, OWN_feed_last, now.last_event_us);
		if (now.skew_known)
			metrics_sample(m, OWN_feed_skew,
			    now.skew_us / (int64_t)USEC_PER_MSEC, true);
		for (c = 0; c < COUNTERS; c++)
			metrics_int(m, METRICS_OF_COUNTERS + c,
			    (int64_t)now.counters.v[c]);
	}
	strbuf_reset(&m->labels);
}

static void
metrics_database(struct metrics *m)
{
	struct view_database db = {.state = ""};

	view_database(m->view, &db);
	metrics_int(m, OWN_db_up, strcmp(db.state, "ready") == 0);
	metrics_int(m, OWN_db_batches, (int64_t)db.batches);
	metrics_us(m, OWN_db_commit, db.committed_us);
	metrics_us(m, OWN_db_lag, db.lag_us);
	metrics_int(m, OWN_db_pending, (int64_t)db.pending_bytes);
}

static void
metrics_contacts_said(struct metrics *m, const struct view_contacts_row *row)
{
	const struct {
		const char *assessment;
		int64_t n;
	} said[] = {
	    {"avoidable", row->avoidable},
	    {"not_avoidable", row->assessed - row->avoidable},
	    {"not_assessed", row->contacts - row->assessed},
	};
	size_t i;

	for (i = 0; i < RT_COUNT(said); i++) {
		strbuf_reset(&m->labels);
		metrics_add_label(&m->labels, "channel", row->channel);
		metrics_add_label(&m->labels, "assessment", said[i].assessment);
		metrics_int(m, OWN_contacts, said[i].n);
	}
	strbuf_reset(&m->labels);
}

/* The database's own figures; none before it said some. */
static void
metrics_contacts(struct metrics *m)
{
	const struct view_contacts *contacts = view_contacts(m->view);
	size_t i;

	if (contacts->at_us == 0)
		return;
	for (i = 0; i < contacts->n; i++)
		metrics_contacts_said(m, &contacts->v[i]);
	metrics_int(m, OWN_contact_requests, contacts->today.requests);
	metrics_us(m, OWN_contacts_at, contacts->at_us);
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

	metrics_add_label(&m->labels, "version", PACKAGE_VERSION);
	metrics_int(m, OWN_build, 1);
	strbuf_reset(&m->labels);
	if (getrusage(RUSAGE_SELF, &usage) == 0)
		metrics_us(m, OWN_cpu,
		    (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) *
			    USEC_PER_SEC +
			usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
	metrics_int(m, OWN_rss, metrics_rss());
	metrics_us(m, OWN_start, http->started_us);
	metrics_int(m, OWN_http_connections, (int64_t)http->connections);
	metrics_int(m, OWN_http_streams, (int64_t)http->streams);
	metrics_int(m, OWN_http_requests, (int64_t)http->requests);
	metrics_int(m, OWN_http_refused, (int64_t)http->refused);
	metrics_int(m, OWN_http_cut, (int64_t)http->cut);
	metrics_int(m, OWN_http_missed, (int64_t)http->missed);
	metrics_int(m, OWN_http_dropped, (int64_t)http->dropped);
}

/* --- step by step ------------------------------------------------------- */

struct metrics *
metrics_new(struct view *view, const struct metrics_http *http, int64_t now_us,
    bool open)
{
	struct view_gauges *gauges;
	struct metrics *m;
	size_t n;

	gauges = view_gauges(view, now_us, &n);
	if (gauges == NULL)
		return NULL;
	m = mem_zalloc(sizeof(*m));
	m->open = open;
	m->view = view;
	m->epoch = view_epoch(view);
	metrics_families_init(m);
	metrics_process(m, http);
	metrics_database(m);
	metrics_feeds(m, now_us);
	metrics_contacts(m);
	metrics_queues_init(m, gauges, n);
	return m;
}

/* Room for all of it, so that what is there is not copied as it grows. */
static void
metrics_reserve(struct metrics *m)
{
	const struct metrics_queues *q = &m->queues;
	size_t bytes = 0, i, k;

	for (i = 0; i < METRICS_FAMILIES; i++) {
		const struct metrics_family *f = &m->families[i];

		bytes += METRICS_HEAD + f->samples.n;
		bytes += f->n_lines * q->labels.n;
		for (k = 0; k < f->n_lines; k++)
			bytes += q->n *
			    (f->lines[k].head.n + f->lines[k].tail.n +
				METRICS_NUMBER);
	}
	strbuf_reserve(&m->out, bytes);
}

static void
metrics_gather(struct metrics *m)
{
	size_t end = RT_MIN(m->at + METRICS_STEP, m->queues.n);

	while (m->at < end)
		metrics_queue_gather(m, m->at++);
	if (m->at < m->queues.n)
		return;
	metrics_reserve(m);
	m->gathered = true;
	m->at = 0;
}

/* A family without samples is left out. */
static void
metrics_write(struct metrics *m)
{
	const struct metrics_family *f = &m->families[m->family];
	size_t n = f->n_lines > 0 ? m->queues.n : 0;
	size_t end = RT_MIN(m->at + METRICS_STEP, n);

	if (m->at == 0 && (n > 0 || f->samples.n > 0)) {
		metrics_write_head(m, f);
		strbuf_add(&m->out, f->samples.p, f->samples.n);
	}
	while (m->at < end)
		metrics_queue_write(m, f, m->at++);
	if (m->at < n)
		return;
	m->family++;
	m->at = 0;
	if (m->family == METRICS_FAMILIES && m->open)
		strbuf_adds(&m->out, "# EOF\n");
}

enum metrics_state
metrics_step(struct metrics *m)
{
	if (m->family == METRICS_FAMILIES)
		return METRICS_DONE;
	/* queues and services are others, or gone */
	if (view_epoch(m->view) != m->epoch)
		return METRICS_STALE;
	if (!m->gathered)
		metrics_gather(m);
	else
		metrics_write(m);
	return m->family == METRICS_FAMILIES ? METRICS_DONE : METRICS_WORKING;
}

struct strbuf
metrics_take(struct metrics *m)
{
	struct strbuf text = m->out;

	BUG_ON(m->family != METRICS_FAMILIES);
	m->out = STRBUF_INIT;
	return text;
}

void
metrics_free(struct metrics *m)
{
	if (m == NULL)
		return;
	metrics_families_fini(m);
	metrics_queues_fini(&m->queues);
	strbuf_fini(&m->labels);
	strbuf_fini(&m->out);
	free(m);
}
