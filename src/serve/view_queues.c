/* SPDX-License-Identifier: BSD-2-Clause */
/* Queues, their services and the total: the documents that most look at. */
#include "base/base.h"
#include "serve/view_inner.h"

static const unsigned view_minutes[VIEW_BLOCKS] = {
    [VIEW_LAST_15M] = 15, [VIEW_LAST_60M] = 60};

/* --- services ------------------------------------------------------------ */

static void
view_service_reset(struct view_service *service)
{
	int i;

	service->in = false;
	view_counts_reset(&service->counts);
	for (i = 0; i < VIEW_BLOCKS; i++)
		figure_sum_reset(&service->block[i]);
	strbuf_reset(&service->queues);
}

void
view_service_fini(struct view_service *service)
{
	int i;

	free(service->name);
	view_counts_fini(&service->counts);
	for (i = 0; i < VIEW_BLOCKS; i++)
		figure_sum_fini(&service->block[i]);
	strbuf_fini(&service->queues);
	*service = (struct view_service){0};
}

/* Made when new; NULL: the one of queues without. */
static struct view_service *
view_service_get(struct view *view, const char *name)
{
	const struct view_config *config = &view->config;
	struct view_service *service;

	if (name == NULL)
		return &view->no_service;
	HASH_FIND_STR(view->services, name, service);
	if (service != NULL)
		return service;
	service = mem_zalloc(sizeof(*service));
	service->name = mem_strdup(name);
	service->has_target = config->target_of != NULL &&
	    config->target_of(config->ctx, name, &service->target);
	HASH_ADD_KEYPTR(
	    hh, view->services, service->name, strlen(service->name), service);
	return service;
}

static int
view_service_order(const struct view_service *a, const struct view_service *b)
{
	return strcmp(a->name, b->name);
}

/* --- which queues there are ---------------------------------------------- */

struct view_queue *
view_queue_of(const struct view *view, const struct view_switch *sw,
    const struct queue *queue)
{
	size_t i = (size_t)(sw - view->switches);

	return queue->id < view->n_by_id[i] ? view->by_id[i][queue->id] : NULL;
}

static int
view_queue_order_cb(const void *a, const void *b)
{
	const struct view_queue *qa = *(const struct view_queue *const *)a;
	const struct view_queue *qb = *(const struct view_queue *const *)b;
	int order = strcmp(qa->sw->name, qb->sw->name);

	return order != 0 ? order : strcmp(qa->queue->name, qb->queue->name);
}

static void
view_queue_add(
    struct view *view, const struct view_switch *sw, struct queue *queue)
{
	struct view_queue *vq = mem_zalloc(sizeof(*vq));

	vq->sw = sw;
	vq->queue = queue;
	vq->service =
	    view_service_get(view, view_service_of(view, queue->name));
	vq->counts.oldest_us = INT64_MAX;
	view->queues[view->n_queues++] = vq;
	view->by_id[sw - view->switches][queue->id] = vq;
}

/* The switch's queues that are new since the last look. */
static void
view_switch_refresh(struct view *view, size_t i)
{
	const struct view_switch *sw = &view->switches[i];
	size_t n = HASH_COUNT(sw->tally->queues), old = view->n_by_id[i];
	struct queue *queue, *next;

	if (n == old)
		return;
	view->by_id[i] = mem_realloc(view->by_id[i], n, sizeof(**view->by_id));
	view->queues = mem_realloc(
	    view->queues, view->n_queues + n - old, sizeof(*view->queues));
	HASH_ITER (hh, sw->tally->queues, queue, next)
		if (queue->id >= old)
			view_queue_add(view, sw, queue);
	view->n_by_id[i] = n;
}

void
view_queues_refresh(struct view *view)
{
	size_t old = view->n_queues, i;

	for (i = 0; i < view->n_switches; i++)
		view_switch_refresh(view, i);
	if (view->n_queues == old)
		return;
	qsort(view->queues, view->n_queues, sizeof(*view->queues),
	    view_queue_order_cb);
	HASH_SORT(view->services, view_service_order);
}

static void
view_queue_free(struct view_queue *vq)
{
	int i;

	view_counts_fini(&vq->counts);
	for (i = 0; i < VIEW_BLOCKS; i++)
		figure_sum_fini(&vq->block[i]);
	strbuf_fini(&vq->text);
	free(vq);
}

void
view_queues_forget(struct view *view)
{
	struct view_service *service, *next;
	size_t i;

	for (i = 0; i < view->n_queues; i++)
		view_queue_free(view->queues[i]);
	free(view->queues);
	view->queues = NULL;
	view->n_queues = 0;
	for (i = 0; i < view->n_switches; i++) {
		free(view->by_id[i]);
		view->by_id[i] = NULL;
		view->n_by_id[i] = 0;
	}
	HASH_ITER (hh, view->services, service, next) {
		HASH_DEL(view->services, service);
		view_service_fini(service);
		free(service);
	}
	view_service_fini(&view->no_service);
}

