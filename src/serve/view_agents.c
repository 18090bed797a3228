/* SPDX-License-Identifier: BSD-2-Clause */
/* Agents: what each of them does now, and how many do what. */
#include "base/base.h"
#include "serve/view_inner.h"

/* --- counts -------------------------------------------------------------- */

void
view_counts_reset(struct view_counts *counts)
{
	struct view_reason *reasons = counts->reasons;

	*counts =
	    (struct view_counts){.oldest_us = INT64_MAX, .reasons = reasons};
}

void
view_counts_fini(struct view_counts *counts)
{
	free(counts->reasons);
	*counts = (struct view_counts){.oldest_us = INT64_MAX};
}

static void
view_counts_reason(struct view_counts *counts, const char *text, size_t n)
{
	size_t i = 0;

	if (counts->reasons == NULL)
		counts->reasons =
		    mem_zalloc(VIEW_REASONS_MAX * sizeof(*counts->reasons));
	while (
	    i < counts->n_reasons && strcmp(counts->reasons[i].text, text) != 0)
		i++;
	if (i == counts->n_reasons) {
		snprintf(counts->reasons[i].text,
		    sizeof(counts->reasons[i].text), "%s", text);
		counts->reasons[i].n = 0;
		counts->n_reasons++;
	}
	counts->reasons[i].n += n;
}

static void
view_counts_take(struct view_counts *counts, const struct presence_counts *from)
{
	uint32_t i;

	counts->logged_in = from->logged_in;
	for (i = 0; i < PRESENCE_STATES; i++)
		counts->agents[i] = from->of[i];
	for (i = 0; i < from->n_reasons; i++)
		view_counts_reason(
		    counts, from->reasons[i].name, from->reasons[i].n);
	if (from->more_reasons > 0)
		view_counts_reason(counts, "other", from->more_reasons);
}

void
view_agents_write(struct strbuf *b, const struct view_counts *counts)
{
	size_t i;

	json_put_object(b, "agents");
	json_put_int(b, "logged_in", (int64_t)counts->logged_in);
	json_put_int(b, "free", (int64_t)counts->agents[PRESENCE_FREE]);
	json_put_int(b, "talking", (int64_t)counts->agents[PRESENCE_TALKING]);
	json_put_int(
	    b, "wrapping_up", (int64_t)counts->agents[PRESENCE_WRAPPING_UP]);
	json_put_int(b, "paused", (int64_t)counts->agents[PRESENCE_PAUSED]);
	json_put_object(b, "paused_by_reason");
	for (i = 0; i < counts->n_reasons; i++) {
		json_put_name(b, slice_of(counts->reasons[i].text));
		json_put_int(b, NULL, (int64_t)counts->reasons[i].n);
	}
	json_end_object(b);
	json_end_object(b);
}

/* --- counting ------------------------------------------------------------ */

/* The groups: each queue, each service, and all queues of the document. */
struct view_groups {
	const struct view *view;
	const struct view_switch *sw;
	uint32_t all;
};

static unsigned
view_groups_of(
    void *ctx, const struct queue *queue, uint32_t groups[PRESENCE_GROUPS])
{
	const struct view_groups *g = ctx;
	const struct view_queue *vq = view_queue_of(g->view, g->sw, queue);

	if (!vq->in)
		return 0;
	groups[0] = vq->number;
	groups[1] = vq->service->number;
	groups[2] = g->all;
	return 3;
}

static uint32_t
view_groups_number(struct view *view)
{
	struct view_service *service, *next;
	uint32_t n = 0;

	while (n < view->n_queues) {
		view->queues[n]->number = n;
		n++;
	}
	view->no_service.number = n++;
	HASH_ITER (hh, view->services, service, next)
		service->number = n++;
	return n;
}

void
view_agents_count(struct view *view, struct view_job *job)
{
	const struct presence_board *board = &view->board;
	struct view_groups g = {.view = view, .all = view_groups_number(view)};
	struct view_service *service, *next;
	bool some = job->filter.queues != NULL || job->filter.services != NULL;
	size_t i;

	presence_board_reset(&view->board, g.all + 1);
	for (i = 0; i < view->n_switches; i++) {
		g.sw = &view->switches[i];
		if (view_listed(job->filter.switches, g.sw->name))
			presence_count(&view->board, g.sw->tally, job->now_us,
			    view_groups_of, &g);
	}
	for (i = 0; i < view->n_queues; i++)
		view_counts_take(&view->queues[i]->counts,
		    presence_counts(board, view->queues[i]->number));
	HASH_ITER (hh, view->services, service, next)
		view_counts_take(
		    &service->counts, presence_counts(board, service->number));
	view_counts_take(&view->no_service.counts,
	    presence_counts(board, view->no_service.number));
	/* who is logged in and in no queue that is known of is in the whole */
	view_counts_take(&job->total.counts,
	    some ? presence_counts(board, g.all) : &board->total);
}

