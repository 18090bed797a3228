/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of /metrics. All samples of a family must stand together.
 * So what belongs to no queue is written into its family's own samples; of the
 * queues the numbers are gathered first, a row of them for each queue, and
 * written family by family, each as the lines that it has for every queue.
 */
#ifndef RT_SERVE_METRICS_INNER_H
#define RT_SERVE_METRICS_INNER_H

#include "serve/metrics.h"

#define METRICS_NAME_MAX 64

enum metrics_type { METRICS_GAUGE, METRICS_COUNTER, METRICS_HISTOGRAM };

/* In the order of the text: those that follow from no table come first. */
enum metrics_which {
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
	OWN_feed_skew,
	OWN_contacts,
	OWN_contact_requests,
	OWN_contacts_at,
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
	OWNS,
	METRICS_OF_COUNTERS = OWNS,
	METRICS_OF_MEASURES = METRICS_OF_COUNTERS + COUNTERS,
	METRICS_FAMILIES = METRICS_OF_MEASURES + MEASURES
};

/* What a family says of each queue: head, the queue's labels, tail, number. */
struct metrics_line {
	struct strbuf head, tail; /* `name{`; `,le="5.0"} ` */
	size_t at;		  /* of its number in the queue's row */
	bool ms;		  /* which is shown in seconds */
};

struct metrics_family {
	char name[METRICS_NAME_MAX];
	enum metrics_type type;
	const char *unit, *help;
	struct strbuf samples;
	struct metrics_line *lines;
	size_t n_lines;
};

struct metrics_queues {
	struct view_gauges *gauges; /* n of them */
	size_t n;
	int64_t *bounds; /* of the buckets, in seconds */
	size_t n_bounds;
	int64_t *rows; /* n rows of row_n numbers */
	size_t row_n;
	struct strbuf labels; /* of all queues, one behind the other */
	size_t *labels_end;   /* n of them */
	struct figure_sum sum;
};

struct metrics {
	struct view *view;
	uint64_t epoch; /* the view's, when it began */
	bool open;
	struct metrics_family families[METRICS_FAMILIES];
	struct metrics_queues queues;
	struct strbuf labels; /* of a feed, while its samples are made */
	bool gathered;	      /* the rows are there: it is written now */
	unsigned family;      /* being written */
	size_t at;	      /* the next queue */
	struct strbuf out;
};

/* --- metrics_family.c --------------------------------------------------- */

void metrics_families_init(struct metrics *m);
void metrics_families_fini(struct metrics *m);
void metrics_add_label(struct strbuf *to, const char *name, const char *value);
/* A number, or milliseconds as seconds, and the end of the line. */
void metrics_add_number(struct strbuf *to, int64_t value, bool ms);
/* HELP, TYPE and UNIT. */
void metrics_write_head(struct metrics *m, const struct metrics_family *f);

/* --- metrics_queues.c --------------------------------------------------- */

/* Which lines there are; takes the gauges over. */
void
metrics_queues_init(struct metrics *m, struct view_gauges *gauges, size_t n);
void metrics_queues_fini(struct metrics_queues *q);
/* Fills the row of queue i. */
void metrics_queue_gather(struct metrics *m, size_t i);
/* All lines of a family for queue i. */
void metrics_queue_write(
    struct metrics *m, const struct metrics_family *f, size_t i);

#endif