/* --- the lists ----------------------------------------------------------- */

/* It is in today's offered, and may still be answered within the target. */
static bool
view_is_in_time(
    const struct view_queue *vq, const struct visit *v, int64_t now_us)
{
	return vq->service->has_target &&
	    v->entered_us >= vq->sw->live->day_us &&
	    now_us - v->entered_us <=
	    vq->service->target.within_s * USEC_PER_SEC;
}

static void
view_count_visits(
    struct view *view, const struct view_switch *sw, int64_t now_us)
{
	const struct machine *m = sw->machine;
	struct view_queue *vq;
	struct visit *v;

	TAILQ_FOREACH (v, &m->states[VISIT_WAITING], list) {
		vq = view_queue_of(view, sw, v->queue);
		vq->counts.waiting++;
		vq->counts.in_time += view_is_in_time(vq, v, now_us);
		vq->counts.oldest_us =
		    RT_MIN(vq->counts.oldest_us, v->entered_us);
	}
	TAILQ_FOREACH (v, &m->states[VISIT_TALKING], list)
		view_queue_of(view, sw, v->queue)->counts.talking++;
}

static void
view_counts_add(struct view_counts *to, const struct view_counts *from)
{
	to->waiting += from->waiting;
	to->talking += from->talking;
	to->in_time += from->in_time;
	to->oldest_us = RT_MIN(to->oldest_us, from->oldest_us);
}

static bool
view_takes(const struct view_filter *filter, const struct view_queue *vq)
{
	const char *service = vq->service->name;

	return view_listed(filter->queues, vq->queue->name) &&
	    view_listed(filter->switches, vq->sw->name) &&
	    (filter->services == NULL ||
		(service != NULL && view_listed(filter->services, service)));
}

void
view_count(struct view *view, struct view_job *job)
{
	struct view_service *service, *next;
	size_t i;

	HASH_ITER (hh, view->services, service, next)
		view_service_reset(service);
	view_service_reset(&view->no_service);
	view_service_reset(&job->total);
	for (i = 0; i < view->n_queues; i++) {
		struct view_queue *vq = view->queues[i];

		view_counts_reset(&vq->counts);
		vq->in = view_takes(&job->filter, vq);
	}
	for (i = 0; i < view->n_switches; i++)
		view_count_visits(view, &view->switches[i], job->now_us);
	view_agents_count(view, job);
	for (i = 0; i < view->n_queues; i++) {
		struct view_queue *vq = view->queues[i];
		const struct view_counts *counts = &vq->counts;

		vq->in = vq->in &&
		    (live_shows(vq->sw->live, vq->queue) ||
			counts->waiting + counts->talking + counts->logged_in >
			    0);
		if (!vq->in)
			continue;
		vq->service->in = true;
		view_counts_add(&vq->service->counts, counts);
		view_counts_add(&job->total.counts, counts);
	}
}

/* --- one queue ----------------------------------------------------------- */

static void
view_queue_sums(struct view_queue *vq)
{
	int i;

	for (i = 0; i < VIEW_BLOCKS; i++) {
		figure_sum_reset(&vq->block[i]);
		if (i == VIEW_TODAY)
			live_today(vq->sw->live, vq->queue, &vq->block[i]);
		else
			live_window(vq->sw->live, vq->queue, view_minutes[i],
			    &vq->block[i]);
	}
}

static void
view_blocks_write(const struct view *view, struct strbuf *b,
    const struct live *live, const struct figure_sum block[VIEW_BLOCKS],
    const struct view_target *target)
{
	int i;

	for (i = 0; i < VIEW_BLOCKS; i++) {
		struct view_span span = {.block = (enum view_block)i,
		    .since_us = live->day_us,
		    .complete = live_day_is_complete(live)};

		if (i != VIEW_TODAY) {
			span.since_us =
			    live_window_since(live, view_minutes[i]);
			span.complete =
			    live_window_is_complete(live, view_minutes[i]);
		}
		view_block_write(view, b, &span, &block[i], target);
	}
}

