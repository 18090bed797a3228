/* SPDX-License-Identifier: BSD-2-Clause */
/* The other documents: calls, feeds, the day's intervals, formulas. */
#include "base/base.h"
#include "serve/view_inner.h"

#define VIEW_CALLS_MAX 5000 /* shown; those that wait first */

void
view_lists_end(struct view *view, struct view_job *job)
{
	(void)view;
	(void)job;
}

/* --- calls --------------------------------------------------------------- */

struct view_call {
	const struct view_queue *vq;
	const struct visit *v;
};

/* Who waits, longest first; then who talks, longest first. */
static int
view_call_order_cb(const void *a, const void *b)
{
	const struct view_call *ca = a, *cb = b;
	const struct visit *va = ca->v, *vb = cb->v;

	if (va->state != vb->state)
		return va->state < vb->state ? -1 : 1;
	if (va->entered_us != vb->entered_us)
		return va->entered_us < vb->entered_us ? -1 : 1;
	if (va->offset != vb->offset)
		return va->offset < vb->offset ? -1 : 1;
	return strcmp(ca->vq->sw->name, cb->vq->sw->name);
}

/* Those of a state; returns how many did not fit. */
static size_t
view_calls_collect(struct view *view, const struct view_switch *sw,
    enum visit_state state, struct view_call *calls, size_t *n)
{
	const struct visit *v;
	size_t left_out = 0;

	TAILQ_FOREACH (v, &sw->machine->states[state], list) {
		const struct view_queue *vq = view_queue_of(view, sw, v->queue);

		if (!vq->in)
			continue;
		if (*n < VIEW_CALLS_MAX)
			calls[(*n)++] = (struct view_call){vq, v};
		else
			left_out++;
	}
	return left_out;
}

static void
view_call_write(const struct view *view, struct strbuf *b,
    const struct view_call *call, int64_t now_us)
{
	const struct visit *v = call->v;
	bool talking = v->state == VISIT_TALKING;

	json_put_object(b, NULL);
	json_put_string(b, "switch", call->vq->sw->name);
	json_put_text(
	    b, "call_id", (struct slice){v->call->id, v->call->id_len});
	json_put_int(b, "visit_no", v->number);
	json_put_string(b, "queue", v->queue->name);
	json_put_string(b, "service", call->vq->service->name);
	json_put_string(b, "state", talking ? "talking" : "waiting");
	json_put_time(b, "entered_at", v->entered_us);
	json_put_seconds(b, "wait_s",
	    talking ? v->wait_ms * USEC_PER_MSEC
		    : RT_MAX(now_us - v->entered_us, 0));
	json_put_time(b, "answered_at", talking ? v->answered_us : 0);
	json_put_string(
	    b, "agent", talking && v->agent != NULL ? v->agent->name : NULL);
	json_put_seconds(
	    b, "talk_s", talking ? RT_MAX(now_us - v->answered_us, 0) : -1);
	if (view->settings.show_numbers)
		json_put_string(b, "caller", v->caller_number);
	json_end_object(b);
}

void
view_calls_begin(struct view *view, struct view_job *job)
{
	static const enum visit_state states[] = {VISIT_WAITING, VISIT_TALKING};
	struct view_call *calls = mem_zalloc(VIEW_CALLS_MAX * sizeof(*calls));
	size_t n = 0, left_out = 0, i, k;

	view_count(view, job);
	for (k = 0; k < RT_COUNT(states); k++)
		for (i = 0; i < view->n_switches; i++)
			left_out += view_calls_collect(
			    view, &view->switches[i], states[k], calls, &n);
	qsort(calls, n, sizeof(*calls), view_call_order_cb);
	json_put_array(&job->out, "calls");
	for (i = 0; i < n; i++)
		view_call_write(view, &job->out, &calls[i], job->now_us);
	json_end_array(&job->out);
	json_put_int(&job->out, "calls_left_out", (int64_t)left_out);
	view_callbacks_write(view, job);
	free(calls);
}

