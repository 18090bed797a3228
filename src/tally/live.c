/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/zone.h"
#include "tally/live.h"

#define LIVE_STEP_BACK_US (3600 * USEC_PER_SEC)
#define LIVE_AHEAD_US	  (SEC_PER_DAY * USEC_PER_SEC) /* of our own clock */

void
live_init(struct live *live, struct tally *tally)
{
	*live = (struct live){.tally = tally,
	    .day_since_us = INT64_MAX,
	    .hour_since_us = INT64_MAX};
	pool_init(&live->cells, sizeof(struct live_cell));
	pool_init(&live->queues, sizeof(struct live_queue));
	live->totals = &live->own;
	tally->live = live;
}

void
live_carry(struct live *live, struct totals *totals)
{
	live->totals = totals;
}

static void
live_free_cell(struct live *live, struct live_cell *cell)
{
	if (cell == NULL)
		return;
	bins_fini(&cell->wait_answered);
	bins_fini(&cell->wait_abandoned);
	pool_put(&live->cells, cell);
}

static void
live_free_queue(struct live *live, struct live_queue *q)
{
	size_t i;

	for (i = 0; i < q->n_intervals; i++)
		live_free_cell(live, q->intervals[i]);
	for (i = 0; i < LIVE_MINUTES; i++)
		live_free_cell(live, q->minutes[i]);
	free(q->intervals);
	figure_sum_fini(&q->today);
	pool_put(&live->queues, q);
}

void
live_fini(struct live *live)
{
	struct queue *queue, *next;

	if (live->tally == NULL)
		return;
	HASH_ITER (hh, live->tally->queues, queue, next)
		if (queue->live != NULL) {
			live_free_queue(live, queue->live);
			queue->live = NULL;
		}
	pool_fini(&live->cells);
	pool_fini(&live->queues);
	totals_fini(&live->own);
	live->tally->live = NULL;
	*live = (struct live){0};
}

static struct live_queue *
live_queue(struct live *live, struct queue *queue)
{
	if (queue->live == NULL) {
		queue->live = pool_get(&live->queues);
		queue->live->total = totals_get(live->totals, queue->name);
	}
	return queue->live;
}

static void
live_add_cell(struct figure_sum *to, const struct live_cell *cell)
{
	figure_add_measures(to->v, cell->v);
	bins_merge(&to->wait_answered, &cell->wait_answered);
	bins_merge(&to->wait_abandoned, &cell->wait_abandoned);
}

/* --- the day ------------------------------------------------------------- */

static int64_t
live_first_interval(const struct live *live)
{
	int64_t interval = live->tally->config.interval_us;

	return utc_floor(live->day_us + interval - 1, interval);
}

/* Forgets the intervals before the new day's, and adds up the others. */
static void
live_turn_queue(struct live *live, struct live_queue *q, size_t gone)
{
	size_t i;

	gone = RT_MIN(gone, q->n_intervals);
	for (i = 0; i < gone; i++)
		live_free_cell(live, q->intervals[i]);
	q->n_intervals -= gone;
	if (q->n_intervals > 0)
		memmove(q->intervals, q->intervals + gone,
		    q->n_intervals * sizeof(struct live_cell *));
	figure_sum_reset(&q->today);
	for (i = 0; i < q->n_intervals; i++)
		if (q->intervals[i] != NULL &&
		    q->intervals[i]->starts_us < live->next_day_us)
			live_add_cell(&q->today, q->intervals[i]);
	q->version++;
}

static void
live_turn_day(struct live *live, int64_t now_us)
{
	int64_t first = live->first_us, gone, day_us = zone_day_start(now_us);
	bool set = live->day_us != 0 && day_us != live->next_day_us;
	struct queue *queue, *next;

	live->day_us = day_us;
	live->next_day_us = zone_day_next(now_us);
	live->first_us = live_first_interval(live);
	gone = (live->first_us - first) / live->tally->config.interval_us;
	if (gone < 0) /* nobody kept what is today again */
		gone = INT64_MAX;
	HASH_ITER (hh, live->tally->queues, queue, next)
		if (queue->live != NULL)
			live_turn_queue(live, queue->live, (size_t)gone);
	if (!set)
		return;
	if (live->day_since_us != INT64_MAX)
		live->day_since_us = live->hour_since_us = now_us;
	if (live->lost == NULL)
		return;
	/* of a time that was none the day may begin behind it: not complete */
	live->day_since_us = live->hour_since_us = INT64_MAX;
	live->lost(live->lost_ctx);
}