/* --- the document -------------------------------------------------------- */

/* The names of an agent's queues, and whether the document has one of them. */
struct view_agent_queues {
	const struct view *view;
	const struct view_switch *sw;
	const char **names;
	size_t n;
	bool in;
};

static void
view_agent_queue(void *ctx, const struct queue *queue)
{
	struct view_agent_queues *q = ctx;

	q->names = mem_realloc(q->names, q->n + 1, sizeof(*q->names));
	q->names[q->n++] = queue->name;
	q->in = q->in || view_queue_of(q->view, q->sw, queue)->in;
}

static bool
view_agent_takes(const struct view *view, const struct view_job *job,
    const struct view_agent_ref *ref)
{
	const struct view_filter *filter = &job->filter;
	struct view_agent_queues q = {view, ref->sw, NULL, 0, false};

	if (!view_listed(filter->switches, ref->sw->name))
		return false;
	if (filter->queues == NULL && filter->services == NULL)
		return ref->agent->sessions != NULL ||
		    presence_of(ref->agent, job->now_us).state !=
		    PRESENCE_LOGGED_OFF;
	presence_queues(ref->agent, job->now_us, view_agent_queue, &q);
	free(q.names);
	return q.in;
}

static int
view_agent_order_cb(const void *a, const void *b)
{
	const struct view_agent_ref *ra = a, *rb = b;
	int order = strcmp(ra->sw->name, rb->sw->name);

	return order != 0 ? order : strcmp(ra->agent->name, rb->agent->name);
}

/* Those of a switch whom the filter takes. */
static void
view_agents_collect(
    struct view *view, struct view_job *job, const struct view_switch *sw)
{
	const struct slots *agents = &sw->tally->agents;
	size_t i;

	for (i = 0; i < slots_count(agents); i++) {
		struct view_agent_ref ref = {sw, agents->slot[i].object};

		if (ref.agent != NULL && view_agent_takes(view, job, &ref))
			job->agents[job->n_agents++] = ref;
	}
}

void
view_agents_begin(struct view *view, struct view_job *job)
{
	size_t n = 0, i;

	view_count(view, job);
	for (i = 0; i < view->n_switches; i++)
		n += view->switches[i].tally->agents.used;
	job->agents = mem_zalloc((n + 1) * sizeof(*job->agents));
	for (i = 0; i < view->n_switches; i++)
		view_agents_collect(view, job, &view->switches[i]);
	qsort(job->agents, job->n_agents, sizeof(*job->agents),
	    view_agent_order_cb);
	json_put_array(&job->out, "agents");
}

static int
view_name_order_cb(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
view_agent_queues_write(struct strbuf *b, const struct view *view,
    const struct view_agent_ref *ref, int64_t now_us)
{
	struct view_agent_queues q = {view, ref->sw, NULL, 0, false};
	size_t i;

	presence_queues(ref->agent, now_us, view_agent_queue, &q);
	if (q.n > 1)
		qsort(q.names, q.n, sizeof(*q.names), view_name_order_cb);
	json_put_array(b, "queues");
	for (i = 0; i < q.n; i++)
		if (i == 0 || strcmp(q.names[i], q.names[i - 1]) != 0)
			json_put_string(b, NULL, q.names[i]);
	json_end_array(b);
	free(q.names);
}

bool
view_agents_step(struct view *view, struct view_job *job)
{
	struct strbuf *b = &job->out;
	const struct view_agent_ref *ref;
	struct presence is;

	if (job->at >= job->n_agents)
		return false;
	ref = &job->agents[job->at++];
	is = presence_of(ref->agent, job->now_us);
	json_put_object(b, NULL);
	json_put_string(b, "switch", ref->sw->name);
	json_put_string(b, "agent", ref->agent->name);
	json_put_string(b, "state", presence_state_name(is.state));
	json_put_time(b, "since", is.since_us);
	json_put_string(
	    b, "reason", is.state == PRESENCE_PAUSED ? is.reason : NULL);
	view_agent_queues_write(b, view, ref, job->now_us);
	json_put_string(
	    b, "talking_queue", is.talk != NULL ? is.talk->queue->name : NULL);
	if (is.talk != NULL)
		json_put_text(b, "call_id",
		    (struct slice){is.talk->call->id, is.talk->call->id_len});
	else
		json_put_null(b, "call_id");
	json_end_object(b);
	return true;
}

void
view_agents_end(struct view *view, struct view_job *job)
{
	(void)view;
	json_end_array(&job->out);
}