/* --- feeds --------------------------------------------------------------- */

const char *
view_feed_state_name(enum view_feed_state state)
{
	static const char *const names[VIEW_FEED_STATES] = {
	    "closed", "waiting", "reading", "following", "paused", "failed"};

	BUG_ON((unsigned)state >= VIEW_FEED_STATES);
	return names[state];
}

void
view_feed_now(const struct view *view, size_t i, int64_t now_us,
    struct view_feed_now *now)
{
	const struct view_feed *feed = view_feed(view, i);
	const struct intake *in = feed->intake;
	int64_t limit = view->settings.stale_after_us;

	*now = (struct view_feed_now){
	    .last_event_us = in->last_event_us, .silence_us = -1};
	now->state = feed->state(feed->ctx, &now->why);
	feed->position(feed->ctx, &now->position);
	intake_counted(in, &now->counters);
	now->connects =
	    feed->status != NULL && feed->status(feed->ctx, &now->status);
	if (now->status.dropped > 0) {
		now->counters.v[COUNTER_gaps]++;
		now->counters.v[COUNTER_lost_bytes] +=
		    (uint64_t)now->status.dropped_bytes;
	}
	if (in->last_event_us != 0)
		now->silence_us = RT_MAX(now_us - in->last_event_us, 0);
	now->skew_known = skew_now(&in->skew, now_us, &now->skew_us);
	now->stale =
	    (now->state != VIEW_FEED_FOLLOWING &&
		(now->state != VIEW_FEED_READING || now->why != NULL)) ||
	    (limit > 0 && now->silence_us > limit);
}

void
view_feed_skew_write(struct strbuf *b, const struct view_feed_now *now)
{
	int64_t ms = now->skew_us / (int64_t)USEC_PER_MSEC;

	if (now->skew_known)
		json_put_number(b, "clock_skew_s", (double)ms / 1000);
	else
		json_put_null(b, "clock_skew_s");
}

/* What the stream tells of a feed, too. */
static void
view_feed_state_write(
    struct strbuf *b, const char *name, const struct view_feed_now *now)
{
	json_put_string(b, "feed", name);
	json_put_string(b, "state", view_feed_state_name(now->state));
	json_put_bool(b, "stale", now->stale);
	json_put_time(b, "last_event_at", now->last_event_us);
	json_put_seconds(b, "silence_s", now->silence_us);
	view_feed_skew_write(b, now);
}

static void
view_feed_write(struct strbuf *b, const struct view_feed *feed,
    const struct view_feed_now *now)
{
	int i;

	json_put_object(b, NULL);
	view_feed_state_write(b, feed->name, now);
	json_put_string(b, "switch", feed->switch_name);
	json_put_string(b, "transport", feed->transport);
	json_put_string(b, "format", feed->format);
	json_put_string(b, "why", now->why);
	json_put_string(b, "path",
	    now->position.path[0] != '\0' ? now->position.path : NULL);
	json_put_int(b, "file_no", now->position.file_no);
	json_put_int(b, "offset", now->position.offset);
	json_put_string(b, "guarantee", feed->guarantee);
	if (now->connects)
		json_put_bool(b, "connected", now->status.connected);
	else
		json_put_null(b, "connected");
	json_put_time(b, "connected_at",
	    now->status.connected ? now->status.since_us : 0);
	json_put_string(
	    b, "status", now->status.text[0] != '\0' ? now->status.text : NULL);
	json_put_int(b, "spool_bytes", now->status.spool_bytes);
	json_put_int(b, "spool_records", (int64_t)now->status.unread);
	for (i = 0; i < COUNTERS; i++)
		json_put_int(
		    b, counter_rows[i].name, (int64_t)now->counters.v[i]);
	json_end_object(b);
}