void
live_on_lost(struct live *live, void (*lost)(void *ctx), void *ctx)
{
	live->lost = lost;
	live->lost_ctx = ctx;
}

void
live_clock(struct live *live, int64_t now_us)
{
	live->now_us = now_us;
	if (now_us >= live->next_day_us ||
	    now_us < live->day_us - LIVE_STEP_BACK_US)
		live_turn_day(live, now_us);
}

/* The interval's cell, made when new; NULL: of another time than today. */
static struct live_cell *
live_interval_cell(struct live *live, struct live_queue *q, int64_t starts_us)
{
	int64_t interval = live->tally->config.interval_us;
	size_t at;

	if (starts_us < live->first_us ||
	    starts_us >= live->next_day_us + LIVE_AHEAD_US)
		return NULL;
	at = (size_t)((starts_us - live->first_us) / interval);
	if (at >= q->n_intervals) {
		q->intervals =
		    mem_realloc(q->intervals, at + 1, sizeof(*q->intervals));
		memset(q->intervals + q->n_intervals, 0,
		    (at + 1 - q->n_intervals) * sizeof(*q->intervals));
		q->n_intervals = at + 1;
	}
	if (q->intervals[at] == NULL) {
		q->intervals[at] = pool_get(&live->cells);
		q->intervals[at]->starts_us = starts_us;
	}
	return q->intervals[at];
}

/* A broken line from the future must not keep a queue on the wall. */
static void
live_hear(struct live *live, struct live_queue *q, int64_t starts_us)
{
	if (starts_us <= live->now_us + LIVE_AHEAD_US)
		q->heard_us = RT_MAX(q->heard_us, starts_us);
}

static void
live_keep(struct live *live, struct live_queue *q, const struct cell *cell)
{
	struct live_cell *to = live_interval_cell(live, q, cell->starts_us);

	q->version++;
	live_hear(live, q, cell->starts_us);
	if (to == NULL)
		return;
	figure_add_measures(to->v, cell->v);
	bins_add_hist(&to->wait_answered, &cell->wait_answered);
	bins_add_hist(&to->wait_abandoned, &cell->wait_abandoned);
	if (cell->starts_us < live->next_day_us)
		figure_add_cell(&q->today, cell);
}

void
live_take(struct live *live, const struct cell *cell)
{
	struct live_queue *q = live_queue(live, cell->queue);

	figure_add_cell(&q->total->sum, cell);
	live_keep(live, q, cell);
}

void
live_load(struct live *live, struct queue *queue, const struct cell *stored)
{
	live_keep(live, live_queue(live, queue), stored);
}

void
live_load_heard(struct live *live, struct queue *queue, int64_t starts_us)
{
	live_hear(live, live_queue(live, queue), starts_us);
}

void
live_loaded(struct live *live, int64_t day_us, int64_t hour_us)
{
	live->day_since_us = day_us;
	live->hour_since_us = hour_us;
}

void
live_touch(struct live *live, struct queue *queue)
{
	live_queue(live, queue)->version++;
}

/* --- the last hour ------------------------------------------------------- */

/* The cell of the minute, made when new; NULL: it is not of the last hour. */
static struct live_cell *
live_minute_cell(struct live *live, struct queue *queue, int64_t t_us)
{
	int64_t now = utc_floor(live->now_us, LIVE_MINUTE_US);
	int64_t starts = utc_floor(t_us, LIVE_MINUTE_US);
	struct live_queue *q = live_queue(live, queue);
	struct live_cell **at, *cell;

	q->version++;
	live_hear(live, q, utc_floor(t_us, live->tally->config.interval_us));
	if (starts <= now - LIVE_WINDOW * LIVE_MINUTE_US ||
	    starts > now + (LIVE_MINUTES - LIVE_WINDOW) * LIVE_MINUTE_US)
		return NULL;
	at = &q->minutes[(uint64_t)(starts / LIVE_MINUTE_US) % LIVE_MINUTES];
	cell = *at;
	if (cell != NULL && cell->starts_us != starts) {
		live_free_cell(live, cell);
		cell = NULL;
	}
	if (cell == NULL) {
		cell = *at = pool_get(&live->cells);
		cell->starts_us = starts;
	}
	return cell;
}

void
live_book(struct live *live, struct queue *queue, int64_t entered_us,
    enum measure m, int64_t n)
{
	struct live_cell *cell = live_minute_cell(live, queue, entered_us);