void
view_queue_update(struct view *view, struct view_queue *vq, int64_t now_us)
{
	const struct live *live = vq->sw->live;
	int64_t minute_us = utc_floor(now_us, LIVE_MINUTE_US);
	bool day = live_day_is_complete(live);
	bool hour = live_window_is_complete(live, LIVE_WINDOW);

	if (vq->version == live_version(vq->queue) &&
	    vq->settings_no == view->settings_no &&
	    vq->minute_us == minute_us && vq->day_complete == day &&
	    vq->hour_complete == hour)
		return;
	vq->version = live_version(vq->queue);
	vq->settings_no = view->settings_no;
	vq->minute_us = minute_us;
	vq->day_complete = day;
	vq->hour_complete = hour;
	view_queue_sums(vq);
	strbuf_reset(&vq->text);
	view_blocks_write(view, &vq->text, live, vq->block,
	    vq->service->has_target ? &vq->service->target : NULL);
}

/*
 * Who rings and is still in time has met the target as little as missed it: the
 * first caller of the day would make it red. So the status, and how many more
 * calls it takes, are of those of whom it is settled; today's shares are of all
 * who were offered.
 */
static void
view_target_write(struct strbuf *b, const struct view_service *service,
    const struct view_counts *counts, const struct figure_sum *today)
{
	const struct view_target *target = &service->target;
	int64_t offered = today->v[MEASURE_offered], within, calls;
	int64_t settled = offered -
	    RT_MIN((int64_t)counts->in_time, figure_waiting(today->v));
	int64_t unknown =
	    today->v[MEASURE_answered] - hist_total(&today->wait_answered);

	json_put_int(b, "waits_unknown", unknown);
	if (!service->has_target) {
		json_put_null(b, "target");
		json_put_null(b, "status");
		json_put_null(b, "calls_to_target");
		return;
	}
	json_put_object(b, "target");
	json_put_int(b, "within_s", target->within_s);
	json_put_number(b, "pct", target->pct);
	json_put_number(b, "amber_pct", target->amber_pct);
	json_end_object(b);
	within = hist_within(&today->wait_answered, target->within_s);
	json_put_string(b, "status",
	    settled == 0 || unknown != 0		       ? NULL
		: figure_reaches(within, settled, target->pct) ? "green"
		: target->amber_pct > 0 &&
		    figure_reaches(within, settled, target->amber_pct)
		? "amber"
		: "red");
	calls = settled == 0 && offered > 0
	    ? 1
	    : figure_to_target(within, settled, target->pct);
	if (calls < 0 || unknown != 0)
		json_put_null(b, "calls_to_target");
	else
		json_put_int(b, "calls_to_target", calls);
}

/* Waiting, talking, agents. */
static void
view_counts_write(struct strbuf *b, struct view_counts *counts, int64_t now_us)
{
	json_put_int(b, "waiting", (int64_t)counts->waiting);
	json_put_seconds(b, "longest_wait_s",
	    counts->oldest_us == INT64_MAX
		? -1
		: RT_MAX(now_us - counts->oldest_us, 0));
	json_put_int(b, "talking", (int64_t)counts->talking);
	view_agents_write(b, counts);
}

static void
view_queue_name(struct strbuf *b, const struct view_queue *vq)
{
	json_put_string(b, "switch", vq->sw->name);
	json_put_string(b, "queue", vq->queue->name);
}

static void
view_queue_write(struct strbuf *b, struct view_queue *vq, int64_t now_us)
{
	json_put_object(b, NULL);
	view_queue_name(b, vq);
	json_put_string(b, "service", vq->service->name);
	view_counts_write(b, &vq->counts, now_us);
	view_target_write(b, vq->service, &vq->counts, &vq->block[VIEW_TODAY]);
	json_put_raw(b, NULL, (struct slice){vq->text.p, vq->text.n});
	json_end_object(b);
}

static void
view_service_add(struct view_service *to, const struct view_queue *vq)
{
	int i;

	for (i = 0; i < VIEW_BLOCKS; i++)
		figure_add(&to->block[i], &vq->block[i]);
}

bool
view_queues_step(struct view *view, struct view_job *job)
{
	struct view_queue *vq;

	if (job->at >= view->n_queues)
		return false;
	vq = view->queues[job->at++];
	if (!vq->in)
		return true;
	view_queue_update(view, vq, job->now_us);
	view_service_add(&job->total, vq);
	if (job->what != VIEW_SERVICES)
		view_queue_write(&job->out, vq, job->now_us);
	if (job->what != VIEW_QUEUES) {
		view_service_add(vq->service, vq);
		json_put_object(&vq->service->queues, NULL);
		view_queue_name(&vq->service->queues, vq);
		json_end_object(&vq->service->queues);
	}
	return true;
}

/* --- services and the total ---------------------------------------------- */

/*
 * The clocks of all switches were told the same time; where one is not loaded
 * completely the sum is not either.
 */
static void
view_sum_live(const struct view *view, struct live *live)
{
	size_t i;

	*live = (struct live){0};
	if (view->n_switches > 0)
		*live = *view->switches[0].live;
	for (i = 1; i < view->n_switches; i++) {
		const struct live *other = view->switches[i].live;

		live->day_since_us =
		    RT_MAX(live->day_since_us, other->day_since_us);
		live->hour_since_us =
		    RT_MAX(live->hour_since_us, other->hour_since_us);
	}
}