static void
view_database_write(struct view *view, struct strbuf *b)
{
	struct view_database database;

	view_database(view, &database);
	json_put_object(b, "database");
	json_put_string(b, "state", database.state);
	json_put_string(b, "text", database.text);
	json_put_time(b, "committed_at", database.committed_us);
	json_put_int(b, "batches", (int64_t)database.batches);
	json_put_seconds(b, "lag_s", database.lag_us);
	json_put_int(b, "pending_bytes", (int64_t)database.pending_bytes);
	json_end_object(b);
}

static void
view_feeds_each(struct view *view, struct view_job *job, bool whole)
{
	size_t i;

	json_put_array(&job->out, "feeds");
	for (i = 0; i < view->n_feeds; i++) {
		const struct view_feed *feed = &view->feeds[i];
		struct view_feed_now now;

		if (!view_listed(job->filter.switches, feed->switch_name))
			continue;
		view_feed_now(view, i, job->now_us, &now);
		if (whole) {
			view_feed_write(&job->out, feed, &now);
			continue;
		}
		json_put_object(&job->out, NULL);
		view_feed_state_write(&job->out, feed->name, &now);
		json_end_object(&job->out);
	}
	json_end_array(&job->out);
}

void
view_feeds_begin(struct view *view, struct view_job *job)
{
	view_feeds_each(view, job, true);
	view_database_write(view, &job->out);
}

void
view_feeds_short(struct view *view, struct view_job *job)
{
	view_feeds_each(view, job, false);
}

/* --- the intervals of today ---------------------------------------------- */

void
view_intervals_begin(struct view *view, struct view_job *job)
{
	const struct live *live;
	int64_t interval;

	view_count(view, job);
	if (view->n_switches == 0)
		return;
	live = view->switches[0].live;
	interval = live->tally->config.interval_us;
	job->first_us = live->first_us;
	if (job->now_us >= live->first_us)
		job->n_intervals =
		    (size_t)((job->now_us - live->first_us) / interval) + 1;
	job->interval =
	    mem_zalloc((job->n_intervals + 1) * sizeof(*job->interval));
}

bool
view_intervals_step(struct view *view, struct view_job *job)
{
	const struct view_queue *vq;
	int64_t interval;
	size_t i;

	if (job->at >= view->n_queues)
		return false;
	vq = view->queues[job->at++];
	if (!vq->in)
		return true;
	interval = vq->sw->tally->config.interval_us;
	for (i = 0; i < job->n_intervals; i++)
		live_interval(vq->sw->live, vq->queue,
		    job->first_us + (int64_t)i * interval, &job->interval[i]);
	return true;
}

void
view_intervals_end(struct view *view, struct view_job *job)
{
	int64_t interval = view->n_switches > 0
	    ? view->switches[0].tally->config.interval_us
	    : 0;
	size_t i;

	json_put_int(&job->out, "interval_s", interval / USEC_PER_SEC);
	json_put_array(&job->out, "intervals");
	for (i = 0; i < job->n_intervals; i++) {
		json_put_object(&job->out, NULL);
		json_put_time(&job->out, "starts_at",
		    job->first_us + (int64_t)i * interval);
		view_figures_write(view, &job->out, &job->interval[i], true);
		json_end_object(&job->out);
	}
	json_end_array(&job->out);
}

/* --- formulas ------------------------------------------------------------ */

void
view_formulas_begin(struct view *view, struct view_job *job)
{
	int i;

	(void)view;
	json_put_array(&job->out, "formulas");
	for (i = 0; i < FIGURES; i++) {
		json_put_object(&job->out, NULL);
		json_put_string(&job->out, "name", figure_rows[i].name);
		json_put_string(&job->out, "unit", figure_rows[i].unit);
		json_put_string(&job->out, "formula", figure_rows[i].formula);
		json_put_string(&job->out, "help", figure_rows[i].help);
		json_end_object(&job->out);
	}
	json_end_array(&job->out);
}
