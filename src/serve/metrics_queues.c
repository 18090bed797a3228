/* SPDX-License-Identifier: BSD-2-Clause */
/* What /metrics says of queues. */
#include "base/base.h"
#include "serve/metrics_inner.h"

/* A row: these, the measures, and the buckets of both outcomes. */
enum metrics_now {
	NOW_waiting,
	NOW_longest,
	NOW_talking,
	NOW_logged_in,
	NOW_free,
	NOW_busy,
	NOW_wrapping_up,
	NOW_paused,
	NOWS
};

static const struct metrics_now_row {
	enum metrics_which family;
	const char *state; /* the label's; or NULL */
	bool ms;
} metrics_now_rows[NOWS] = {
    [NOW_waiting] = {OWN_waiting, NULL, false},
    [NOW_longest] = {OWN_longest, NULL, true},
    [NOW_talking] = {OWN_talking, NULL, false},
    [NOW_logged_in] = {OWN_logged_in, NULL, false},
    [NOW_free] = {OWN_agents, "free", false},
    [NOW_busy] = {OWN_agents, "talking", false},
    [NOW_wrapping_up] = {OWN_agents, "wrapping_up", false},
    [NOW_paused] = {OWN_agents, "paused", false},
};

static const struct metrics_wait_row {
	const char *outcome;
	enum measure sum;
} metrics_wait_rows[] = {
    {"answered", MEASURE_wait_answered_ms},
    {"abandoned", MEASURE_wait_abandoned_ms},
};

static size_t
metrics_at_measure(size_t measure)
{
	return NOWS + measure;
}

/* The buckets of an outcome; the last is of all waits. */
static size_t
metrics_at_buckets(const struct metrics_queues *q, size_t outcome)
{
	return NOWS + MEASURES + outcome * (q->n_bounds + 1);
}

/* --- which lines there are ---------------------------------------------- */

static void
metrics_add_bound(struct metrics_queues *q, int64_t s)
{
	size_t i;

	for (i = 0; i < q->n_bounds && q->bounds[i] < s; i++)
		;
	if (i < q->n_bounds && q->bounds[i] == s)
		return;
	q->bounds = mem_realloc(q->bounds, q->n_bounds + 1, sizeof(*q->bounds));
	memmove(q->bounds + i + 1, q->bounds + i,
	    (q->n_bounds - i) * sizeof(*q->bounds));
	q->bounds[i] = s;
	q->n_bounds++;
}

/* The configured thresholds, and others from a ring to half an hour. */
static void
metrics_bounds(struct metrics *m)
{
	static const int usual[] = {
	    5, 10, 20, 30, 60, 120, 180, 300, 600, 1200, 1800};
	const struct option_ints *own = &view_settings(m->view)->thresholds_s;
	size_t i;
	int t;

	for (i = 0; i < RT_COUNT(usual); i++)
		metrics_add_bound(&m->queues, usual[i]);
	for (t = 0; t < own->n; t++)
		metrics_add_bound(&m->queues, own->v[t]);
}

/* end: of the name. To the tail labels may be added, see metrics_line_end. */
static struct metrics_line *
metrics_line(struct metrics_family *f, const char *end, size_t at, bool ms)
{
	struct metrics_line *line;

	f->lines = mem_realloc(f->lines, f->n_lines + 1, sizeof(*f->lines));
	line = &f->lines[f->n_lines++];
	*line = (struct metrics_line){.at = at, .ms = ms};
	strbuf_addf(&line->head, "%s%s{", f->name, end);
	return line;
}

static void
metrics_line_end(struct metrics_line *line)
{
	strbuf_adds(&line->tail, "} ");
}

static void
metrics_lines_now(struct metrics *m)
{
	size_t i;

	for (i = 0; i < NOWS; i++) {
		const struct metrics_now_row *row = &metrics_now_rows[i];
		struct metrics_line *line =
		    metrics_line(&m->families[row->family], "", i, row->ms);

		if (row->state != NULL)
			strbuf_addf(&line->tail, ",state=\"%s\"", row->state);
		metrics_line_end(line);
	}
}

static void
metrics_lines_measures(struct metrics *m)
{
	size_t i;

	for (i = 0; i < MEASURES; i++) {
		struct metrics_family *f =
		    &m->families[METRICS_OF_MEASURES + i];

		/* a maximum is no counter, and sums of waits are below */
		if (measure_rows[i].kind != MEASURE_KIND_SUM ||
		    i == MEASURE_wait_answered_ms ||
		    i == MEASURE_wait_abandoned_ms)
			continue;
		metrics_line_end(metrics_line(
		    f, "_total", metrics_at_measure(i), f->unit[0] != '\0'));
	}
}

static void
metrics_line_wait(struct metrics *m, const char *end, const char *outcome,
    const char *le, size_t at)
{
	struct metrics_line *line = metrics_line(
	    &m->families[OWN_wait], end, at, strcmp(end, "_sum") == 0);

	strbuf_addf(&line->tail, ",outcome=\"%s\"", outcome);
	if (le != NULL)
		strbuf_addf(&line->tail, ",le=\"%s\"", le);
	metrics_line_end(line);
}