static void
view_service_write(
    struct view *view, struct view_job *job, struct view_service *service)
{
	struct strbuf *b = &job->out;
	struct live live;

	if (!service->in)
		return;
	view_sum_live(view, &live);
	json_put_object(b, NULL);
	json_put_string(b, "service", service->name);
	json_put_array(b, "queues");
	if (service->queues.n > 0)
		json_put_raw(b, NULL,
		    (struct slice){service->queues.p, service->queues.n});
	json_end_array(b);
	view_counts_write(b, &service->counts, job->now_us);
	view_target_write(
	    b, service, &service->counts, &service->block[VIEW_TODAY]);
	view_blocks_write(view, b, &live, service->block,
	    service->has_target ? &service->target : NULL);
	json_end_object(b);
}

static void
view_services_write(struct view *view, struct view_job *job)
{
	struct view_service *service, *next;

	json_put_array(&job->out, "services");
	HASH_ITER (hh, view->services, service, next)
		view_service_write(view, job, service);
	view_service_write(view, job, &view->no_service);
	json_end_array(&job->out);
}

static void
view_total_write(struct view *view, struct view_job *job)
{
	struct live live;

	view_sum_live(view, &live);
	json_put_object(&job->out, "total");
	view_counts_write(&job->out, &job->total.counts, job->now_us);
	view_blocks_write(view, &job->out, &live, job->total.block, NULL);
	json_end_object(&job->out);
}

/* --- the documents ------------------------------------------------------- */

void
view_queues_begin(struct view *view, struct view_job *job)
{
	json_put_string(&job->out, "site", view->config.site);
	view_count(view, job);
	json_put_array(&job->out, "queues");
}

void
view_queues_end(struct view *view, struct view_job *job)
{
	json_end_array(&job->out);
	view_total_write(view, job);
}

void
view_services_begin(struct view *view, struct view_job *job)
{
	json_put_string(&job->out, "site", view->config.site);
	view_count(view, job);
}

void
view_services_end(struct view *view, struct view_job *job)
{
	view_services_write(view, job);
}

void
view_snapshot_begin(struct view *view, struct view_job *job)
{
	json_put_string(&job->out, "site", view->config.site);
	json_put_string(&job->out, "timezone", view->config.timezone);
	json_put_string(&job->out, "version", view->config.version);
	view_count(view, job);
	json_put_array(&job->out, "queues");
}

void
view_snapshot_end(struct view *view, struct view_job *job)
{
	struct view_database database;

	json_end_array(&job->out);
	view_services_write(view, job);
	view_total_write(view, job);
	view_callbacks_version_write(view, job);
	view_feeds_short(view, job);
	view_database(view, &database);
	json_put_object(&job->out, "database");
	json_put_string(&job->out, "state", database.state);
	json_put_seconds(&job->out, "lag_s", database.lag_us);
	json_end_object(&job->out);
}

/* --- for those who read figures ------------------------------------------ */

static void
view_gauges_set(
    struct view_gauges *to, const struct view_queue *vq, int64_t now_us)
{
	const struct view_counts *counts = &vq->counts;

	*to = (struct view_gauges){.sw = vq->sw,
	    .queue = vq->queue,
	    .waiting = counts->waiting,
	    .talking = counts->talking,
	    .longest_wait_us = counts->oldest_us == INT64_MAX
		? -1
		: RT_MAX(now_us - counts->oldest_us, 0),
	    .logged_in = counts->logged_in,
	    .free = counts->agents[PRESENCE_FREE],
	    .busy = counts->agents[PRESENCE_TALKING],
	    .wrapping_up = counts->agents[PRESENCE_WRAPPING_UP],
	    .paused = counts->agents[PRESENCE_PAUSED]};
}

struct view_gauges *
view_gauges(struct view *view, int64_t now_us, size_t *n)
{
	struct view_job job = {.now_us = now_us};
	struct view_gauges *gauges;
	size_t i;

	if (view->job.doc != NULL)
		return NULL;
	for (i = 0; i < view->n_switches; i++)
		live_clock(view->switches[i].live, now_us);
	view_queues_refresh(view);
	view_count(view, &job);
	view_service_fini(&job.total);
	gauges = mem_zalloc((view->n_queues + 1) * sizeof(*gauges));
	*n = 0;
	for (i = 0; i < view->n_queues; i++)
		if (view->queues[i]->in)
			view_gauges_set(
			    &gauges[(*n)++], view->queues[i], now_us);
	return gauges;
}