	if (cell == NULL)
		return;
	if (measure_kind(m) == MEASURE_KIND_MAX)
		cell->v[m] = RT_MAX(cell->v[m], n);
	else
		cell->v[m] += n;
}

void
live_outcome(struct live *live, struct queue *queue, int64_t entered_us,
    enum outcome outcome, int64_t wait_ms, int n)
{
	struct live_cell *cell = live_minute_cell(live, queue, entered_us);
	int64_t *v;

	if (cell == NULL)
		return;
	v = cell->v;
	v[tally_outcome_measure[outcome]] += n;
	if (wait_ms == EVENT_UNKNOWN_MS)
		return;
	if (outcome == OUTCOME_ANSWERED) {
		v[MEASURE_wait_answered_ms] += n * wait_ms;
		bins_add(&cell->wait_answered, hist_bin(wait_ms), n);
	} else if (outcome == OUTCOME_ABANDONED) {
		v[MEASURE_wait_abandoned_ms] += n * wait_ms;
		if (wait_ms * USEC_PER_MSEC <=
		    live->tally->config.short_abandon_us)
			v[MEASURE_abandoned_short] += n;
		bins_add(&cell->wait_abandoned, hist_bin(wait_ms), n);
	}
}

/* --- what is shown ------------------------------------------------------- */

static void
live_add_pending(
    const struct queue *queue, int64_t starts_us, struct figure_sum *to)
{
	struct cell *cell;

	HASH_FIND(hh, queue->cells, &starts_us, sizeof(starts_us), cell);
	if (cell != NULL && cell->changed)
		figure_add_cell(to, cell);
}

void
live_today(
    const struct live *live, const struct queue *queue, struct figure_sum *to)
{
	int64_t interval = live->tally->config.interval_us, starts;
	struct cell *cell, *next;

	if (queue->live != NULL)
		figure_add(to, &queue->live->today);
	/* in a back-fill there are cells of months */
	if (HASH_COUNT(queue->cells) >
	    (live->next_day_us - live->first_us) / interval) {
		for (starts = live->first_us; starts < live->next_day_us;
		     starts += interval)
			live_add_pending(queue, starts, to);
		return;
	}
	HASH_ITER (hh, queue->cells, cell, next)
		if (cell->changed && cell->starts_us >= live->first_us &&
		    cell->starts_us < live->next_day_us)
			figure_add_cell(to, cell);
}

void
live_total(const struct queue *queue, struct figure_sum *to)
{
	struct cell *cell, *next;

	HASH_ITER (hh, queue->cells, cell, next)
		if (cell->changed)
			figure_add_cell(to, cell);
	if (queue->live != NULL)
		total_show(queue->live->total, to);
}

void
live_window(const struct live *live, const struct queue *queue,
    unsigned minutes, struct figure_sum *to)
{
	int64_t until = utc_floor(live->now_us, LIVE_MINUTE_US);
	int64_t since = live_window_since(live, minutes);
	size_t i;

	if (queue->live == NULL)
		return;
	for (i = 0; i < LIVE_MINUTES; i++) {
		const struct live_cell *cell = queue->live->minutes[i];

		if (cell != NULL && cell->starts_us >= since &&
		    cell->starts_us <= until)
			live_add_cell(to, cell);
	}
}

void
live_interval(const struct live *live, const struct queue *queue,
    int64_t starts_us, struct figure_sum *to)
{
	const struct live_queue *q = queue->live;
	size_t at;

	live_add_pending(queue, starts_us, to);
	if (q == NULL || starts_us < live->first_us)
		return;
	at = (size_t)((starts_us - live->first_us) /
	    live->tally->config.interval_us);
	if (at < q->n_intervals && q->intervals[at] != NULL)
		live_add_cell(to, q->intervals[at]);
}

int64_t
live_window_since(const struct live *live, unsigned minutes)
{
	return utc_floor(live->now_us, LIVE_MINUTE_US) -
	    (int64_t)(minutes - 1) * LIVE_MINUTE_US;
}

bool
live_day_is_complete(const struct live *live)
{
	return live->day_since_us <= live->day_us;
}

bool
live_window_is_complete(const struct live *live, unsigned minutes)
{
	return live->hour_since_us <= live_window_since(live, minutes);
}

uint64_t
live_version(const struct queue *queue)
{
	return queue->live != NULL ? queue->live->version : 0;
}

bool
live_shows(const struct live *live, const struct queue *queue)
{
	return queue->live != NULL &&
	    queue->live->heard_us >= live->day_us - LIVE_SHOWN_US;
}