static void
metrics_lines_waits(struct metrics *m)
{
	const struct metrics_queues *q = &m->queues;
	char le[32];
	size_t i, k;

	for (i = 0; i < RT_COUNT(metrics_wait_rows); i++) {
		const struct metrics_wait_row *row = &metrics_wait_rows[i];
		size_t at = metrics_at_buckets(q, i);

		for (k = 0; k < q->n_bounds; k++) {
			snprintf(le, sizeof(le), "%" PRId64 ".0", q->bounds[k]);
			metrics_line_wait(
			    m, "_bucket", row->outcome, le, at + k);
		}
		metrics_line_wait(m, "_bucket", row->outcome, "+Inf", at + k);
		metrics_line_wait(m, "_count", row->outcome, NULL, at + k);
		metrics_line_wait(m, "_sum", row->outcome, NULL,
		    metrics_at_measure(row->sum));
	}
}

void
metrics_queues_init(struct metrics *m, struct view_gauges *gauges, size_t n)
{
	struct metrics_queues *q = &m->queues;

	metrics_bounds(m);
	metrics_lines_now(m);
	metrics_lines_waits(m);
	metrics_lines_measures(m);
	q->gauges = gauges;
	q->n = n;
	q->row_n = metrics_at_buckets(q, RT_COUNT(metrics_wait_rows));
	/* not zeroed: its pages are touched one step at a time */
	q->rows = mem_realloc(NULL, n + 1, q->row_n * sizeof(*q->rows));
	q->labels_end = mem_realloc(NULL, n + 1, sizeof(*q->labels_end));
}

void
metrics_queues_fini(struct metrics_queues *q)
{
	free(q->gauges);
	free(q->bounds);
	free(q->rows);
	free(q->labels_end);
	strbuf_fini(&q->labels);
	figure_sum_fini(&q->sum);
}

/* --- one queue ---------------------------------------------------------- */

static struct slice
metrics_labels(const struct metrics_queues *q, size_t i)
{
	size_t start = i > 0 ? q->labels_end[i - 1] : 0;

	return (struct slice){q->labels.p + start, q->labels_end[i] - start};
}

static void
metrics_gather_labels(struct metrics *m, size_t i)
{
	struct metrics_queues *q = &m->queues;
	const struct view_gauges *now = &q->gauges[i];
	const char *service = view_service_of(m->view, now->queue->name);
	struct strbuf labels = STRBUF_INIT;

	metrics_add_label(&labels, "switch", now->sw->name);
	metrics_add_label(&labels, "queue", now->queue->name);
	metrics_add_label(&labels, "service", service != NULL ? service : "");
	strbuf_add(&q->labels, labels.p, labels.n);
	q->labels_end[i] = q->labels.n;
	strbuf_fini(&labels);
}

static void
metrics_gather_now(int64_t *row, const struct view_gauges *now)
{
	row[NOW_waiting] = (int64_t)now->waiting;
	row[NOW_longest] =
	    RT_MAX(now->longest_wait_us, INT64_C(0)) / USEC_PER_MSEC;
	row[NOW_talking] = (int64_t)now->talking;
	row[NOW_logged_in] = (int64_t)now->logged_in;
	row[NOW_free] = (int64_t)now->free;
	row[NOW_busy] = (int64_t)now->busy;
	row[NOW_wrapping_up] = (int64_t)now->wrapping_up;
	row[NOW_paused] = (int64_t)now->paused;
}

/* A bin holds its upper end, as a bucket does. */
static void
metrics_gather_waits(
    const struct metrics_queues *q, int64_t *buckets, const struct hist *h)
{
	int64_t sum = 0;
	int32_t bin = 0;
	size_t i;

	for (i = 0; i < q->n_bounds; i++) {
		for (; bin < h->count && h->low + bin <= q->bounds[i]; bin++)
			sum += h->bin[bin];
		buckets[i] = sum;
	}
	for (; bin < h->count; bin++)
		sum += h->bin[bin];
	buckets[i] = sum;
}

void
metrics_queue_gather(struct metrics *m, size_t i)
{
	struct metrics_queues *q = &m->queues;
	int64_t *row = q->rows + i * q->row_n;

	metrics_gather_labels(m, i);
	metrics_gather_now(row, &q->gauges[i]);
	figure_sum_reset(&q->sum);
	live_total(q->gauges[i].queue, &q->sum);
	memcpy(row + metrics_at_measure(0), q->sum.v, sizeof(q->sum.v));
	metrics_gather_waits(
	    q, row + metrics_at_buckets(q, 0), &q->sum.wait_answered);
	metrics_gather_waits(
	    q, row + metrics_at_buckets(q, 1), &q->sum.wait_abandoned);
}

void
metrics_queue_write(struct metrics *m, const struct metrics_family *f, size_t i)
{
	const struct metrics_queues *q = &m->queues;
	const int64_t *row = q->rows + i * q->row_n;
	struct slice labels = metrics_labels(q, i);
	size_t k;

	for (k = 0; k < f->n_lines; k++) {
		const struct metrics_line *line = &f->lines[k];

		strbuf_add(&m->out, line->head.p, line->head.n);
		strbuf_add(&m->out, labels.p, labels.n);
		strbuf_add(&m->out, line->tail.p, line->tail.n);
		metrics_add_number(&m->out, row[line->at], line->ms);
	}
}
