/* SPDX-License-Identifier: BSD-2-Clause */
/* Each queue as it is now, for ringtally.queue_live. */
#include "base/base.h"
#include "app.h"
#include "base/clock.h"

#define APP_WITHIN_S 20 /* where neither a target nor a threshold is set */

/* A queue's row, and of which version its counts are. */
struct app_queue_now {
	struct store_queue_now now;
	uint64_t version;
	int64_t day_us;
	bool counted; /* by the configuration in force */
};

/* As many as there are queues by now; their gauges are 0. */
static void
app_queues_begin(struct app_switch *sw)
{
	uint32_t n = HASH_COUNT(sw->tally.queues), i;

	if (n > sw->n_queues) {
		sw->queues = mem_realloc(sw->queues, n, sizeof(*sw->queues));
		memset(sw->queues + sw->n_queues, 0,
		    (n - sw->n_queues) * sizeof(*sw->queues));
		sw->n_queues = n;
	}
	for (i = 0; i < n; i++) {
		struct store_queue_now *now = &sw->queues[i].now;

		now->waiting = now->talking = 0;
		now->waiting_since_us = 0;
	}
}

void
app_queues_forget(struct app_switch *sw)
{
	free(sw->queues);
	sw->queues = NULL;
	sw->n_queues = 0;
}

static void
app_queues_visits(struct app_switch *sw)
{
	const struct visit *v;

	TAILQ_FOREACH (v, &sw->machine.states[VISIT_WAITING], list) {
		struct store_queue_now *now = &sw->queues[v->queue->id].now;

		if (now->waiting++ == 0 ||
		    v->entered_us < now->waiting_since_us)
			now->waiting_since_us = v->entered_us;
	}
	TAILQ_FOREACH (v, &sw->machine.states[VISIT_TALKING], list)
		sw->queues[v->queue->id].now.talking++;
}

static int64_t
app_queue_within_s(const struct conf *conf, const char *queue)
{
	const char *name = conf_service_of(conf, queue);
	const struct conf_service *s;

	for (s = conf->services; s != NULL && name != NULL; s = s->next)
		if (strcmp(s->name, name) == 0 && s->target.within_s != 0)
			return s->target.within_s;
	return conf->thresholds_s.n > 0 ? conf->thresholds_s.v[0]
					: APP_WITHIN_S;
}

/* What was counted today, worked out again where it changed. */
static void
app_queue_count(const struct app_switch *sw, const struct queue *queue,
    struct app_queue_now *q, struct figure_sum *sum)
{
	if (q->counted && q->version == live_version(queue) &&
	    q->day_us == sw->now.day_us)
		return;
	figure_sum_reset(sum);
	live_today(&sw->now, queue, sum);
	if (!q->counted)
		q->now.within_s =
		    (int32_t)app_queue_within_s(sw->app->conf, queue->name);
	q->counted = true;
	q->version = live_version(queue);
	q->now.today_us = q->day_us = sw->now.day_us;
	q->now.offered = sum->v[MEASURE_offered];
	q->now.answered = sum->v[MEASURE_answered];
	q->now.abandoned = sum->v[MEASURE_abandoned];
	q->now.answered_within =
	    hist_within(&sum->wait_answered, q->now.within_s);
}

static void
app_queue_agents(
    struct store_queue_now *now, const struct presence_counts *counts)
{
	now->logged_in = (int32_t)counts->logged_in;
	now->free = (int32_t)counts->of[PRESENCE_FREE];
	now->busy = (int32_t)counts->of[PRESENCE_TALKING];
	now->wrapping_up = (int32_t)counts->of[PRESENCE_WRAPPING_UP];
	now->paused = (int32_t)counts->of[PRESENCE_PAUSED];
}

static void
app_queues_of(struct app_switch *sw, struct store *store)
{
	struct presence_board *board = &sw->app->board;
	struct figure_sum sum = {0};
	int64_t now_us = clock_wall_us();
	struct queue *queue, *next;

	live_clock(&sw->now, now_us);
	app_queues_begin(sw);
	app_queues_visits(sw);
	presence_board_reset(board, HASH_COUNT(sw->tally.queues));
	presence_count(board, &sw->tally, now_us, NULL, NULL);
	HASH_ITER (hh, sw->tally.queues, queue, next) {
		struct app_queue_now *q = &sw->queues[queue->id];

		if (!live_shows(&sw->now, queue))
			continue;
		app_queue_count(sw, queue, q, &sum);
		app_queue_agents(&q->now, presence_counts(board, queue->id));
		store_queue_now(store, sw->name,
		    (struct slice){queue->name, queue->name_len}, &q->now);
	}
	figure_sum_fini(&sum);
}

void
app_queues(void *ctx, struct store *store)
{
	struct app *app = ctx;
	size_t i;

	for (i = 0; i < app->n_switches; i++)
		if (app->switches[i].live)
			app_queues_of(&app->switches[i], store);
}
